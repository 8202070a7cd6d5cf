/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands between tags. A text run that lies whole in the input and needs no
 * decoding goes straight into the tree. Every other run is collected in tok, from
 * as many pieces, references and CDATA sections as it has, and becomes one node
 * when the next tag begins.
 */
#include "xml/reader_state.h"
#include "xml/scan.h"

static bool add_text(struct xml_reader *r, const char *p, size_t n)
{
	struct xml_node *t = arena_alloc(&r->arena, sizeof(*t));
	struct str text = arena_str(&r->arena, str_from(p, n));

	if (!t || !text.p)
		return xml_fail(r, XML_ERR_MEMORY);
	*t = (struct xml_node){ .kind = XML_TEXT, .text = text };
	struct xml_open *parent = &r->open[r->depth - 1];
	*parent->tail = t;
	parent->tail = &t->next;
	return true;
}

bool xml_flush_text(struct xml_reader *r)
{
	struct str text = buf_bytes(&r->tok);

	if (text.len == 0)
		return true;
	if (!add_text(r, text.p, text.len))
		return false;
	buf_truncate(&r->tok, 0);
	return true;
}

/* The first byte from p on that is neither plain text nor part of a good character. */
static const char *text_end(const char *p, const char *stop)
{
	for (;;) {
		p = scan_text(p, stop);
		if (p == stop || scan_plain(*p))
			return p;
		int n = *p == '\t' || *p == '\n' ? 1 : 0;
		if ((unsigned char)*p >= 0x80)
			n = xml_char_len(p, (size_t)(stop - p));
		if (n <= 0)
			return p;
		p += n;
	}
}

static bool text_run(struct xml_reader *r)
{
	const char *from = r->p;

	r->p = text_end(from, r->stop);
	/* Whole and alone: the next markup is a tag, not a CDATA section. */
	if (r->stop - r->p >= 2 && r->p[0] == '<' && r->p[1] != '!' && buf_len(&r->tok) == 0)
		return add_text(r, from, (size_t)(r->p - from));
	return xml_append(r, from, (size_t)(r->p - from));
}

static const struct {
	struct str text;
	char c;
} entities[] = { { STR("&apos;"), '\'' }, { STR("&quot;"), '"' }, { STR("&amp;"), '&' },
	{ STR("&lt;"), '<' }, { STR("&gt;"), '>' } };

enum { ENTITIES = sizeof(entities) / sizeof(entities[0]) };

/* The name between & and ; */
static struct str entity_name(size_t i)
{
	return str_from(entities[i].text.p + 1, entities[i].text.len - 2);
}

bool xml_reference(struct xml_reader *r, bool in_value, const char **ret_char)
{
	struct str left = str_from(r->p, (size_t)(r->stop - r->p));

	for (size_t i = 0; i < ENTITIES; i++) {
		if (str_starts(left, entities[i].text)) {
			r->p += entities[i].text.len;
			*ret_char = &entities[i].c;
			return true;
		}
	}
	r->p++;
	r->state = XML_ST_REF;
	r->ref_in_value = in_value;
	r->ref_kind = XML_REF_NAME;
	r->matched = 0;
	return false;
}

static bool special(struct xml_reader *r)
{
	const char *decoded;
	uint32_t c;

	switch (*r->p) {
	case '&':
		return !xml_reference(r, false, &decoded) || xml_append(r, decoded, 1);
	case ']':
		r->p++;
		r->brackets += r->brackets < 2;
		return xml_append(r, "]", 1);
	case '\r':
		r->p++;
		r->carriage = true;
		return xml_append(r, "\n", 1);
	default:
		/* A character that is cut, or none. */
		if ((unsigned char)*r->p >= 0x80)
			return xml_take_char(r, &c) == 0;
		return xml_fail(r, XML_ERR_CHAR);
	}
}

/* What the characters before leave to say about the one at p; true when it is done with. */
static bool after_special(struct xml_reader *r)
{
	bool line_feed = r->carriage && *r->p == '\n';

	r->carriage = false;
	if (*r->p != ']')
		r->brackets = 0;
	r->p += line_feed;
	return line_feed;
}

bool xml_on_content(struct xml_reader *r)
{
	while (r->p < r->stop && r->state == XML_ST_CONTENT) {
		if (r->brackets == 2 && *r->p == '>')
			return xml_fail(r, XML_ERR_SYNTAX);
		if ((r->carriage || r->brackets) && after_special(r))
			continue;
		if (*r->p == '<') {
			if (!xml_markup(r))
				return false;
			continue;
		}
		const char *before = r->p;
		if (!text_run(r))
			return false;
		if (r->p == before && !special(r))
			return false;
	}
	return true;
}

/* The decoded reference goes where it stood. */
static bool emit(struct xml_reader *r, const char *p, size_t n)
{
	r->state = r->ref_in_value ? XML_ST_VALUE : XML_ST_CONTENT;
	if (r->ref_in_value && buf_len(&r->tok) - r->part_at + n > r->limits.value)
		return xml_fail(r, XML_ERR_VALUE);
	return xml_append(r, p, n);
}

/* Does any of the five names begin with what was read? */
static bool may_be_entity(const struct xml_reader *r)
{
	struct str read = str_from(r->ref_name, r->matched);

	for (size_t i = 0; i < ENTITIES; i++) {
		if (str_starts(entity_name(i), read))
			return true;
	}
	return false;
}

static bool ref_name_end(struct xml_reader *r)
{
	for (size_t i = 0; i < ENTITIES; i++) {
		if (str_eq(entity_name(i), str_from(r->ref_name, r->matched)))
			return emit(r, &entities[i].c, 1);
	}
	return xml_fail(r, r->matched ? XML_ERR_ENTITY : XML_ERR_SYNTAX);
}

