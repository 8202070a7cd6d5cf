/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The XML reader against expat and against itself. The first byte chooses: bit 0
 * puts the rest inside a stream's root, bit 1 sets small limits, the other bits choose
 * the cuts. What must hold:
 *
 *	- fed whole, byte by byte and in pieces, the reader reports the same;
 *	- what it accepts expat accepts, with the same trees; what it refuses
 *	  expat refuses, but for the refusals in on_purpose();
 *	- what the writer makes of a tree reads as that tree, and is a fixed point.
 */
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>

#include "xml/chars.h"
#include "xml/names.h"
#include "xml/reader.h"
#include "xml/writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern const char *const fuzz_proves;
const char *const fuzz_proves = "threats C16 the reader and expat agree";

#define HEAD                                                                                       \
	"<stream:stream xmlns:stream='" NS_STREAM "' xmlns='jabber:server' "                       \
	"xmlns:db='jabber:server:dialback' to='a.example'>"
#define TAIL "</stream:stream>"

enum { PLENTY = 64 << 20 };

static struct xml_dict *dict;
static struct xml_reader *reader; /* for documents */
static struct xml_reader *rereader; /* for what the writer made */

static void require(bool ok, const char *what, struct str a, struct str b)
{
	if (ok)
		return;
	fprintf(stderr, "xml_fuzz: %s\n--- one\n%.*s\n--- other\n%.*s\n", what, STR_FMT(a),
		STR_FMT(b));
	abort();
}

static void set_up(void)
{
	static const char *const attrs[] = { "to", "from", "id", "type", "xml:lang", "stamp" };
	static const char *const elems[][2] = { { NS_SERVER, "message" }, { NS_SERVER, "body" },
		{ NS_SERVER, "iq" }, { "urn:xmpp:delay", "delay" }, { "", "nothing" },
		{ NS_STREAM, "stream" }, { NS_DIALBACK, "result" }, { NS_XML, "odd" } };
	struct xml_limits wide = xml_limits_default;

	dict = xml_dict_new();
	for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++)
		xml_dict_add_attr(dict, str_of(attrs[i]), (xml_name)(i + 1));
	for (size_t i = 0; i < sizeof(elems) / sizeof(elems[0]); i++)
		xml_dict_add_elem(
			dict, str_of(elems[i][0]), str_of(elems[i][1]), (xml_name)(i + 1));
	reader = xml_reader_new(dict, &wide);
	wide.bytes = PLENTY;
	wide.ns_decls += wide.attrs + 1;
	rereader = xml_reader_new(dict, &wide);
}

/* The dump of a tree: every string with its length, so that nothing is ambiguous. */
static void put_str(struct buf *out, char kind, struct str s)
{
	buf_printf(out, "%c%zu:", kind, s.len);
	buf_append(out, s);
}

static void check_tree(const struct xml_node *e)
{
	require(e->id == xml_dict_elem(dict, xml_dict_ns(dict, e->ns), e->name), "element number",
		e->ns, e->name);
	for (const struct xml_attr *a = e->attrs; a; a = a->next) {
		xml_name want = 0;
		if (a->ns.len == 0)
			want = xml_dict_attr(dict, a->name);
		else if (str_is(a->ns, NS_XML) && str_is(a->name, "lang"))
			want = xml_dict_attr(dict, STRL("xml:lang"));
		require(a->id == want, "attribute number", a->ns, a->name);
	}
	for (const struct xml_node *c = e->children; c; c = c->next)
		require(c->kind == XML_ELEM ||
				(c->text.len && (!c->next || c->next->kind == XML_ELEM)),
			"text runs", c->text, STRL(""));
}

/* Recursive: the reader's depth limit bounds it. */
static void dump(struct buf *out, const struct xml_node *e)
{
	check_tree(e);
	put_str(out, '<', e->ns);
	put_str(out, '|', e->name);
	for (const struct xml_attr *a = e->attrs; a; a = a->next) {
		put_str(out, '@', a->ns);
		put_str(out, '|', a->name);
		put_str(out, '=', a->value);
	}
	for (const struct xml_node *c = e->children; c; c = c->next) {
		if (c->kind == XML_TEXT)
			put_str(out, 'T', c->text);
		else
			dump(out, c);
	}
	buf_append_c(out, ">");
}

