/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two ways through: scan() takes the common address, ASCII and prepared already, in one
 * pass over its bytes without a copy; any other is split, each part prepared
 * (prepare.h) and the three put together again. scan() accepts nothing that the long
 * way would change.
 */
#include "jid/jid.h"

#include "base/utf8.h"
#include "jid/prepare.h"

/* The three parts in prepared form, one after the other as in the full address. */
struct assembly {
	char bytes[3 * PREPARE_ROOM];
	size_t local, domain, len; /* bytes of the local part, of the domain, of all */
};

const char *jid_error_text(enum jid_error e)
{
	static const char *const texts[] = {
#define X(id, text) text,
		JID_ERRORS(X)
#undef X
	};
	return texts[e];
}

static inline size_t span(struct str s, size_t from, unsigned class)
{
	size_t i = from;

	while (i < s.len && prepare_class[(unsigned char)s.p[i]] & class)
		i++;
	return i;
}

/*
 * The end of the plain domain that begins at from, or 0. A quick subset of
 * prepare_is_plain_domain(): the last label begins with a letter, two labels at least.
 */
static inline size_t span_domain(struct str s, size_t from)
{
	size_t label = from;

	for (;;) {
		size_t i = span(s, label, CLASS_LABEL);
		size_t len = i - label;
		if (len - 1 >= 63 || s.p[label] == '-' || s.p[i - 1] == '-')
			return 0;
		if (s.p[label] == 'x' && len >= 4 && memcmp(s.p + label, "xn--", 4) == 0)
			return 0;
		if (i == s.len || s.p[i] != '.')
			return label > from && s.p[label] >= 'a' && i - from <= 253 ? i : 0;
		label = i + 1;
	}
}

/* Accepts only what is prepared, and not all of that: see prepared(). */
static bool scan(struct str in, struct jid *ret)
{
	size_t at = span(in, 0, CLASS_LOCAL), start = 0;

	if (at < in.len && in.p[at] == '@') {
		if (at - 1 >= JID_PART_MAX)
			return false;
		start = at + 1;
	}
	size_t end = span_domain(in, start);
	if (end == 0)
		return false;
	struct str resource = { in.p + end, 0 };
	if (end < in.len) {
		if (in.p[end] != '/')
			return false;
		resource = str_skip(in, end + 1);
		if (resource.len - 1 >= JID_PART_MAX ||
			span(resource, 0, CLASS_RESOURCE) != resource.len)
			return false;
	}
	ret->full = in;
	ret->local = str_from(in.p, start ? start - 1 : 0);
	ret->domain = str_from(in.p + start, end - start);
	ret->resource = resource;
	return true;
}

struct parts {
	struct str local, domain, resource;
	bool has_local, has_resource;
};

/* RFC 7622 section 3.1; parts are checked for their length only. */
static enum jid_error split(struct str in, struct parts *ret)
{
	const char *slash = in.len ? memchr(in.p, '/', in.len) : NULL;
	struct parts s = { .has_resource = slash };

	if (slash) {
		size_t front = (size_t)(slash - in.p);
		s.resource = str_skip(in, front + 1);
		in.len = front;
	}
	const char *at = in.len ? memchr(in.p, '@', in.len) : NULL;
	s.has_local = at;
	if (at) {
		s.local = str_from(in.p, (size_t)(at - in.p));
		in = str_skip(in, s.local.len + 1);
	}
	s.domain = in;
	if (s.domain.len == 0 || (s.has_local && s.local.len == 0) ||
		(s.has_resource && s.resource.len == 0))
		return JID_EMPTY_PART;
	if (s.local.len > JID_PART_MAX || s.domain.len > JID_PART_MAX ||
		s.resource.len > JID_PART_MAX)
		return JID_TOO_LONG;
	*ret = s;
	return JID_OK;
}

static enum jid_error assemble(struct str in, struct assembly *ret)
{
	struct parts parts;
	enum jid_error e = split(in, &parts);
	size_t n;

