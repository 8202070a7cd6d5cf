/* SPDX-License-Identifier: Apache-2.0 */
/* One engine, and a far node whose every frame is written by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "diag.h"
#include "link/engine.h"
#include "rows.h"

struct rig {
	struct link *l;
	struct link_peer *p;
	struct buf log; /* "> frame", "close reason", ... one a line */
	uint64_t now;
	bool bad_record, hold;
	uint64_t channel;
};

static void note(struct rig *r, const char *what, const char *detail)
{
	buf_printf(&r->log, "%s %s\n", what, detail);
}

static void op_send(void *user, void *carrier, struct str head, struct str body)
{
	struct rig *r = user;
	struct buf frame;

	buf_init(&frame, 1 << 20);
	buf_append(&frame, head);
	buf_append(&frame, body);
	buf_append_c(&r->log, "> ");
	diag_decode(&r->log, buf_bytes(&frame));
	buf_append_c(&r->log, "\n");
	buf_done(&frame);
}

static void op_close(void *user, void *carrier, const char *reason)
{
	note(user, "close", reason);
}

static uint64_t op_wall(void *user)
{
	return 100;
}

static struct link_peer *op_choose(
	void *user, struct link_pair pair, struct link_peer *const *live, size_t n)
{
	return live[0];
}

static enum link_verdict op_deliver(void *user, const struct link_delivery *d, const char **reason)
{
	struct rig *r = user;

	buf_printf(&r->log, "deliver %lu %.*s\n", d->seq, STR_FMT(d->record));
	r->channel = d->channel;
	if (r->bad_record) {
		*reason = "element without a name";
		return LINK_BAD_RECORD;
	}
	if (!r->hold)
		link_taken(r->l, d->channel, d->seq, r->now);
	return LINK_ACCEPT;
}

static void op_undelivered(void *user, struct link_pair pair, uint64_t trace, struct str record,
	unsigned condition, struct str text)
{
	struct rig *r = user;

	buf_printf(
		&r->log, "undelivered %.*s %u %.*s\n", STR_FMT(record), condition, STR_FMT(text));
}

static void op_writable(void *user, struct link_pair pair)
{
	note(user, "writable", "");
}

static void op_expect(void *user, struct link_pair pair)
{
	note(user, "expect", "");
}

static void op_revoke(void *user, struct link_pair pair, uint64_t channel)
{
	note(user, "revoke", "");
}

static void op_peer_state(void *user, struct link_peer *peer, bool up, const char *why)
{
	note(user, up ? "up" : "down", why ? why : "");
}

static void op_alarm(void *user, struct link_peer *peer, const char *reason)
{
	note(user, "alarm", reason);
}

static const struct link_ops ops = {
	.send = op_send,
	.close = op_close,
	.wall_ms = op_wall,
	.choose = op_choose,
	.deliver = op_deliver,
	.undelivered = op_undelivered,
	.writable = op_writable,
	.expect = op_expect,
	.revoke = op_revoke,
	.peer_state = op_peer_state,
	.alarm = op_alarm,
};

static const struct link_pair pair = { STR("l.example"), STR("f.example") };

static void input(struct rig *r, const char *diag)
{
	struct buf frame;

	buf_init(&frame, 1 << 20);
	diag_encode(&frame, diag);
	link_input(r->l, r->p, buf_bytes(&frame), r->now);
	buf_done(&frame);
}

enum state { CONNECTED, GREETED, UP };

#define HELLO(seen) "1 0 1 1 'outer' 0 77 5 900 1000 " seen " 8 4 1000 2048 []"

/* An inner that listens to "outer"; the clock says 1000. */
static void rig_init(struct rig *r, enum state state)
{
	struct link_settings s = link_settings_default;

	memset(r, 0, sizeof(*r));
	buf_init(&r->log, 1 << 20);
	s.role = LINK_INNER;
	s.node = STRL("inner");
	s.boot_id = 66;
	s.domains = &pair.local;
	s.n_domains = 1;
	s.catalogue = 5;
	s.window_records = 4;
	s.window_bytes = 1000;
	s.frame_bytes = 2048;
	s.channels_max = 8;
	s.cond_timeout = 1;
	s.cond_internal = 2;
	s.cond_busy = 3;
	r->now = 1000;
	r->l = link_new(&s, &ops, r);
	r->p = link_connected(r->l, STRL("outer"), r, r->now);
	if (state == GREETED)
		input(r, HELLO("f"));
	if (state == UP)
		input(r, HELLO("t"));
}