/* write(read(x)) reads as the same tree, and writing that gives the same bytes. */
static void check_fixed_point(const struct xml_node *e)
{
	struct buf first, second, was, is;

	buf_init(&first, PLENTY);
	buf_init(&second, PLENTY);
	buf_init(&was, PLENTY);
	buf_init(&is, PLENTY);
	dump(&was, e);
	require(xml_write(&first, e, STRL("urn:elsewhere")), "cannot write", buf_bytes(&was),
		STRL(""));
	struct str root = STRL("<r xmlns='urn:elsewhere'>"), in = buf_bytes(&first);
	xml_reader_restart(rereader, NULL);
	require(xml_reader_next(rereader, &root) == XML_OPEN, "own root", root, root);
	require(xml_reader_next(rereader, &in) == XML_STANZA && in.len == 0, "own output refused",
		buf_bytes(&first), str_of(xml_error_name(xml_reader_error(rereader))));
	dump(&is, xml_reader_node(rereader));
	require(str_eq(buf_bytes(&was), buf_bytes(&is)), "own output changed the tree",
		buf_bytes(&was), buf_bytes(&is));
	xml_write(&second, xml_reader_node(rereader), STRL("urn:elsewhere"));
	require(str_eq(buf_bytes(&first), buf_bytes(&second)), "not a fixed point",
		buf_bytes(&first), buf_bytes(&second));
	buf_done(&first);
	buf_done(&second);
	buf_done(&was);
	buf_done(&is);
}

/* One line for each event; the trees too. *ret_consumed gets the offset after the last event. */
static enum xml_error run_ours(struct str doc, unsigned cut, bool offsets, struct buf *out,
	const struct xml_limits *limits, bool *ret_closed)
{
	size_t done = 0;
	unsigned mix = cut;

	*ret_closed = false;
	xml_reader_restart(reader, limits);
	while (done < doc.len) {
		size_t n = doc.len - done;
		if (cut == 1) {
			n = 1;
		} else if (cut > 1) {
			mix = mix * 1103515245 + 12345;
			n = (mix >> 16) % (cut * 3) + 1;
		}
		if (n > doc.len - done)
			n = doc.len - done;
		/* A copy of its own size lets the sanitizer see every byte read too far. */
		char *piece = malloc(n);
		if (!piece)
			abort();
		memcpy(piece, doc.p + done, n);
		struct str in = str_from(piece, n);
		done += n;
		enum xml_event e;
		while ((e = xml_reader_next(reader, &in)) != XML_MORE && e != XML_BAD) {
			if (offsets)
				buf_printf(out, "at %zu ", done - in.len);
			buf_printf(out, "event %d\n", e);
			*ret_closed = e == XML_CLOSE;
			if (e == XML_CLOSE)
				continue;
			dump(out, xml_reader_node(reader));
			if (cut == 0 && e == XML_STANZA)
				check_fixed_point(xml_reader_node(reader));
		}
		free(piece);
		require(e == XML_BAD || in.len == 0, "input left", in, STRL(""));
		if (e == XML_BAD)
			break;
	}
	return xml_reader_error(reader);
}

/* The same events and dumps, from expat's handlers. */
struct oracle {
	struct buf out; /* complete events */
	struct buf tree; /* of the present first-level element */
	struct buf text;
	unsigned depth;
};

static void flush_text(struct oracle *o)
{
	if (buf_len(&o->text))
		put_str(&o->tree, 'T', buf_bytes(&o->text));
	buf_clear(&o->text, SIZE_MAX);
}

static void put_name(struct buf *out, char kind, const char *joined)
{
	const char *split = strchr(joined, '\1');

	put_str(out, kind, split ? str_from(joined, (size_t)(split - joined)) : STRL(""));
	put_str(out, '|', str_of(split ? split + 1 : joined));
}

static void XMLCALL on_start(void *arg, const XML_Char *name, const XML_Char **atts)
{
	struct oracle *o = arg;

	flush_text(o);
	put_name(&o->tree, '<', name);
	for (; *atts; atts += 2) {
		put_name(&o->tree, '@', atts[0]);
		put_str(&o->tree, '=', str_of(atts[1]));
	}
	if (o->depth++ == 0) {
		buf_printf(&o->out, "event %d\n", XML_OPEN);
		buf_append(&o->out, buf_bytes(&o->tree));
		buf_append_c(&o->out, ">");
		buf_clear(&o->tree, SIZE_MAX);
	}
}

static void XMLCALL on_end(void *arg, const XML_Char *name)
{
	struct oracle *o = arg;

	(void)name;
	flush_text(o);
	buf_append_c(&o->tree, ">");
	if (--o->depth > 1)
		return;
	buf_printf(&o->out, "event %d\n", o->depth ? XML_STANZA : XML_CLOSE);
	if (o->depth)
		buf_append(&o->out, buf_bytes(&o->tree));
	buf_clear(&o->tree, SIZE_MAX);
}

static void XMLCALL on_text(void *arg, const XML_Char *p, int n)
{
	struct oracle *o = arg;

	if (o->depth > 1)
		buf_append(&o->text, str_from(p, (size_t)n));
}