	if (e != JID_OK)
		return e;
	if (!utf8_is_xml(in))
		return JID_NOT_UTF8;
	ret->local = ret->len = 0;
	if (parts.has_local) {
		e = prepare_local(parts.local, ret->bytes, &ret->local);
		if (e != JID_OK)
			return e;
		ret->bytes[ret->local] = '@';
		ret->len = ret->local + 1;
	}
	e = prepare_domain(parts.domain, ret->bytes + ret->len, &ret->domain);
	if (e != JID_OK)
		return e;
	ret->len += ret->domain;
	if (parts.has_resource) {
		ret->bytes[ret->len++] = '/';
		e = prepare_resource(parts.resource, ret->bytes + ret->len, &n);
		if (e != JID_OK)
			return e;
		ret->len += n;
	}
	return JID_OK;
}

static struct jid point_into(struct str full, const struct assembly *parts)
{
	size_t domain = parts->local ? parts->local + 1 : 0;
	size_t resource = domain + parts->domain;

	if (resource < full.len)
		resource++;
	return (struct jid){
		.full = full,
		.local = str_from(full.p, parts->local),
		.domain = str_from(full.p + domain, parts->domain),
		.resource = str_skip(full, resource),
	};
}

/* The long way; kept out of line, so that the short one needs no room for the parts. */
static __attribute__((noinline)) enum jid_error prepare(
	struct arena *a, struct str in, struct jid *ret_jid)
{
	struct assembly parts;
	enum jid_error e = assemble(in, &parts);

	if (e != JID_OK)
		return e;
	struct str full = str_from(parts.bytes, parts.len);
	if (str_eq(full, in))
		full = in;
	else if (!a)
		return JID_NOT_PREPARED;
	else
		full = arena_str(a, full);
	if (!full.p)
		return JID_MEMORY;
	*ret_jid = point_into(full, &parts);
	return JID_OK;
}

enum jid_error jid_parse(struct arena *a, struct str in, struct jid *ret_jid)
{
	return scan(in, ret_jid) ? JID_OK : prepare(a, in, ret_jid);
}

enum jid_error jid_parse_prepared(struct str in, struct jid *ret_jid)
{
	return scan(in, ret_jid) ? JID_OK : prepare(NULL, in, ret_jid);
}

static enum jid_error check_part(struct str in)
{
	if (in.len == 0)
		return JID_EMPTY_PART;
	if (in.len > JID_PART_MAX)
		return JID_TOO_LONG;
	return utf8_is_xml(in) ? JID_OK : JID_NOT_UTF8;
}

enum jid_error jid_parse_domain(struct arena *a, struct str in, struct str *ret_domain)
{
	char out[PREPARE_ROOM];
	size_t len;

	if (in.len && span_domain(in, 0) == in.len) {
		*ret_domain = in;
		return JID_OK;
	}
	enum jid_error e = check_part(in);
	if (e == JID_OK)
		e = prepare_domain(in, out, &len);
	if (e != JID_OK)
		return e;
	struct str domain = arena_str(a, str_from(out, len));
	if (!domain.p)
		return JID_MEMORY;
	*ret_domain = domain;
	return JID_OK;
}

enum jid_error jid_domain_to_ascii(struct arena *a, struct str domain, struct str *ret_ascii)
{
	char out[PREPARE_ROOM];
	size_t len;
	enum jid_error e = check_part(domain);

	if (e != JID_OK)
		return e;
	if (prepare_is_plain_domain(domain, false) || domain.p[0] == '[') {
		*ret_ascii = domain;
		return JID_OK;
	}
	e = prepare_ascii(domain, out, &len);
	if (e != JID_OK)
		return e;
	struct str ascii = arena_str(a, str_from(out, len));
	if (!ascii.p)
		return JID_MEMORY;
	*ret_ascii = ascii;
	return JID_OK;
}
