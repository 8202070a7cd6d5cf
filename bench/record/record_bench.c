/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each step costs for one chat message: JSON lines of nanoseconds of processor time, the best
 *of many rounds, so that a busy machine disturbs little.
 *
 *	record_bench [rounds, default 200]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "record/record.h"
#include "xml/reader.h"

enum { STEPS = 5000, PLENTY = 1 << 20 };

static const struct str head = STR("<stream:stream xmlns='jabber:server' "
				   "xmlns:stream='http://etherx.jabber.org/streams'>");
static const struct str message = STR(
	"<message from='juliet@example.com/balcony' to='romeo@montague.example/orchard' "
	"type='chat' id='a8c1b2f0-1234' xml:lang='en'><body>Wherefore art thou, Romeo? Deny thy "
	"father and refuse thy name.</body><active "
	"xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/>"
	"<origin-id xmlns='urn:xmpp:sid:0' id='a8c1b2f0-1234'/></message>");

struct bench {
	struct xml_reader *reader;
	struct arena arena;
	struct buf cbor;
	struct buf xml;
	struct record record;
	struct record decoded;
	struct jid from, to;
};

static void step_read(struct bench *b)
{
	struct str in = message;

	check(xml_reader_next(b->reader, &in) == XML_STANZA);
}

static void step_read_and_make(struct bench *b)
{
	struct record_report report;

	step_read(b);
	check(record_from_stanza(xml_reader_node(b->reader), &b->from, &b->to, STRL("en"),
		      PROFILE_STANDARD, xml_reader_arena(b->reader), &b->record,
		      &report) == COND_NONE);
}

static void step_encode(struct bench *b)
{
	buf_clear(&b->cbor, PLENTY);
	check(record_encode(&b->record, &b->cbor));
}

static void step_decode(struct bench *b)
{
	arena_reset(&b->arena);
	check(!record_decode(buf_bytes(&b->cbor), &record_limits_default, PROFILE_STANDARD,
		&b->arena, &b->decoded));
}

static void step_write(struct bench *b)
{
	buf_clear(&b->xml, PLENTY);
	check(record_write(&b->decoded, &b->xml));
}

static void step_address(struct bench *b)
{
	check(jid_parse_prepared(STRL("juliet@example.com/balcony"), &b->from) == JID_OK);
}

static const struct {
	const char *name;
	void (*step)(struct bench *b);
} steps[] = {
	{ "read XML", step_read },
	{ "read XML and make the record", step_read_and_make },
	{ "encode", step_encode },
	{ "decode", step_decode },
	{ "write XML", step_write },
	{ "address that is prepared", step_address },
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double best_of(struct bench *b, void (*step)(struct bench *b), int rounds)
{
	double best = 1e18;

	for (int i = 0; i < rounds; i++) {
		double start = now();
		for (int k = 0; k < STEPS; k++)
			step(b);
		double spent = (now() - start) / STEPS;
		best = spent < best ? spent : best;
	}
	return best;
}

int main(int argc, char **argv)
{
	struct xml_dict *dict = xml_dict_new();
	struct bench b = { .reader = NULL };
	struct str in = head;
	int rounds = argc > 1 ? atoi(argv[1]) : 200;

	record_fill_dict(dict);
	b.reader = xml_reader_new(dict, &xml_limits_default);
	check(xml_reader_next(b.reader, &in) == XML_OPEN);
	arena_init(&b.arena, PLENTY);
	buf_init(&b.cbor, PLENTY);
	buf_init(&b.xml, PLENTY);
	step_address(&b);
	check(jid_parse_prepared(STRL("romeo@montague.example/orchard"), &b.to) == JID_OK);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		double ns = best_of(&b, steps[i].step, rounds);
		printf("{\"step\":\"%s\",\"ns\":%.0f}\n", steps[i].name, ns);
	}
	printf("{\"xml_bytes\":%zu,\"record_bytes\":%zu}\n", message.len, buf_len(&b.cbor));
	xml_reader_free(b.reader);
	xml_dict_free(dict);
	arena_done(&b.arena);
	buf_done(&b.cbor);
	buf_done(&b.xml);
	return 0;
}
