/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first byte chooses the profile and what the rest is: a record of the link, or a stanza. A
 * record that is accepted encodes to the same bytes, is readable XML, and makes the same
 * record again; a stanza that is accepted does the same from the other end.
 */
#include <stdlib.h>

#include "cbor_mutate.h"
#include "record/record.h"
#include "xml/reader.h"
#include "xml/writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern const char *const fuzz_proves;
const char *const fuzz_proves = "threats L20 records: decoded, encoded, decoded";

enum { OPEN_PROFILE = 1, STANZA = 2 };

static struct xml_dict *dict;

static void expect(bool cond)
{
	if (!cond)
		abort();
}

static struct xml_reader *open_reader(const struct xml_limits *limits)
{
	struct str in = STR("<stream:stream xmlns='jabber:server' "
			    "xmlns:stream='http://etherx.jabber.org/streams'>");
	struct xml_reader *r = xml_reader_new(dict, limits);

	expect(xml_reader_next(r, &in) == XML_OPEN);
	return r;
}

/* What is written may be longer than what was read, and declare more namespaces. */
static struct xml_reader *open_wide_reader(void)
{
	struct xml_limits limits = xml_limits_default;

	limits.bytes = 1 << 24;
	limits.value = 1 << 20;
	limits.name = 1 << 20;
	limits.ns_decls = 1000;
	return open_reader(&limits);
}

static void check_error(const struct record *r, struct arena *a)
{
	struct record error, again;
	struct buf out;

	if (!record_make_error(r, COND_POLICY_VIOLATION, "no", STRL("gateway.example"), a, &error))
		return;
	buf_init(&out, 1 << 20);
	expect(record_encode(&error, &out));
	bool ids = r->kind != RECORD_IQ || r->id.len;
	expect(!ids ||
		!record_decode(
			buf_bytes(&out), &record_limits_default, PROFILE_STANDARD, a, &again));
	buf_done(&out);
}

/* cbor is the encoding of r: XML of r read again gives the same. */
static void check_xml(const struct record *r, struct str cbor, enum record_profile profile)
{
	struct xml_reader *reader = open_wide_reader();
	struct buf xml, out;
	struct record again;
	struct record_report report;

	buf_init(&xml, 1 << 26);
	buf_init(&out, 1 << 26);
	expect(record_write(r, &xml));
	struct str in = buf_bytes(&xml);
	expect(xml_reader_next(reader, &in) == XML_STANZA && in.len == 0);
	struct xml_node *e = xml_reader_node(reader);
	expect(xml_write(&out, e, STRL("jabber:server")));
	expect(str_eq(buf_bytes(&out), buf_bytes(&xml)));
	buf_clear(&out, SIZE_MAX);
	expect(record_from_stanza(e, &r->from, &r->to, STRL(""), profile, xml_reader_arena(reader),
		       &again, &report) == COND_NONE);
	expect(report.stripped == 0);
	expect(record_encode(&again, &out));
	expect(str_eq(buf_bytes(&out), cbor));
	buf_done(&xml);
	buf_done(&out);
	xml_reader_free(reader);
}

static void try_record(struct str bytes, enum record_profile profile)
{
	struct arena a;
	struct buf out;
	struct record r;

	arena_init(&a, 1 << 24);
	buf_init(&out, 1 << 26);
	if (!record_decode(bytes, &record_limits_default, profile, &a, &r)) {
		expect(record_encode(&r, &out));
		expect(str_eq(buf_bytes(&out), bytes));
		check_xml(&r, bytes, profile);
		check_error(&r, &a);
		buf_clear(&out, SIZE_MAX);
		expect(record_diag(bytes, &out));
	} else {
		record_diag(bytes, &out);
	}
	arena_done(&a);
	buf_done(&out);
}

static void pass_stanza(struct xml_reader *reader, enum record_profile profile)
{
	struct jid from, to;
	struct record r, again;
	struct record_report report;
	struct arena a;
	struct buf out;

	expect(jid_parse_prepared(STRL("a@example.com/b"), &from) == JID_OK);
	expect(jid_parse_prepared(STRL("c.example"), &to) == JID_OK);
	if (record_from_stanza(xml_reader_node(reader), &from, &to, STRL("en"), profile,
		    xml_reader_arena(reader), &r, &report) != COND_NONE)
		return;
	arena_init(&a, 1 << 24);
	buf_init(&out, 1 << 26);
	expect(record_encode(&r, &out));
	expect(!record_decode(buf_bytes(&out), &record_limits_default, profile, &a, &again));
	check_xml(&again, buf_bytes(&out), profile);
	arena_done(&a);
	buf_done(&out);
}

static void try_stanzas(struct str in, enum record_profile profile)
{
	struct xml_reader *reader = open_reader(&xml_limits_default);

	while (xml_reader_next(reader, &in) == XML_STANZA)
		pass_stanza(reader, profile);
	xml_reader_free(reader);
}

#ifdef FUZZING
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

/* Records are changed as CBOR; stanzas, and one time in four records too, blindly. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	if (size < 2 || data[0] & STANZA || seed % 4 == 0)
		return LLVMFuzzerMutate(data, size, max);
	return 1 + cbor_mutate(data + 1, size - 1, max - 1, seed / 4);
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!dict) {
		dict = xml_dict_new();
		record_fill_dict(dict);
	}
	if (size == 0)
		return 0;
	enum record_profile profile = data[0] & OPEN_PROFILE ? PROFILE_OPEN : PROFILE_STANDARD;
	struct str rest = str_from(data + 1, size - 1);
	if (data[0] & STANZA)
		try_stanzas(rest, profile);
	else
		try_record(rest, profile);
	return 0;
}
