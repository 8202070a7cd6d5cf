/* SPDX-License-Identifier: Apache-2.0 */
/*
 *	status-line *(field CRLF) CRLF body
 *
 * The body ends by its length, by its last chunk, or with the connection. Whatever could be read in two ways
 * (both a length and chunks, two lengths, a bare LF) is refused.
 */
#include "net/http.h"

enum { LINE_MAX = 4096, CHUNK_DIGITS = 6 };

struct head {
	bool chunked;
	bool has_length;
	uint64_t length;
};

static bool same(struct str s, const char *word)
{
	if (s.len != strlen(word))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (str_lower(s.p[i]) != word[i])
			return false;
	}
	return true;
}

/* Takes a line off the front; false: its end is not there. */
static bool take_line(struct str *rest, struct str *ret_line)
{
	const char *end = rest->len > 1 ? memmem(rest->p, rest->len, "\r\n", 2) : NULL;

	if (!end)
		return false;
	*ret_line = str_from(rest->p, (size_t)(end - rest->p));
	*rest = str_skip(*rest, ret_line->len + 2);
	return true;
}

static struct str trim(struct str s)
{
	while (s.len && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = str_skip(s, 1);
	while (s.len && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
		s.len--;
	return s;
}

/* NULL: 200. */
static const char *judge_status(struct str line)
{
	if (line.len < 12 || !str_starts(line, STRL("HTTP/1.")) || line.p[8] != ' ')
		return "not an HTTP/1 answer";
	struct str code = str_from(line.p + 9, 3);
	if (code.p[0] == '3')
		return "an HTTP redirection, which is not followed";
	return str_is(code, "200") ? NULL : "the HTTP server has no such document";
}

static const char *take_field(struct str line, struct head *h)
{
	const char *colon = memchr(line.p, ':', line.len);

	if (!colon || colon == line.p)
		return "malformed HTTP header";
	struct str name = str_from(line.p, (size_t)(colon - line.p));
	struct str value = trim(str_skip(line, name.len + 1));
	if (same(name, "content-length")) {
		if (h->has_length || !str_to_u64(value, &h->length))
			return "malformed HTTP length";
		h->has_length = true;
	} else if (same(name, "transfer-encoding")) {
		if (!same(value, "chunked"))
			return "unknown HTTP encoding";
		h->chunked = true;
	} else if (same(name, "content-encoding") && !same(value, "identity")) {
		return "unknown HTTP encoding";
	}
	return h->chunked && h->has_length ? "two HTTP lengths" : NULL;
}

static bool read_hex(struct str s, size_t *ret)
{
	size_t n = 0;

	if (s.len == 0 || s.len > CHUNK_DIGITS)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = str_lower(s.p[i]);
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
		n = n * 16 + (size_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	*ret = n;
	return true;
}

static enum net_http_result bad(const char **ret_why, const char *why)
{
	*ret_why = why;
	return NET_HTTP_BAD;
}

static enum net_http_result more(bool ended, const char **ret_why)
{
	return ended ? bad(ret_why, "the HTTP answer ended early") : NET_HTTP_MORE;
}

/* Trailing fields are not waited for. */
static enum net_http_result read_chunks(
	struct str rest, bool ended, struct buf *body, const char **ret_why)
{
	struct str line;
	size_t n;

	while (take_line(&rest, &line)) {
		const char *semicolon = memchr(line.p, ';', line.len);
		if (semicolon)
			line.len = (size_t)(semicolon - line.p);
		if (!read_hex(trim(line), &n))
			return bad(ret_why, "malformed HTTP chunk");
		if (n == 0)
			return NET_HTTP_DONE;
		if (rest.len < n + 2)
			return more(ended, ret_why);
		if (memcmp(rest.p + n, "\r\n", 2) != 0)
			return bad(ret_why, "malformed HTTP chunk");
		if (!buf_append(body, str_from(rest.p, n)))
			return bad(ret_why, "the document is too large");
		rest = str_skip(rest, n + 2);
	}
	if (rest.len > LINE_MAX)
		return bad(ret_why, "malformed HTTP chunk");
	return more(ended, ret_why);
}

static enum net_http_result read_body(
	struct str rest, const struct head *h, bool ended, struct buf *body, const char **ret_why)
{
	if (h->chunked)
		return read_chunks(rest, ended, body, ret_why);
	if (h->has_length && h->length > body->limit)
		return bad(ret_why, "the document is too large");
	if (h->has_length && rest.len < h->length)
		return more(ended, ret_why);
	if (h->has_length)
		rest.len = (size_t)h->length;
	else if (!ended)
		return rest.len > body->limit ? bad(ret_why, "the document is too large")
					      : NET_HTTP_MORE;
	return buf_append(body, rest) ? NET_HTTP_DONE : bad(ret_why, "the document is too large");
}

enum net_http_result net_http_read(
	struct str bytes, bool ended, struct buf *ret_body, const char **ret_why)
{
	struct head h = { 0 };
	struct str rest = bytes, line;
	const char *why = NULL;
	bool first = true;

	while (take_line(&rest, &line)) {
		if (line.len == 0 && !first) {
			enum net_http_result r = read_body(rest, &h, ended, ret_body, ret_why);
			if (r != NET_HTTP_DONE)
				buf_clear(ret_body, SIZE_MAX);
			return r;
		}
		why = first ? judge_status(line) : take_field(line, &h);
		first = false;
		if (why)
			return bad(ret_why, why);
		if (bytes.len - rest.len > NET_HTTP_HEAD_MAX)
			break;
	}
	if (bytes.len > NET_HTTP_HEAD_MAX)
		return bad(ret_why, "the HTTP header is too large");
	return more(ended, ret_why);
}