static bool ref_name(struct xml_reader *r)
{
	char c = *r->p;

	if ((unsigned char)c >= 0x80) {
		uint32_t code_point;
		int n = xml_take_char(r, &code_point);
		if (n <= 0)
			return n == 0;
		bool names =
			r->matched ? xml_is_name_char(code_point) : xml_is_name_start(code_point);
		return xml_fail(r, names ? XML_ERR_ENTITY : XML_ERR_SYNTAX);
	}
	if (c == '#' && r->matched == 0) {
		r->ref_kind = XML_REF_DECIMAL;
		r->ref_number = 0;
		r->ref_digits = false;
	} else if (c == ';') {
		r->p++;
		return ref_name_end(r);
	} else if (!xml_class_is(c, r->matched ? XML_NAME : XML_NAME_START)) {
		return xml_unexpected(r, XML_ERR_SYNTAX);
	} else {
		r->ref_name[r->matched++] = c;
		if (!may_be_entity(r))
			return xml_fail(r, XML_ERR_ENTITY);
	}
	r->p++;
	return true;
}

static int digit(char c, bool hex)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (hex && c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (hex && c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool ref_number(struct xml_reader *r)
{
	char c = *r->p;
	bool hex = r->ref_kind == XML_REF_HEX;
	int d = digit(c, hex);

	if (d >= 0) {
		r->ref_number = r->ref_number * (hex ? 16 : 10) + (uint32_t)d;
		r->ref_digits = true;
		if (r->ref_number > 0x10ffff)
			return xml_fail(r, XML_ERR_CHAR_REF);
	} else if (c == 'x' && !hex && !r->ref_digits) {
		r->ref_kind = XML_REF_HEX;
	} else if (c == ';' && r->ref_digits && xml_is_char(r->ref_number)) {
		char bytes[4];
		r->p++;
		return emit(r, bytes, utf8_encode(r->ref_number, bytes));
	} else {
		return xml_unexpected(r, XML_ERR_CHAR_REF);
	}
	r->p++;
	return true;
}

bool xml_on_ref(struct xml_reader *r)
{
	while (r->p < r->stop && r->state == XML_ST_REF) {
		if (!(r->ref_kind == XML_REF_NAME ? ref_name(r) : ref_number(r)))
			return false;
	}
	return true;
}

static const struct {
	const char *word;
	enum xml_error error; /* XML_ERR_NONE: a CDATA section */
} bangs[] = { { "--", XML_ERR_COMMENT }, { "D", XML_ERR_DOCTYPE }, { "[CDATA[", XML_ERR_NONE } };

static bool bang_end(struct xml_reader *r, enum xml_error e)
{
	/* Between first-level elements a section is text where none may be. */
	if (e == XML_ERR_NONE && r->depth < 2)
		e = XML_ERR_TEXT;
	if (e != XML_ERR_NONE)
		return xml_fail(r, e);
	r->state = XML_ST_CDATA;
	r->brackets = 0;
	r->carriage = false;
	return true;
}

bool xml_on_bang(struct xml_reader *r)
{
	if (*r->p == '[' && r->depth == 0)
		return xml_fail(r, XML_ERR_SYNTAX);
	for (size_t i = 0; i < sizeof(bangs) / sizeof(bangs[0]); i++) {
		if (r->matched == 0 && *r->p == bangs[i].word[0])
			r->word = bangs[i].word;
		if (r->word != bangs[i].word)
			continue;
		if (*r->p != r->word[r->matched])
			break;
		r->p++;
		return r->word[++r->matched] ? true : bang_end(r, bangs[i].error);
	}
	return xml_unexpected(r, XML_ERR_SYNTAX);
}

/* Closing brackets are held back until it is known that they do not end the section. */
static bool release_brackets(struct xml_reader *r, unsigned keep)
{
	unsigned n = r->brackets - keep;

	r->brackets = keep;
	return n == 0 || xml_append(r, "]]", n);
}

static bool cdata_special(struct xml_reader *r)
{
	char c = *r->p;
	uint32_t code_point;

	if ((unsigned char)c >= 0x80) {
		int n = xml_take_char(r, &code_point);
		if (n <= 0)
			return n == 0;
		const char *from = r->p;
		r->p += n;
		return xml_append(r, from, (size_t)n);
	}
	if (c < 0x20 && !xml_class_is(c, XML_SPACE))
		return xml_fail(r, XML_ERR_CHAR);
	r->p++;
	if (c == '\n' && r->carriage) {
		r->carriage = false;
		return true;
	}
	r->carriage = c == '\r';
	return xml_append(r, c == '\r' ? "\n" : &c, 1);
}

bool xml_on_cdata(struct xml_reader *r)
{
	while (r->p < r->stop) {
		if (*r->p == '>' && r->brackets == 2) {
			r->p++;
			r->brackets = 0;
			r->carriage = false;
			r->state = XML_ST_CONTENT;
			return true;
		}
		if (*r->p == ']') {
			r->p++;
			r->carriage = false;
			if (r->brackets == 2 && !release_brackets(r, 1))
				return false;
			r->brackets++;
			continue;
		}
		if (!release_brackets(r, 0))
			return false;
		const char *from = r->p;
		r->p = scan_text(from, r->stop);
		if (r->p > from) {
			r->carriage = false;
			if (!xml_append(r, from, (size_t)(r->p - from)))
				return false;
		} else if (!cdata_special(r)) {
			return false;
		}
	}
	return true;
}