/* Does expat accept doc, as a whole document or as the beginning of one? */
static bool run_expat(struct str doc, bool whole, struct oracle *o)
{
	XML_Parser p = XML_ParserCreateNS(NULL, '\1');

	buf_init(&o->out, PLENTY);
	buf_init(&o->tree, PLENTY);
	buf_init(&o->text, PLENTY);
	o->depth = 0;
#ifdef EXPAT_CAN_DEFER
	XML_SetReparseDeferralEnabled(p, XML_FALSE);
#endif
	XML_SetUserData(p, o);
	XML_SetElementHandler(p, on_start, on_end);
	XML_SetCharacterDataHandler(p, on_text);
	bool ok = XML_Parse(p, doc.p, (int)doc.len, whole) == XML_STATUS_OK;
	XML_ParserFree(p);
	return ok;
}

/* The refusals that src/xml/README.md lists, where expat may accept. */
static bool on_purpose(enum xml_error e, struct str doc)
{
	switch (e) {
	case XML_ERR_COMMENT:
	case XML_ERR_PI:
	case XML_ERR_DOCTYPE:
	case XML_ERR_ENCODING:
	case XML_ERR_DECL: /* another version */
	case XML_ERR_TEXT:
	case XML_ERR_AFTER_END:
		return true;
	case XML_ERR_SYNTAX:
		return str_starts(doc, STRL("\xef\xbb\xbf"));
	case XML_ERR_UTF8:
	case XML_ERR_CHAR: /* UTF-16 */
		return doc.len >= 2 &&
			(doc.p[0] == 0 || doc.p[1] == 0 || (uint8_t)doc.p[0] >= 0xfe);
	default:
		return e >= XML_ERR_BYTES;
	}
}

/* Where a character may not be anyway, expat does not wait for the rest of it. */
static struct str without_cut_char(struct str doc)
{
	for (size_t n = 1; n <= 3 && n <= doc.len; n++) {
		if (xml_char_len(doc.p + doc.len - n, n) == 0)
			return str_from(doc.p, doc.len - n);
	}
	return doc;
}

static void compare(struct str doc, enum xml_error e, bool closed, struct str events)
{
	struct oracle o;
	if (e == XML_ERR_NONE && !closed)
		doc = without_cut_char(doc);
	bool accepted = run_expat(doc, e != XML_ERR_NONE || closed, &o);

	if (e == XML_ERR_NONE) {
		require(accepted, "expat refuses", doc, events);
		require(str_eq(events, buf_bytes(&o.out)), "trees differ", events,
			buf_bytes(&o.out));
	} else {
		require(!accepted || on_purpose(e, doc), "expat accepts", doc,
			str_of(xml_error_name(e)));
		require(str_starts(buf_bytes(&o.out), events), "trees before the error differ",
			events, buf_bytes(&o.out));
	}
	buf_done(&o.out);
	buf_done(&o.tree);
	buf_done(&o.text);
}

static void check_doc(struct str doc, unsigned cut, const struct xml_limits *limits)
{
	const unsigned cuts[] = { 0, 1, cut + 2 };
	struct buf whole, events, plain;
	enum xml_error want = XML_ERR_NONE;
	bool closed = false;

	buf_init(&whole, PLENTY);
	buf_init(&events, PLENTY);
	buf_init(&plain, PLENTY);
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		struct buf *out = i ? &events : &whole;
		bool ends;
		buf_clear(out, SIZE_MAX);
		enum xml_error e = run_ours(doc, cuts[i], true, out, limits, &ends);
		if (i == 0) {
			want = e;
			closed = ends;
		}
		require(e == want && ends == closed, "cuts change the error",
			str_of(xml_error_name(want)), str_of(xml_error_name(e)));
		require(str_eq(buf_bytes(&whole), buf_bytes(out)), "cuts change the events",
			buf_bytes(&whole), buf_bytes(out));
	}
	if (limits == &xml_limits_default) {
		run_ours(doc, 0, false, &plain, limits, &closed);
		compare(doc, want, closed, buf_bytes(&plain));
	}
	buf_done(&whole);
	buf_done(&events);
	buf_done(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct xml_limits small = { .bytes = 160,
		.space = 6,
		.depth = 3,
		.attrs = 3,
		.ns_decls = 3,
		.elements = 4,
		.name = 7,
		.value = 33 };
	struct buf doc;

	if (!dict)
		set_up();
	if (size == 0)
		return 0;
	bool wrap = data[0] & 1;
	buf_init(&doc, PLENTY);
	if (wrap)
		buf_append_c(&doc, HEAD);
	buf_append(&doc, str_from(data + 1, size - 1));
	if (wrap)
		buf_append_c(&doc, TAIL);
	check_doc(buf_bytes(&doc), data[0] >> 2, data[0] & 2 ? &small : &xml_limits_default);
	buf_done(&doc);
	return 0;
}
