/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints doc/record.cddl from the tables of the catalogue, or with a file name compares that
 * file with what it would print.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "record/catalogue.h"
#include "record/record.h"

static const char head[] =
	"; Everything that a record may be on the link (RFC 8610). Printed by the program\n"
	"; record-cddl from the tables in src/record/catalogue; a test compares the two.\n"
	";\n"
	"; Deterministic CBOR only (RFC 8949 section 4.2.1). Every tstr is made of XML "
	"characters.\n"
	"; jid is a prepared address, token has no white space and is not empty, base64 is the\n"
	"; decoded bytes, or the text where it is no canonical base64. An element with a typed "
	"text\n"
	"; that is empty has no item for it. Elements of jabber:server are in jabber:client "
	"inside\n"
	"; client-message, client-presence and client-iq.\n"
	";\n"
	"; Profile open adds one line: $open /= generic. A generic element is never one that "
	"would\n"
	"; fit its row, and as a child of a stanza never in jabber:server, jabber:client or no\n"
	"; namespace. Its attributes are in order of namespace, then name; two texts never stand "
	"together.\n";

static const char foot[] =
	"\n"
	"generic = [0, ns: tstr / null, name: ncname, [* (ns: tstr, name: ncname, value: tstr)],\n"
	"\t* (generic / text)]\n"
	"\n"
	"text = tstr .size (1..4294967295)\n"
	"jid = text\n"
	"token = tstr .regexp \"[^ \\\\t\\\\n\\\\r]+\"\n"
	"boolean = bool / 0 / 1\n"
	"time = tstr .regexp \"[0-9]{4}-?[0-9]{2}-?[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}.*\"\n"
	"base64 = bstr / tstr\n"
	"uri-text = tstr .regexp \"[A-Za-z][A-Za-z0-9+.-]*:[^ ]*\"\n"
	"lang = tstr .regexp \"([A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8})*)?\"\n"
	"ncname = text\n";

static const char *const ids[CATALOGUE_ELEMENTS_END] = {
#define ELEMENT(number, id, ...) [number] = #id,
#include "record/catalogue/elements.def"
#undef ELEMENT
};

struct printer {
	struct buf out;
	size_t column;
};

static void put(struct printer *p, const char *text)
{
	check(buf_append_c(&p->out, text));
	const char *line = strrchr(text, '\n');
	p->column = line ? strlen(line + 1) : p->column + strlen(text);
}

/* A piece that may begin a new line. */
static void put_piece(struct printer *p, const char *text)
{
	if (p->column + strlen(text) > 98) {
		put(p, "\n\t");
		p->column = 8;
		while (*text == ' ')
			text++;
	}
	put(p, text);
}

static const char *rule_name(const char *id, char *space)
{
	char *s = space;

	for (; *id; id++)
		*s++ = *id == '_' ? '-' : (char)tolower((unsigned char)*id);
	*s = '\0';
	return space;
}

static const char *type_name(unsigned type, char *space)
{
	return rule_name(catalogue_type_name((enum value_type)type), space);
}

static void print_words(struct printer *p)
{
	char line[128], name[64];

	for (int t = TYPE_FIRST_WORDS; t < TYPE_END; t++) {
		size_t n;
		const struct str *words = catalogue_words((enum value_type)t, &n);
		snprintf(line, sizeof(line), "%s = 0..%zu ;", type_name((unsigned)t, name), n - 1);
		put(p, line);
		for (size_t i = 0; i < n; i++) {
			snprintf(line, sizeof(line), " %.*s", STR_FMT(words[i]));
			put(p, line);
		}
		put(p, "\n");
	}
}

static void print_types(struct printer *p, const char *kind, char letter)
{
	char line[128];
	const char *separator = "";

	snprintf(line, sizeof(line), "%s-type =", kind);
	put(p, line);
#define X(id, word, kinds)                                                                         \
	if (strchr(kinds, letter)) {                                                               \
		snprintf(line, sizeof(line), "%s %d", separator, id);                              \
		put(p, line);                                                                      \
		separator = " /";                                                                  \
	}
	RECORD_TYPES(X)
#undef X
	put(p, " ;");
#define X(id, word, kinds)                                                                         \
	if (strchr(kinds, letter)) {                                                               \
		snprintf(line, sizeof(line), " %s", word[0] ? word : "(none)");                    \
		put(p, line);                                                                      \
	}
	RECORD_TYPES(X)
#undef X
	put(p, "\n");
}

static void print_records(struct printer *p)
{
	put(p,
		"\nrecord = message / presence / iq\n\n"
		"message = [0, message-type, addresses, id / null, lang, * any-m]\n"
		"presence = [1, presence-type, addresses, id / null, lang, * any-p]\n"
		"iq = [2, iq-type, addresses, id, lang, * any-i] ; one for get and set, 0 or 1 for "
		"result\n"
		"addresses = (from: jid, to: jid)\n"
		"id = tstr\n\n");
	print_types(p, "message", 'm');
	print_types(p, "presence", 'p');
	print_types(p, "iq", 'i');
}

