/* SPDX-License-Identifier: Apache-2.0 */
/*
 *	{ "fingerprints": [ { "sha-256": BASE64, ... }, ... ], "expires": SECONDS }
 *	{ "url": URL, "expires": SECONDS }
 *
 * A reader of JSON that takes what it knows and steps over the rest, without recursion; the first error stays.
 */
#include "net/posh_doc.h"

#include "base/base64.h"

enum { DEPTH_MAX = 16, STRING_MAX = 2048 };

struct reader {
	struct str left;
	const char *error; /* static */
	char text[STRING_MAX]; /* of the last string */
};

static const char *fail(struct reader *r, const char *error)
{
	if (!r->error)
		r->error = error;
	r->left.len = 0;
	return r->error;
}

static char peek(struct reader *r)
{
	while (r->left.len && memchr(" \t\r\n", r->left.p[0], 4))
		r->left = str_skip(r->left, 1);
	return r->left.len ? r->left.p[0] : '\0';
}

static bool take(struct reader *r, char c)
{
	if (peek(r) != c)
		return false;
	r->left = str_skip(r->left, 1);
	return true;
}

static void expect(struct reader *r, char c)
{
	if (!take(r, c))
		fail(r, "malformed JSON");
}

/* Escapes other than of ASCII characters become '?': nothing that we look for has them. */
static struct str string(struct reader *r)
{
	size_t n = 0, i = 0;

	expect(r, '"');
	while (i < r->left.len && r->left.p[i] != '"' && n < STRING_MAX) {
		char c = r->left.p[i++];
		if ((unsigned char)c < ' ')
			break;
		if (c == '\\' && i < r->left.len) {
			c = r->left.p[i++];
			if (c == 'u')
				i += 4;
			if (c == 'u' || !memchr("\"\\/", c, 3))
				c = '?';
		}
		r->text[n++] = c;
	}
	if (i >= r->left.len || r->left.p[i] != '"') {
		fail(r, "malformed JSON");
		return STRL("");
	}
	r->left = str_skip(r->left, i + 1);
	return str_from(r->text, n);
}

static struct str word(struct reader *r)
{
	size_t n = 0;

	peek(r);
	while (n < r->left.len && !memchr(",]}: \t\r\n\"", r->left.p[n], 9))
		n++;
	struct str w = str_from(r->left.p, n);
	if (n == 0)
		fail(r, "malformed JSON");
	r->left = str_skip(r->left, n);
	return w;
}

/* Any value: brackets are counted, what stands between them is not looked at closely. */
static void skip_value(struct reader *r)
{
	unsigned depth = 0;

	do {
		char c = peek(r);
		if (c == '{' || c == '[') {
			depth++;
			take(r, c);
		} else if (c == '}' || c == ']') {
			if (depth-- == 0) {
				fail(r, "malformed JSON");
				return;
			}
			take(r, c);
		} else if (c == '"') {
			string(r);
		} else if (depth && (c == ',' || c == ':')) {
			take(r, c);
		} else {
			word(r);
		}
		if (depth > DEPTH_MAX)
			fail(r, "JSON that is nested too deeply");
	} while (depth && !r->error);
}

static void add_print(struct reader *r, struct net_posh_doc *doc, struct str digest)
{
	if (!base64_is(digest) || base64_size(digest) != sizeof(doc->sha256[0]))
		fail(r, "malformed digest");
	else if (doc->n == NET_POSH_PRINTS_MAX)
		fail(r, "too many digests");
	else
		base64_decode(digest, doc->sha256[doc->n++]);
}

/* One object of "fingerprints". */
static void read_print(struct reader *r, struct net_posh_doc *doc)
{
	expect(r, '{');
	while (!r->error && peek(r) != '}') {
		struct str name = string(r);
		bool ours = str_is(name, "sha-256");
		expect(r, ':');
		if (!ours) {
			skip_value(r);
		} else {
			add_print(r, doc, string(r));
		}
		if (!take(r, ','))
			break;
	}
	expect(r, '}');
}

static void read_prints(struct reader *r, struct net_posh_doc *doc)
{
	expect(r, '[');
	while (!r->error && peek(r) != ']') {
		read_print(r, doc);
		if (!take(r, ','))
			break;
	}
	expect(r, ']');
}

static void read_url(struct reader *r, struct net_posh_doc *doc)
{
	struct str url = string(r);

	if (url.len >= sizeof(doc->url) || memchr(url.p, '\0', url.len)) {
		fail(r, "a URL that is too long");
		return;
	}
	memcpy(doc->url, url.p, url.len);
	doc->url[url.len] = '\0';
}

static void read_expires(struct reader *r, struct net_posh_doc *doc)
{
	uint64_t s;

	if (!str_to_u64(word(r), &s))
		fail(r, "malformed time of expiry");
	else
		doc->expires_s = s < NET_POSH_EXPIRES_S ? (unsigned)s : NET_POSH_EXPIRES_S;
}

static void read_member(struct reader *r, struct net_posh_doc *doc)
{
	static const struct {
		const char *name;
		void (*read)(struct reader *r, struct net_posh_doc *doc);
	} members[] = {
		{ "fingerprints", read_prints },
		{ "url", read_url },
		{ "expires", read_expires },
	};
	struct str name = string(r);

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (str_is(name, members[i].name)) {
			expect(r, ':');
			members[i].read(r, doc);
			return;
		}
	}
	expect(r, ':');
	skip_value(r);
}

const char *net_posh_read(struct str json, struct net_posh_doc *ret)
{
	struct reader r = { .left = json };
	struct net_posh_doc doc = { .expires_s = 0 };

	if (json.len > NET_POSH_DOC_MAX)
		return "the document is too large";
	expect(&r, '{');
	while (!r.error && peek(&r) != '}') {
		read_member(&r, &doc);
		if (!take(&r, ','))
			break;
	}
	expect(&r, '}');
	if (!r.error && peek(&r))
		fail(&r, "malformed JSON");
	if (!r.error && doc.n && doc.url[0])
		fail(&r, "both digests and a URL");
	if (!r.error && !doc.n && !doc.url[0])
		fail(&r, "no digest that can be used");
	if (!r.error)
		*ret = doc;
	return r.error;
}

static bool is_host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

bool net_posh_url(const char *url, char ret_host[256], char ret_path[NET_POSH_URL_MAX])
{
	static const char scheme[] = "https://";
	size_t n = 0;

	if (strncmp(url, scheme, sizeof(scheme) - 1) != 0)
		return false;
	const char *p = url + sizeof(scheme) - 1;
	for (; *p && *p != '/' && n < 255; p++) {
		char c = str_lower(*p);
		if (!is_host_char(c))
			return false;
		ret_host[n++] = c;
	}
	ret_host[n] = '\0';
	if (n == 0 || *p != '/' || strlen(p) >= NET_POSH_URL_MAX)
		return false;
	for (const char *c = p; *c; c++) {
		if (*c <= ' ' || *c >= 0x7f || *c == '#')
			return false;
	}
	memcpy(ret_path, p, strlen(p) + 1);
	return true;
}