static void rig_done(struct rig *r)
{
	link_free(r->l);
	buf_done(&r->log);
}

static bool said(struct rig *r, const char *what)
{
	buf_append(&r->log, str_from("", 1));
	bool found = strstr(buf_bytes(&r->log).p, what);
	buf_truncate(&r->log, buf_len(&r->log) - 1);
	return found;
}

static void expect_said(struct rig *r, const char *name, const char *what)
{
	if (!said(r, what))
		fail_msg("%s: no \"%s\" in\n%.*s", name, what, STR_FMT(buf_bytes(&r->log)));
}

static void forget_log(struct rig *r)
{
	buf_clear(&r->log, 0);
}

/* Every wrong frame in every state. */

static const struct wrong {
	const char *name;
	enum state state;
	const char *before; /* a frame that is in order, or none */
	const char *frame;
	const char *reason; /* NULL: the link stays */
} wrongs[] = {
	{ "not this version", CONNECTED, "", "2 0", "no common protocol version" },
	{ "version 0", UP, "", "0 6 1", "no common protocol version" },
	{ "unknown type", UP, "", "1 10", "unknown type of frame" },
	{ "huge type", CONNECTED, "", "1 18446744073709551615", "unknown type of frame" },
	{ "no type", UP, "", "1", "item is missing" },
	{ "nothing in the array", UP, "", "", "item is missing" },
	{ "open before hello", CONNECTED, "", "1 1 0 5 1 f 'l.example' 'f.example'",
		"frame not permitted now" },
	{ "data before hello", CONNECTED, "", "1 2 0 5 1 1 0 0 <r>", "frame not permitted now" },
	{ "ack before hello", CONNECTED, "", "1 3 0 5 0 0 []", "frame not permitted now" },
	{ "nak before hello", CONNECTED, "", "1 4 0 5 0 0 [] 0", "frame not permitted now" },
	{ "reach before hello", CONNECTED, "", "1 5 0 5 0 0 [] 1 ''", "frame not permitted now" },
	{ "heartbeat before hello", CONNECTED, "", "1 6 1", "frame not permitted now" },
	{ "echo before hello", CONNECTED, "", "1 7 1", "frame not permitted now" },
	{ "drain before hello", CONNECTED, "", "1 8", "frame not permitted now" },
	{ "hello cut short", CONNECTED, "", "1 0 1 1 'outer'",
		"frame has the wrong number of items" },
	{ "hello with too much", CONNECTED, "", HELLO("f") " 1",
		"frame has the wrong number of items" },
	{ "hello from the future", CONNECTED, "", "1 0 3 9 'outer' 0 77 5 900 0 f 8 4 1000 2048 []",
		"no common protocol version: that node knows versions 3 to 9, this one 1 to 2" },
	{ "hello from the past", CONNECTED, "", "1 0 0 0 'outer' 0 77 5 900 0 f 8 4 1000 2048 []",
		"no common protocol version: that node knows versions 0 to 0, this one 1 to 2" },
	{ "hello of no version", CONNECTED, "", "1 0 2 1 'outer' 0 77 5 900 0 f 8 4 1000 2048 []",
		"no common protocol version: that node knows versions 2 to 1, this one 1 to 2" },
	{ "hello of the next release", CONNECTED, "",
		"1 0 2 3 'outer' 0 77 6 900 0 f 8 4 1000 2048 []", NULL },
	{ "hello of the release before", CONNECTED, "",
		"1 0 1 1 'outer' 0 77 4 900 0 f 8 4 1000 2048 []", NULL },
	{ "hello in a later form", CONNECTED, "", "2 0 1 2 'outer' 0 77 5 900 0 f 8 4 1000 2048 []",
		"no common protocol version" },
	{ "hello two catalogues ahead", CONNECTED, "",
		"1 0 1 2 'outer' 0 77 7 900 0 f 8 4 1000 2048 []",
		"catalogues differ by more than one release: upgrade the older node: "
		"that node knows catalogues 1 to 7, this one 1 to 5" },
	{ "hello two catalogues behind", CONNECTED, "",
		"1 0 1 2 'outer' 0 77 3 900 0 f 8 4 1000 2048 []",
		"catalogues differ by more than one release: upgrade the older node: "
		"that node knows catalogues 1 to 3, this one 1 to 5" },
	{ "heartbeat of version 2 where 1 was agreed", UP, "", "2 6 1",
		"no common protocol version" },
	{ "hello again with another catalogue", UP, "",
		"1 0 1 1 'outer' 0 77 4 900 1000 t 8 4 1000 2048 []",
		"second hello contradicts the first" },
	{ "hello again with another version", UP, "",
		"1 0 1 2 'outer' 0 77 5 900 1000 t 8 4 1000 2048 []",
		"second hello contradicts the first" },
	{ "about where version 1 was agreed", UP, "", "1 10 {}", "unknown type of frame" },
	{ "hello of a range", CONNECTED, "", "1 0 0 9 'outer' 0 77 5 900 0 f 8 4 1000 2048 []",
		NULL },
	{ "hello of another node", CONNECTED, "",
		"1 0 1 1 'outer2' 0 77 5 900 0 f 8 4 1000 2048 []",
		"hello names another node than the certificate" },
	{ "hello reflected", CONNECTED, "",
		"1 0 1 1 'inner' 1 66 5 900 0 f 8 4 1000 2048 ['l.example']",
		"hello names another node than the certificate" },
	{ "hello of our role", CONNECTED, "", "1 0 1 1 'outer' 1 77 5 900 0 f 8 4 1000 2048 []",
		"two nodes of one role" },
	{ "hello of no role", CONNECTED, "", "1 0 1 1 'outer' 2 77 5 900 0 f 8 4 1000 2048 []",
		"two nodes of one role" },
	{ "hello without window", CONNECTED, "", "1 0 1 1 'outer' 0 77 5 900 0 f 8 0 1000 2048 []",
		"limits out of range or too small" },
	{ "hello with small frames", CONNECTED, "",
		"1 0 1 1 'outer' 0 77 5 900 0 f 8 4 1000 2047 []",
		"limits out of range or too small" },
	{ "hello with huge limits", CONNECTED, "",
		"1 0 1 1 'outer' 0 77 5 900 0 f 18446744073709551615 18446744073709551615 "
		"18446744073709551615 18446744073709551615 []",
		NULL },
	{ "domains from an outer", CONNECTED, "",
		"1 0 1 1 'outer' 0 77 5 900 0 f 8 4 1000 2048 ['l.example']",
		"invalid list of domains" },
	{ "empty domain", CONNECTED, "", "1 0 1 1 'outer' 0 77 5 900 0 f 8 4 1000 2048 ['']",
		"invalid list of domains" },
	{ "number for a domain", CONNECTED, "", "1 0 1 1 'outer' 0 77 5 900 0 f 8 4 1000 2048 [1]",
		"item of the wrong type" },
	{ "echo of the future in hello", CONNECTED, "",
		"1 0 1 1 'outer' 0 77 5 900 1001 t 8 4 1000 2048 []",
		"echo of a time that is yet to come" },
	{ "hello again", UP, "", HELLO("t"), NULL },
	{ "hello again of another process", UP, "",
		"1 0 1 1 'outer' 0 78 5 900 1000 t 8 4 1000 2048 []",
		"second hello contradicts the first" },
	{ "heartbeat when greeted", GREETED, "", "1 6 1", NULL },
	{ "heartbeat of any time", UP, "", "1 6 18446744073709551615", NULL },
	{ "echo of now", UP, "", "1 7 1000", NULL },
	{ "echo of the future", UP, "", "1 7 1001", "echo of a time that is yet to come" },
	{ "drain", UP, "", "1 8", NULL },
	{ "drain with something", UP, "", "1 8 1", "frame has the wrong number of items" },
	{ "close", UP, "", "1 9 0 0 0 0", "closed" },
	{ "close before hello", CONNECTED, "", "1 9 3 0 0 0", "no common protocol version" },
	{ "close for a reason of the future", UP, "", "1 9 999 0 0 0",
		"closed for an unknown reason" },

	{ "open", UP, "", "1 1 0 5 1 f 'l.example' 'f.example'", NULL },
	{ "open, largest channel", UP, "", "1 1 7 5 1 f 'l.example' 'f.example'", NULL },
	{ "open, channel too large", UP, "", "1 1 8 5 1 f 'l.example' 'f.example'",
		"channel number out of range or in use" },
	{ "open of an epoch that is not here", UP, "", "1 1 0 5 0 f 'l.example' 'f.example'",
		NULL },
	{ "open, base near overflow", UP, "",
		"1 1 0 5 18446744073709551615 f 'l.example' 'f.example'",
		"sequence number out of range" },
	{ "open, empty domain", UP, "", "1 1 0 5 1 f '' 'f.example'", "pair that is not served" },
	{ "open, two channels of one epoch", UP, "1 1 0 5 1 f 'l.example' 'f.example'",
		"1 1 1 5 1 f 'l.example' 'f.example'", "channel number out of range or in use" },
	{ "open again", UP, "1 1 0 5 1 f 'l.example' 'f.example'",
		"1 1 0 5 1 f 'l.example' 'f.example'", NULL },
	{ "open of an older epoch", UP, "1 1 0 5 1 f 'l.example' 'f.example'",
		"1 1 0 4 1 f 'l.example' 'f.example'", NULL },
	{ "open, number used again", UP, "1 1 0 5 1 f 'l.example' 'f.example'",
		"1 1 0 6 1 f 'l.example' 'g.example'", NULL },
	{ "open, text for a number", UP, "", "1 1 '0' 5 1 f 'l.example' 'f.example'",
		"item of the wrong type" },

	{ "data of no channel", UP, "", "1 2 0 5 1 1 0 0 <r>", NULL },
	{ "data, channel too large", UP, "", "1 2 8 5 1 1 0 0 <r>",
		"channel number out of range or in use" },
	{ "data 0", UP, "1 1 0 5 1 f 'l.example' 'f.example'", "1 2 0 5 0 0 0 0 <r>",
		"sequence number out of range" },
	{ "data near overflow", UP, "1 1 0 5 1 f 'l.example' 'f.example'",
		"1 2 0 5 18446744073709551615 18446744073709551615 0 0 <r>",
		"sequence number out of range" },
	{ "data below its una", UP, "1 1 0 5 1 f 'l.example' 'f.example'", "1 2 0 5 1 2 0 0 <r>",
		"sequence number out of range" },
	{ "data that confirms what was not taken", UP, "1 1 0 5 1 f 'l.example' 'f.example'",
		"1 2 0 5 4 3 0 0 <r>", "sequence number out of range" },
	{ "data beyond the window", UP, "1 1 0 5 1 f 'l.example' 'f.example'",
		"1 2 0 5 5 1 0 0 <r>", "more records than the window allows" },
	{ "data with a gap", UP, "1 1 0 5 1 f 'l.example' 'f.example'", "1 2 0 5 3 1 0 0 <r>",
		NULL },
	{ "data, proof too large", UP, "1 1 0 5 1 f 'l.example' 'f.example'",
		"1 2 0 5 1 1 256 0 <r>", "integer out of range" },
	{ "data, text for the record", UP, "1 1 0 5 1 f 'l.example' 'f.example'",
		"1 2 0 5 1 1 0 0 'r'", "item of the wrong type" },

	{ "ack of a channel that is not", UP, "", "1 3 0 100 0 0 []",
		"channel number out of range or in use" },
	{ "ack with too many rejects", UP, "",
		"1 3 0 100 5 5 [[1 1 ''][2 1 ''][3 1 ''][4 1 ''][5 1 '']]",
		"acknowledgement of what was never sent" },
	{ "reject above the ack", UP, "", "1 3 0 100 1 1 [[2 1 '']]",
		"acknowledgement of what was never sent" },
	{ "rejects in disorder", UP, "", "1 3 0 100 2 2 [[2 1 ''][1 1 '']]",
		"acknowledgement of what was never sent" },
	{ "reject twice in one ack", UP, "", "1 3 0 100 2 2 [[2 1 ''][2 1 '']]",
		"acknowledgement of what was never sent" },
	{ "reject of two items", UP, "", "1 3 0 100 2 2 [[1 1]]",
		"reject has the wrong number of items" },
	{ "reject with a huge condition", UP, "", "1 3 0 100 2 2 [[1 65536 '']]",
		"integer out of range" },
	{ "nak of an unknown kind", UP, "", "1 4 0 100 0 0 [] 4", "integer out of range" },
};

