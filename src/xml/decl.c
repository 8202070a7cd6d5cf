/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The XML declaration: collected up to its '>', then read as
 *
 *	"xml" S "version" Eq '1.0' [S "encoding" Eq 'UTF-8'] [S "standalone" Eq 'yes'|'no'] [S] "?"
 */
#include "xml/reader_state.h"

#include <strings.h>

static const char target[] = "xml";

enum { TARGET = sizeof(target) - 1 };

struct decl {
	struct str rest;
	bool gap; /* white space was just skipped */
};

static void skip_gap(struct decl *d)
{
	d->gap = false;
	while (d->rest.len && xml_class_is(d->rest.p[0], XML_SPACE)) {
		d->rest = str_skip(d->rest, 1);
		d->gap = true;
	}
}

/* Reads name = 'value' if name comes next. False: it is there, but wrong. */
static bool pseudo_attr(struct decl *d, const char *name, struct str *ret_value)
{
	struct str word = str_of(name);

	*ret_value = (struct str){ NULL, 0 };
	if (!str_starts(d->rest, word))
		return true;
	if (!d->gap)
		return false;
	d->rest = str_skip(d->rest, word.len);
	skip_gap(d);
	if (d->rest.len == 0 || d->rest.p[0] != '=')
		return false;
	d->rest = str_skip(d->rest, 1);
	skip_gap(d);
	if (d->rest.len == 0 || (d->rest.p[0] != '"' && d->rest.p[0] != '\''))
		return false;
	const char *end = memchr(d->rest.p + 1, d->rest.p[0], d->rest.len - 1);
	if (!end)
		return false;
	*ret_value = str_from(d->rest.p + 1, (size_t)(end - d->rest.p) - 1);
	d->rest = str_skip(d->rest, ret_value->len + 2);
	skip_gap(d);
	return true;
}

static enum xml_error read_decl(struct str s)
{
	struct decl d = { .rest = str_skip(s, TARGET) };
	struct str version, encoding, standalone;

	skip_gap(&d);
	if (!pseudo_attr(&d, "version", &version) || !pseudo_attr(&d, "encoding", &encoding) ||
		!pseudo_attr(&d, "standalone", &standalone) || !str_is(d.rest, "?"))
		return XML_ERR_DECL;
	if (!version.p || !str_is(version, "1.0"))
		return XML_ERR_DECL;
	if (standalone.p && !str_is(standalone, "yes") && !str_is(standalone, "no"))
		return XML_ERR_DECL;
	if (encoding.p && (encoding.len != 5 || strncasecmp(encoding.p, "utf-8", 5) != 0))
		return XML_ERR_ENCODING;
	return XML_ERR_NONE;
}

static bool decl_done(struct xml_reader *r)
{
	enum xml_error e = read_decl(buf_bytes(&r->tok));

	buf_truncate(&r->tok, 0);
	r->pristine = false;
	r->state = XML_ST_PROLOG;
	return e == XML_ERR_NONE || xml_fail(r, e);
}

bool xml_on_decl(struct xml_reader *r)
{
	while (r->p < r->stop) {
		char c = *r->p;
		size_t n = buf_len(&r->tok);
		if (n < TARGET ? c != target[n] : n == TARGET && !xml_class_is(c, XML_SPACE))
			return xml_unexpected(r, XML_ERR_PI);
		if ((unsigned char)c >= 0x80 || c == '<' || !xml_is_char((unsigned char)c))
			return xml_unexpected(r, XML_ERR_DECL);
		r->p++;
		if (c == '>')
			return decl_done(r);
		if (!xml_append(r, &c, 1))
			return false;
	}
	return true;
}
