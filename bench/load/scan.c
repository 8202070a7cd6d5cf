/* SPDX-License-Identifier: Apache-2.0 */
#include "scan.h"

#include <string.h>

bool scan_has(struct str s, const char *needle)
{
	return memmem(s.p, s.len, needle, strlen(needle)) != NULL;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* "</name>" in s, or NULL. */
static const char *find_end_tag(struct str s, struct str name)
{
	char tag[64];
	if (name.len > sizeof(tag) - 3)
		return NULL;
	tag[0] = '<';
	tag[1] = '/';
	memcpy(tag + 2, name.p, name.len);
	tag[2 + name.len] = '>';
	return memmem(s.p, s.len, tag, name.len + 3);
}

enum scan scan_element(struct str in, struct element *ret_element)
{
	size_t start = 0;
	while (start < in.len && is_space(in.p[start]))
		start++;
	if (start == in.len)
		return SCAN_MORE;
	if (in.p[start] != '<')
		return SCAN_BAD;
	const char *p = in.p + start, *end = in.p + in.len;
	const char *close = memchr(p, '>', (size_t)(end - p));
	if (!close)
		return SCAN_MORE;
	const char *stop = p + 1;
	while (stop < close && !is_space(*stop) && (*stop != '/' || stop == p + 1))
		stop++;
	struct element e = { .name = { p + 1, (size_t)(stop - p - 1) },
		.head = { p, (size_t)(close + 1 - p) },
		.body = { close + 1, 0 },
		.len = (size_t)(close + 1 - in.p) };
	bool whole =
		close[-1] == '/' || p[1] == '?' || p[1] == '/' || str_is(e.name, "stream:stream");
	if (!whole) {
		struct str rest = { close + 1, (size_t)(end - close - 1) };
		const char *tail = find_end_tag(rest, e.name);
		if (!tail)
			return SCAN_MORE;
		e.body.len = (size_t)(tail - e.body.p);
		e.len = (size_t)(tail - in.p) + e.name.len + 3;
	}
	*ret_element = e;
	return SCAN_ELEMENT;
}

struct str scan_attr(struct str head, const char *name)
{
	size_t n = strlen(name);
	const char *p = head.p, *end = head.p + head.len;
	while ((p = memmem(p, (size_t)(end - p), name, n))) {
		const char *q = p + n;
		if (is_space(p[-1]) && q + 2 < end && q[0] == '=' &&
			(q[1] == '\'' || q[1] == '"')) {
			const char *stop = memchr(q + 2, q[1], (size_t)(end - q - 2));
			if (stop)
				return (struct str){ q + 2, (size_t)(stop - q - 2) };
		}
		p = q;
	}
	return (struct str){ "", 0 };
}
