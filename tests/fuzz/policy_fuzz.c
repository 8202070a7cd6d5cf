/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first byte chooses profile, way, configuration and addresses; the rest are stanzas. What the rules let pass
 * is a record that the link takes, and the next node, which judges it again, finds nothing in it and changes nothing.
 */
#include <stdlib.h>

#include "policy/content.h"
#include "xml/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern const char *const fuzz_proves;
const char *const fuzz_proves =
	"threats G5 threats G12 content rules: judged, encoded, judged again";

enum { OPEN_PROFILE = 1, OUTBOUND = 2, ALL_RULES = 4, ADDRESSES = 8 };

static const char base[] =
	"node outer-a\n"
	"domain example.se rooms.example.se { certificate \"c\" key \"k\" }\n"
	"listen s2s 192.0.2.1:5269\n"
	"listen link 10.0.0.1:5280 { certificate \"c\" key \"k\" trust \"t\" accept inner-a }\n";
static const char more[] = "rule candidates on\nrule software on\nlimit page items 5\n"
			   "rule server off for example.com\n";

/* Foreign and local; several kinds of each. */
static const char *const addresses[][2] = {
	{ "b@example.com/x", "a@example.se" },
	{ "b@example.com", "example.se" },
	{ "room@muc.example.com/n", "a@example.se/x" },
	{ "example.com", "room@rooms.example.se/n" },
};

static struct xml_dict *dict;
static struct config *configs[2];

static void expect(bool cond)
{
	if (!cond)
		abort();
}

static struct config *configure(const char *lines)
{
	struct buf text, errors;

	buf_init(&text, 65536);
	buf_init(&errors, 65536);
	buf_append_c(&text, base);
	buf_append_c(&text, lines);
	struct config *c = config_parse(CONFIG_OUTER, "f.conf", buf_bytes(&text), &errors);
	expect(c);
	buf_done(&text);
	buf_done(&errors);
	return c;
}

static void set_up(void)
{
	if (dict)
		return;
	dict = xml_dict_new();
	record_fill_dict(dict);
	configs[0] = configure("");
	configs[1] = configure(more);
}

/* As the next node does. */
static void judge_again(
	const struct config *c, bool inbound, const struct record *r, enum record_profile profile)
{
	struct policy_findings f;
	struct record again;
	struct arena a;
	struct buf once, twice;

	arena_init(&a, 1 << 24);
	buf_init(&once, 1 << 26);
	buf_init(&twice, 1 << 26);
	expect(record_encode(r, &once));
	expect(!record_decode(buf_bytes(&once), &record_limits_default, profile, &a, &again));
	expect(policy_content(c, inbound, &again, &a, &f) == POLICY_PASS);
	expect(record_encode(&again, &twice));
	expect(str_eq(buf_bytes(&once), buf_bytes(&twice)));
	arena_done(&a);
	buf_done(&once);
	buf_done(&twice);
}

static void pass(struct xml_reader *reader, uint8_t choice)
{
	enum record_profile profile = choice & OPEN_PROFILE ? PROFILE_OPEN : PROFILE_STANDARD;
	const struct config *c = configs[choice & ALL_RULES ? 1 : 0];
	const char *const *pair = addresses[choice / ADDRESSES % 4];
	bool inbound = !(choice & OUTBOUND);
	struct policy_findings f;
	struct record_report report;
	struct jid from, to;
	struct record r;

	expect(jid_parse_prepared(str_of(pair[inbound ? 0 : 1]), &from) == JID_OK);
	expect(jid_parse_prepared(str_of(pair[inbound ? 1 : 0]), &to) == JID_OK);
	if (record_from_stanza(xml_reader_node(reader), &from, &to, STRL(""), profile,
		    xml_reader_arena(reader), &r, &report) != COND_NONE)
		return;
	switch (policy_content(c, inbound, &r, xml_reader_arena(reader), &f)) {
	case POLICY_PASS:
		expect(f.n == 0);
		judge_again(c, inbound, &r, profile);
		break;
	case POLICY_STRIP:
		expect(f.n > 0);
		judge_again(c, inbound, &r, profile);
		break;
	case POLICY_REJECT:
		expect(f.text && record_condition_valid(f.condition));
		break;
	case POLICY_DROP:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = STR("<stream:stream xmlns='jabber:server' "
			    "xmlns:stream='http://etherx.jabber.org/streams'>");

	set_up();
	if (size == 0)
		return 0;
	struct xml_reader *reader = xml_reader_new(dict, &xml_limits_default);
	expect(xml_reader_next(reader, &in) == XML_OPEN);
	in = str_from(data + 1, size - 1);
	while (xml_reader_next(reader, &in) == XML_STANZA)
		pass(reader, data[0]);
	xml_reader_free(reader);
	return 0;
}