static void test_wrong_frames(void **state)
{
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		const struct wrong *w = &wrongs[i];
		struct rig r;
		name_row(w->name);
		rig_init(&r, w->state);
		if (*w->before)
			input(&r, w->before);
		forget_log(&r);
		input(&r, w->frame);
		if (!w->reason) {
			if (said(&r, "close"))
				fail_msg("%s: %.*s", w->name, STR_FMT(buf_bytes(&r.log)));
		} else {
			char line[128];
			snprintf(line, sizeof(line), "close %s\n", w->reason);
			expect_said(&r, w->name, line);
			assert_false(link_peer_up(r.p));
			/* What comes after is ignored. */
			forget_log(&r);
			input(&r, HELLO("t"));
			assert_int_equal(buf_len(&r.log), 0);
		}
		rig_done(&r);
	}
}

/* Bytes that are no CBOR, or not the deterministic kind (doc/threats.md L1 to L6). */
static void test_wrong_bytes(void **state)
{
	static const struct {
		const char *name;
		struct str bytes;
		const char *reason;
	} cases[] = {
		{ "nothing", STR(""), "frame is empty or above the limit" },
		{ "no array", STR("\x01"), "item of the wrong type" },
		{ "endless array", STR("\x9f\x01\x06\x01\xff"), "indefinite length" },
		{ "array beyond the frame", STR("\x9b\x00\x00\x00\x01\x00\x00\x00\x00"),
			"more items than bytes" },
		{ "longer than needed", STR("\x83\x18\x01\x06\x01"),
			"integer not in its shortest form" },
		{ "tag", STR("\x83\xc0\x01\x06\x01"), "tag" },
		{ "cut", STR("\x83\x01\x06"), "more items than bytes" },
		{ "cut number", STR("\x83\x01\x06\x1b\x01"), "item is cut short" },
		{ "left over", STR("\x83\x01\x06\x01\x00"), "bytes left over" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig r;
		char line[128];
		rig_init(&r, UP);
		name_row(cases[i].name);
		forget_log(&r);
		link_input(r.l, r.p, cases[i].bytes, r.now);
		snprintf(line, sizeof(line), "close %s\n", cases[i].reason);
		expect_said(&r, cases[i].name, line);
		expect_said(&r, cases[i].name, "alarm ");
		rig_done(&r);
	}
}

static void test_frame_above_the_limit(void **state)
{
	struct rig r;
	char *bytes = calloc(1, 2049);

	rig_init(&r, UP);
	link_input(r.l, r.p, str_from(bytes, 2049), r.now);
	expect_said(&r, "size", "> close 1 0 0 0\nclose frame is empty or above the limit\n");
	free(bytes);
	rig_done(&r);
}

static void test_threats_L15_greeting(void **state)
{
	struct rig r;

	rig_init(&r, CONNECTED);
	expect_said(
		&r, "ours", "> hello 1 2 'inner' 1 66 5 1000 0 f 8 4 1000 2048 [ 'l.example' ]\n");
	forget_log(&r);
	input(&r, "1 0 1 1 'outer' 0 77 5 900 0 f 8 4 1000 2048 []");
	/* Theirs is here: said, with their time; but not yet that ours is there. */
	expect_said(&r, "seen", "> hello 1 2 'inner' 1 66 5 1000 900 t 8 4 1000 2048");
	assert_false(link_peer_up(r.p));
	input(&r, HELLO("t"));
	assert_true(link_peer_up(r.p));
	expect_said(&r, "up", "> heartbeat 1000\nup");
	forget_log(&r);
	input(&r, HELLO("t"));
	assert_int_equal(buf_len(&r.log), 0);
	rig_done(&r);
}

/* L13: replayed, reordered, cut out, of an older epoch. */
static void test_threats_L13_replay(void **state)
{
	struct rig r;

	rig_init(&r, UP);
	input(&r, "1 1 0 5 1 f 'l.example' 'f.example'");
	forget_log(&r);
	input(&r, "1 2 0 5 1 1 0 0 <a>");
	input(&r, "1 2 0 5 1 1 0 0 <a>");
	input(&r, "1 2 0 4 2 1 0 0 <old>");
	assert_string_equal(
		(buf_append(&r.log, str_from("", 1)), buf_bytes(&r.log).p), "deliver 1 a\n");
	forget_log(&r);
	input(&r, "1 2 0 5 3 2 0 0 <c>");
	expect_said(&r, "gap", "> nak 0 5 1 1 [ ] 0\n");
	forget_log(&r);
	input(&r, "1 2 0 5 2 2 0 0 <b>");
	input(&r, "1 2 0 5 3 2 0 0 <c>");
	expect_said(&r, "filled", "deliver 2 b\ndeliver 3 c\n");
	forget_log(&r);
	input(&r, "1 2 1 9 1 1 0 0 <x>");
	expect_said(&r, "unknown", "> nak 1 9 0 0 [ ] 1\n");
	input(&r, "1 1 1 9 0 f 'l.example' 'g.example'");
	expect_said(&r, "forgotten", "> nak 1 9 0 0 [ ] 3\n");
	rig_done(&r);
}

/* L14: two processes of one name. */
static void test_threats_L14_second_of_one_name(void **state)
{
	struct rig r;

	rig_init(&r, UP);
	input(&r, "1 1 0 5 1 f 'l.example' 'f.example'");
	r.hold = true;
	input(&r, "1 2 0 5 1 1 0 0 <a>");
	forget_log(&r);
	r.p = link_connected(r.l, STRL("outer"), &r.now, r.now);
	expect_said(&r, "replaced", "close replaced by a newer connection\ndown");
	forget_log(&r);
	input(&r, "1 0 1 1 'outer' 0 99 5 900 1000 t 8 4 1000 2048 []");
	expect_said(&r, "revoked", "revoke");
	expect_said(&r, "alarm", "alarm another process took the name of a live node\n");
	assert_false(link_may_write(r.l, r.channel, r.now));
	rig_done(&r);
}

/* L16: acknowledgements of what was never sent, twice, far ahead. */
static void test_threats_L16_acks(void **state)
{
	static const struct {
		const char *name, *frame, *said;
	} cases[] = {
		{ "ack of one", "1 3 0 100 1 2 []", NULL },
		{ "ack of all", "1 3 0 100 2 2 []", NULL },
		{ "ack far ahead", "1 3 0 100 9000 9000 []", "close acknowledgement of what" },
		{ "ack one ahead", "1 3 0 100 3 3 []", "close acknowledgement of what" },
		{ "received one ahead", "1 3 0 100 2 3 []", "close acknowledgement of what" },
		{ "less received than taken", "1 3 0 100 2 1 []", "close acknowledgement of what" },
		{ "overflow", "1 3 0 100 18446744073709551615 18446744073709551615 []",
			"close acknowledgement of what" },
		{ "epoch that was never used", "1 3 0 101 2 2 []",
			"close acknowledgement of what" },
		{ "epoch of the past", "1 3 0 99 2 2 []", NULL },
		{ "other channel", "1 3 1 100 2 2 []", "close channel number" },
		{ "rejected", "1 3 0 100 1 2 [[1 8 'no']]", "undelivered a 8 no\n" },
		{ "rejected without condition", "1 3 0 100 1 2 [[1 0 '']]", "undelivered a 2 \n" },
		{ "nak ahead", "1 4 0 100 3 3 [] 0", "close acknowledgement of what" },
		{ "reach ahead", "1 5 0 100 3 3 [] 1 ''", "close acknowledgement of what" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig r;
		rig_init(&r, UP);
		link_send(r.l, pair,
			&(struct link_out){ .trace = 7, .proof = 1, .record = STR("a") }, r.now);
		name_row(cases[i].name);
		link_send(r.l, pair,
			&(struct link_out){ .trace = 8, .proof = 1, .record = STR("b") }, r.now);
		expect_said(&r, "sent",
			"> open 0 100 1 f 'l.example' 'f.example'\n> data 0 100 1 1 1 7 <a>\n"
			"> data 0 100 2 1 1 8 <b>\n");
		forget_log(&r);
		input(&r, cases[i].frame);
		if (cases[i].said)
			expect_said(&r, cases[i].name, cases[i].said);
		else
			assert_false(said(&r, "close"));
		/* Twice is once: a carrier may repeat. */
		if (link_peer_up(r.p)) {
			forget_log(&r);
			input(&r, cases[i].frame);
			assert_int_equal(buf_len(&r.log), 0);
		}
		rig_done(&r);
	}
}

static void test_text_too_long(void **state)
{
	struct rig r;
	char frame[512];

	rig_init(&r, UP);
	snprintf(frame, sizeof(frame), "1 3 0 100 1 1 [[1 8 '%0129d']]", 0);
	input(&r, frame);
	expect_said(&r, "text", "close text is too long\n");
	rig_done(&r);
}

/* An invalid record: the link closes, and the report says that it is settled. */
static void test_bad_record(void **state)
{
	struct rig r;

	rig_init(&r, UP);
	input(&r, "1 1 0 5 1 f 'l.example' 'f.example'");
	input(&r, "1 2 0 5 1 1 0 0 <a>");
	r.bad_record = true;
	forget_log(&r);
	input(&r, "1 2 0 5 2 1 0 0 <b>");
	expect_said(&r, "order",
		"deliver 2 b\n> ack 0 5 2 2 [ [ 2 2 'invalid record' ] ]\n> close 19 0 5 2\n"
		"close element without a name\nalarm element without a name\ndown");
	/* Seen again after the next greeting, until confirmed; never delivered again. */
	r.bad_record = false;
	r.p = link_connected(r.l, STRL("outer"), &r, r.now);
	input(&r, HELLO("t"));
	forget_log(&r);
	input(&r, "1 1 0 5 0 f 'l.example' 'f.example'");
	expect_said(&r, "again", "> ack 0 5 2 2 [ [ 2 2 'invalid record' ] ]\n");
	forget_log(&r);
	input(&r, "1 2 0 5 2 1 0 0 <b>");
	assert_false(said(&r, "deliver"));
	input(&r, "1 2 0 5 3 3 0 0 <c>");
	link_flush(r.l, r.now += 5);
	expect_said(&r, "confirmed", "> ack 0 5 3 3 [ ]\n");
	rig_done(&r);
}

/* The acknowledgement that is due first takes along those of the other pairs. */
static void test_acks_together(void **state)
{
	struct rig r;

	rig_init(&r, UP);
	input(&r, "1 1 0 5 1 f 'l.example' 'f.example'");
	input(&r, "1 1 1 5 1 f 'l.example' 'g.example'");
	input(&r, "1 2 0 5 1 1 0 0 <a>");
	r.now += 4;
	input(&r, "1 2 1 5 1 1 0 0 <b>");
	link_flush(r.l, r.now);
	assert_false(said(&r, "> ack"));
	link_flush(r.l, ++r.now);
	expect_said(&r, "both", "> ack 0 5 1 1 [ ]\n> ack 1 5 1 1 [ ]\n");
	rig_done(&r);
}

static void test_window_bytes(void **state)
{
	struct rig r;
	char frame[1024];

	rig_init(&r, UP);
	r.hold = true;
	input(&r, "1 1 0 5 1 f 'l.example' 'f.example'");
	snprintf(frame, sizeof(frame), "1 2 0 5 1 1 0 0 <%0600d>", 0);
	input(&r, frame);
	snprintf(frame, sizeof(frame), "1 2 0 5 2 1 0 0 <%0600d>", 0);
	input(&r, frame);
	assert_true(link_peer_up(r.p));
	input(&r, "1 2 0 5 3 1 0 0 <x>");
	expect_said(&r, "bytes", "close more records than the window allows\n");
	rig_done(&r);
}

/* Naks do not multiply the work: one rewind, one new epoch in 20 ms. */
static void test_nak_storm(void **state)
{
	struct rig r;

	rig_init(&r, UP);
	link_send(
		r.l, pair, &(struct link_out){ .trace = 7, .proof = 1, .record = STR("a") }, r.now);
	forget_log(&r);
	for (int i = 0; i < 100; i++)
		input(&r, "1 4 0 100 0 0 [] 0");
	assert_string_equal((buf_append(&r.log, str_from("", 1)), buf_bytes(&r.log).p),
		"> data 0 100 1 1 1 7 <a>\n");
	forget_log(&r);
	input(&r, "1 4 0 100 0 0 [] 2");
	expect_said(&r, "new epoch", "> open 0 101 1 f 'l.example' 'f.example'\n");
	forget_log(&r);
	input(&r, "1 4 0 101 0 0 [] 2");
	assert_false(said(&r, "open"));
	r.now += 20;
	input(&r, "1 4 0 101 0 0 [] 2");
	expect_said(&r, "later", "> open 0 102 1 f 'l.example' 'f.example'\n");
	rig_done(&r);
}

/* What it asks for costs ever less while it takes nothing; who takes something is answered at once again. */
static void test_nak_without_end(void **state)
{
	struct rig r;
	unsigned epoch = 100, renewed = 0;
	char nak[64];

	rig_init(&r, UP);
	link_send(
		r.l, pair, &(struct link_out){ .trace = 7, .proof = 1, .record = STR("a") }, r.now);
	for (uint64_t end = r.now + 10000; r.now < end; r.now += 10) {
		snprintf(nak, sizeof(nak), "1 4 0 %u 0 0 [] 2", epoch);
		forget_log(&r);
		input(&r, nak);
		renewed += said(&r, "> open");
		epoch = 100 + renewed;
	}
	/* After 0, 20, 60, 140, ... 1260 ms, and every second from then on. */
	assert_int_equal(renewed, 15);
	snprintf(nak, sizeof(nak), "1 3 0 %u 1 1 []", epoch);
	input(&r, nak);
	link_send(
		r.l, pair, &(struct link_out){ .trace = 8, .proof = 1, .record = STR("b") }, r.now);
	snprintf(nak, sizeof(nak), "1 4 0 %u 1 1 [] 2", epoch);
	forget_log(&r);
	input(&r, nak);
	expect_said(&r, "at once", "> open");
	rig_done(&r);
}

static void test_status(void **state)
{
	struct rig r;
	struct buf b;
	struct json j;

	rig_init(&r, UP);
	link_send(
		r.l, pair, &(struct link_out){ .trace = 7, .proof = 1, .record = STR("a") }, r.now);
	input(&r, "1 1 0 5 1 f 'l.example' 'f.example'");
	buf_init(&b, 1 << 16);
	json_init(&j, &b);
	json_object(&j, NULL);
	link_status(r.l, r.now, &(struct excerpt){ 0 }, &j);
	json_end(&j);
	buf_append(&b, str_from("", 1));
	assert_false(j.failed);
	assert_non_null(
		strstr(buf_bytes(&b).p, "\"owner\":\"outer\",\"queued\":0,\"unacknowledged\":1"));
	assert_non_null(strstr(buf_bytes(&b).p, "\"from\":\"outer\",\"state\":\"open\""));
	buf_done(&b);
	rig_done(&r);
}

#define HELLO2 "1 0 1 2 'outer' 0 77 4 900 1000 t 8 4 1000 2048 []"

static void see_peer(void *user, const struct link_peer_info *p)
{
	struct rig *r = user;

	buf_printf(&r->log, "version %u catalogue %u release '%.*s' load %u others %u\n",
		p->version, p->catalogue, STR_FMT(p->release), (unsigned)p->load,
		(unsigned)p->others);
}

/* Version 2: what a node says about itself. Members of later releases are passed over. */
static void test_about(void **state)
{
	static const struct {
		const char *name, *frame, *said;
	} rows[] = {
		{ "about", "2 10 {1 '1.2.3' 2 250 3 1}", "release '1.2.3' load 250 others 1\n" },
		{ "about too much", "2 10 {2 18446744073709551615 3 18446744073709551615}",
			"release '' load 1000000 others 1000\n" },
		{ "about nothing", "2 10 {}", "release '' load 0 others 0\n" },
		{ "about others of another type", "2 10 {3 t}", "close inner" },
		{ "about more than we know", "2 10 {1 '1.2.3' 4 t 5 'x' 6 <y> 7 9}",
			"release '1.2.3' load 0 others 0\n" },
		{ "about with a nested member", "2 10 {1 '1.2.3' 9 []}", "member of another type" },
		{ "about with null", "2 10 {9 n}", "member of another type" },
		{ "about in no order", "2 10 {2 1 1 'a'}", "close inner" },
		{ "about of another type", "2 10 {1 5}", "close inner" },
		{ "about with text keys", "2 10 {'a' 5}", "close inner" },
		{ "about at length",
			"2 10 {1 "
			"'0123456789012345678901234567890123456789012345678901234567890123x'}",
			"text is too long" },
		{ "about of version 1", "1 10 {}", "no common protocol version" },
		{ "heartbeat of version 1", "1 6 1", "no common protocol version" },
		{ "heartbeat of version 2", "2 6 1", "> echo 1" },
		{ "close has the form of hello", "1 9 3 0 0 0", "no common protocol version" },
		{ "hello again", HELLO2, "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig r;
		name_row(rows[i].name);
		rig_init(&r, CONNECTED);
		input(&r, HELLO2);
		expect_said(&r, rows[i].name, "> about { 1 '' 2 0 3 0 }\n");
		forget_log(&r);
		input(&r, rows[i].frame);
		link_each_peer(r.l, r.now, see_peer, &r);
		expect_said(&r, rows[i].name,
			strcmp(rows[i].said, "close inner") == 0 ? "> close 2" : rows[i].said);
		rig_done(&r);
	}
}

/* The catalogue to write records by is that of the oldest node that is up. */
static void test_catalogue(void **state)
{
	struct rig r;

	rig_init(&r, CONNECTED);
	assert_int_equal(link_catalogue(r.l), 5);
	input(&r, HELLO2);
	assert_int_equal(link_catalogue(r.l), 4);
	link_disconnected(r.l, r.p, r.p->carrier, r.now);
	assert_int_equal(link_catalogue(r.l), 5);
	rig_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrong_frames),
		cmocka_unit_test(test_wrong_bytes),
		cmocka_unit_test(test_frame_above_the_limit),
		cmocka_unit_test(test_threats_L13_replay),
		cmocka_unit_test(test_threats_L14_second_of_one_name),
		cmocka_unit_test(test_threats_L15_greeting),
		cmocka_unit_test(test_threats_L16_acks),
		cmocka_unit_test(test_text_too_long),
		cmocka_unit_test(test_bad_record),
		cmocka_unit_test(test_acks_together),
		cmocka_unit_test(test_window_bytes),
		cmocka_unit_test(test_nak_storm),
		cmocka_unit_test(test_nak_without_end),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_about),
		cmocka_unit_test(test_catalogue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
