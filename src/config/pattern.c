/* SPDX-License-Identifier: Apache-2.0 */
#include "config/pattern.h"

#include <stdio.h>

#include "config/config.h"
#include "jid/jid.h"

static const struct str ANY = STR("any");

bool config_match(struct str pattern, struct str domain)
{
	if (str_eq(pattern, ANY))
		return true;
	if (pattern.len < 2 || pattern.p[0] != '*')
		return str_eq(pattern, domain);
	/* ".suffix", with at least one byte before it */
	struct str suffix = str_skip(pattern, 1);
	return domain.len > suffix.len && str_ends(domain, suffix);
}

/* "*" and the rest of the name from its next dot on; false at the last label. */
static bool parent(struct str *name, char *star, size_t size, struct str *ret_pattern)
{
	const char *dot = memchr(name->p, '.', name->len);

	if (!dot)
		return false;
	*name = str_skip(*name, (size_t)(dot - name->p) + 1);
	if (name->len + 2 > size)
		return false;
	star[0] = '*';
	star[1] = '.';
	memcpy(star + 2, name->p, name->len);
	*ret_pattern = str_from(star, name->len + 2);
	return true;
}

void *pattern_shadow(const struct table *earlier, struct str pattern)
{
	char star[JID_PART_MAX + 2];
	struct str name = pattern, wider;
	void *found = table_find(earlier, ANY);

	if (!found)
		found = table_find(earlier, pattern);
	while (!found && parent(&name, star, sizeof(star), &wider))
		found = table_find(earlier, wider);
	return found;
}

static const char *prepare_domain(struct arena *a, struct str written, struct str *ret_domain)
{
	enum jid_error error = jid_parse_domain(a, written, ret_domain);

	if (error != JID_OK)
		return jid_error_text(error);
	return NULL;
}

/* A suffix may be one label, which alone would be no domain: something is put before it. */
static const char *prepare_suffix(struct arena *a, struct str suffix, struct str *ret_pattern)
{
	char longer[JID_PART_MAX + 2];
	struct str prepared;

	if (suffix.len == 0 || suffix.len > JID_PART_MAX - 2)
		return "the suffix after `*.` is missing or too long";
	int n = snprintf(longer, sizeof(longer), "x.%.*s", STR_FMT(suffix));
	const char *error = prepare_domain(a, str_from(longer, (size_t)n), &prepared);
	if (error)
		return error;
	char *p = arena_alloc(a, prepared.len);
	if (!p)
		return jid_error_text(JID_MEMORY);
	memcpy(p, prepared.p, prepared.len);
	p[0] = '*';
	*ret_pattern = str_from(p, prepared.len);
	return NULL;
}

const char *pattern_prepare(struct arena *a, struct str written, struct str *ret_pattern)
{
	if (str_eq(written, ANY)) {
		*ret_pattern = ANY;
		return NULL;
	}
	if (str_starts(written, STRL("*.")))
		return prepare_suffix(a, str_skip(written, 2), ret_pattern);
	if (memchr(written.p, '*', written.len))
		return "`*` may only stand first, as in `*.example.org`";
	return prepare_domain(a, written, ret_pattern);
}