static void print_any(struct printer *p, const char *name, unsigned where)
{
	char rule[64], piece[80];

	put(p, "\n");
	put(p, name);
	put(p, " = $open");
	for (unsigned i = 1; i < CATALOGUE_ELEMENTS_END; i++) {
		if (!ids[i] || !(catalogue_rows[i].where & where))
			continue;
		snprintf(piece, sizeof(piece), " / %s", rule_name(ids[i], rule));
		put_piece(p, piece);
	}
	put(p, "\n");
}

static void print_attrs(struct printer *p, const struct catalogue_row *row)
{
	char piece[128], name[64];

	put_piece(p, ", {");
	for (unsigned i = 0; i < row->n_attrs; i++) {
		struct attr_rule a = row->attrs[i];
		snprintf(piece, sizeof(piece), " %s%u: %s%s", a.required ? "" : "? ", a.number,
			type_name(a.type, name), i + 1 < row->n_attrs ? "," : " ");
		put_piece(p, piece);
	}
	put(p, "}");
}

static void print_kid(struct printer *p, unsigned number)
{
	static const char *const any[] = { "any-m", "any-p", "any-i", "any-x" };
	char piece[80], name[64];

	snprintf(piece, sizeof(piece), " / %s",
		number >= EL_ANY_M ? any[number - EL_ANY_M] : rule_name(ids[number], name));
	put_piece(p, piece);
}

static void print_content(struct printer *p, const struct catalogue_row *row)
{
	char piece[80], name[64];

	if (row->content > TYPE_MIXED) {
		bool may_be_empty = row->content == TYPE_TEXT || row->content == TYPE_BASE64;
		snprintf(piece, sizeof(piece), ", %s%s", may_be_empty ? "? " : "",
			row->content == TYPE_TEXT ? "text" : type_name(row->content, name));
		put_piece(p, piece);
		return;
	}
	if (row->content == TYPE_NOTHING && row->n_kids == 0) {
		put_piece(p, ", * $open");
		return;
	}
	put_piece(p, row->content == TYPE_MIXED ? ", * (text / $open" : ", * ($open");
	for (unsigned i = 0; i < row->n_kids; i++) {
		for (unsigned k = row->kids[i].first; k <= row->kids[i].last; k++)
			print_kid(p, k);
	}
	put(p, ")");
}

static void print_row(struct printer *p, unsigned number)
{
	const struct catalogue_row *row = &catalogue_rows[number];
	char piece[128], name[64];

	if (!str_eq(row->ns, catalogue_rows[number - 1].ns)) {
		put(p, "\n; ");
		check(buf_append(&p->out, row->ns));
		put(p, "\n");
	}
	snprintf(piece, sizeof(piece), "%s = [%u", rule_name(ids[number], name), number);
	put(p, piece);
	print_attrs(p, row);
	print_content(p, row);
	put(p, "]\n");
}

static void print_attr_names(struct printer *p)
{
	char piece[80];

	put(p, "\n; Attributes:\n;");
	for (unsigned i = 1; i < CATALOGUE_ATTRS_END; i++) {
		struct str name = catalogue_attr_name(i);
		if (!name.p)
			continue;
		snprintf(piece, sizeof(piece), " %u %.*s", i, STR_FMT(name));
		if (p->column + strlen(piece) > 98)
			put(p, "\n;");
		put(p, piece);
	}
	put(p, "\n");
}

/* What frames say of a record that was refused (doc/link.md section 2). */
static void print_conditions(struct printer *p)
{
	static const char *const types[] = {
#define X(id, element, type) type,
		RECORD_CONDITIONS(X)
#undef X
	};
	char piece[80];
	unsigned n = sizeof(types) / sizeof(*types);

	snprintf(piece, sizeof(piece), "\ncondition = 1..%u\n; Error and its type:\n;", n - 1);
	put(p, piece);
	for (unsigned i = 1; i < n; i++) {
		snprintf(piece, sizeof(piece), " %u %s (%s)", i,
			record_condition_name((enum record_condition)i), types[i]);
		if (p->column + strlen(piece) > 98)
			put(p, "\n;");
		put(p, piece);
	}
	put(p, "\n");
}

static void print_all(struct printer *p)
{
	put(p, head);
	print_records(p);
	print_any(p, "any-m", IN_M);
	print_any(p, "any-p", IN_P);
	print_any(p, "any-i", IN_I);
	print_any(p, "any-x", IN_X);
	for (unsigned i = 1; i < CATALOGUE_ELEMENTS_END; i++) {
		if (ids[i])
			print_row(p, i);
	}
	print_attr_names(p);
	put(p, "\n");
	print_words(p);
	print_conditions(p);
	put(p, foot);
}

static int compare(struct str want, const char *path)
{
	FILE *f = fopen(path, "rb");
	char *have = malloc(want.len + 1);
	size_t n = f && have ? fread(have, 1, want.len + 1, f) : 0;
	bool same = n == want.len && memcmp(have, want.p, n) == 0;

	if (f)
		fclose(f);
	free(have);
	if (!same)
		fprintf(stderr, "%s is not what the catalogue says: run record-cddl > %s\n", path,
			path);
	return same ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct printer p = { .column = 0 };
	int status = 0;

	buf_init(&p.out, 1 << 24);
	print_all(&p);
	struct str text = buf_bytes(&p.out);
	if (argc > 1)
		status = compare(text, argv[1]);
	else
		fwrite(text.p, 1, text.len, stdout);
	buf_done(&p.out);
	return status;
}
