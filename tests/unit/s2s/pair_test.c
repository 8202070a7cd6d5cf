/* SPDX-License-Identifier: Apache-2.0 */
/* Queues, retries, resends, fencing, flow control, and what an operator sees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "one.h"
#include "s2s/pair_reach.h"

static bool give(struct one *t, const char *body, uint64_t channel, uint64_t seq)
{
	return node_send(&t->n, "b.example", "a.example", body, channel, seq);
}

static void pass(struct one *t, uint64_t ms)
{
	world_wait(&t->w, t->nodes, ms);
}

static void test_order(void **state)
{
	struct one t;

	one_begin(&t);
	for (uint64_t i = 1; i <= 3; i++)
		assert_true(give(&t, "x", 5, i));
	assert_int_equal(t.n.connects, 1);
	assert_int_equal(s2s_pending(t.n.face), 3);
	one_ready(&t);
	assert_int_equal(t.n.sent, 3);
	assert_int_equal(t.n.last_sent.seq, 3);
	assert_int_equal(s2s_pending(t.n.face), 0);
	assert_true(give(&t, "direct", 5, 4));
	assert_int_equal(s2s_pending(t.n.face), 1);
	assert_has(script_look(t.peer), "direct");
	assert_int_equal(t.n.last_sent.seq, 4);
	one_end(&t);
}

/* A4: the delay grows, is random, and new stanzas are refused with the same reason meanwhile. */
static void test_retry(void **state)
{
	struct one t;
	uint64_t last = 0;

	one_begin(&t);
	t.n.refuse_connect = true;
	for (int i = 0; i < 10; i++) {
		uint64_t waited = 0;
		while (!give(&t, "x", 0, 0)) {
			assert_int_equal(t.n.last_failure, S2S_NOT_FOUND);
			assert_string_equal(t.n.last_text, "nothing listens");
			pass(&t, 50);
			waited += 50;
		}
		pass(&t, 0);
		assert_int_equal(t.n.unsent, i + 1);
		assert_int_equal(t.n.connects, i + 1);
		assert_true(waited <= 120050);
		assert_true(i < 2 || i > 6 || waited * 4 > last * 3);
		last = waited;
	}
	assert_true(last >= 60000);
	t.n.refuse_connect = false;
	/* A sign of life from them ends the waiting. */
	struct wire *in = script_connect(&t.n, true);
	script_send(in, AB AUTH("="));
	assert_true(give(&t, "x", 0, 0));
	one_ready(&t);
	assert_int_equal(t.n.sent, 1);
	one_end(&t);
}

static void test_limits(void **state)
{
	struct one t;
	unsigned taken = 0, errors = 0;

	one_begin(&t);
	while (give(&t, "x", 5, taken + 1))
		taken++;
	assert_int_equal(taken, 1024);
	assert_int_equal(t.n.last_failure, S2S_FULL);
	assert_string_equal(t.n.last_text, "queue full");
	/* An error that is owed finds room, and that ends, too. */
	assert_false(give(&t, "refused", 0, 0));
	while (give(&t, "error", 0, 1))
		errors++;
	assert_int_equal(errors, 1024);
	one_ready(&t);
	assert_int_equal(t.n.sent, taken + errors);
	one_end(&t);
}

static void test_bytes_limit(void **state)
{
	struct one t;
	struct s2s_settings small;
	char big[3000];

	one_begin(&t);
	small = s2s_settings_default;
	small.queue_bytes = 8192;
	s2s_set_settings(t.n.face, &small);
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_true(give(&t, big, 5, 1));
	assert_true(give(&t, big, 5, 2));
	assert_false(give(&t, big, 5, 3));
	assert_true(give(&t, "small", 5, 3));
	assert_true(give(&t, big, 0, 1));
	one_end(&t);
}

static void test_age(void **state)
{
	struct one t;

	one_begin(&t);
	t.n.hold_connect = true;
	struct s2s_settings slow = s2s_settings_default;
	slow.connect_ms = 1000000;
	s2s_set_settings(t.n.face, &slow);
	give(&t, "one", 0, 1);
	pass(&t, 30000);
	give(&t, "two", 0, 2);
	pass(&t, 29999);
	assert_int_equal(t.n.unsent, 0);
	pass(&t, 1);
	assert_int_equal(t.n.unsent, 1);
	assert_int_equal(t.n.last_unsent.seq, 1);
	assert_int_equal(t.n.last_failure, S2S_TIMEOUT);
	pass(&t, 30000);
	assert_int_equal(t.n.unsent, 2);
	one_end(&t);
}

/* What waits in this node for its turn is not late; its time begins when the turn comes. */
static void test_turn(void **state)
{
	struct one t;

	one_begin(&t);
	t.n.hold_connect = true;
	struct s2s_settings patient = s2s_settings_default;
	patient.queue_age_ms = 1000000;
	s2s_set_settings(t.n.face, &patient);
	give(&t, "one", 0, 1);
	s2s_connect_waits(t.n.connecting[0], true, t.w.now);
	pass(&t, 100000);
	assert_int_equal(t.n.unsent, 0);
	s2s_connect_waits(t.n.connecting[0], false, t.w.now);
	pass(&t, 29999);
	assert_int_equal(t.n.unsent, 0);
	pass(&t, 1);
	assert_int_equal(t.n.unsent, 1);
	one_end(&t);
}

/* C17: what the kernel did not take goes again, in order, on the next stream; the rest does not. */
static void test_resend(void **state)
{
	struct one t;

	one_begin(&t);
	give(&t, "one", 9, 1);
	one_ready(&t);
	assert_int_equal(t.n.sent, 1);
	t.peer->other->stuck = true;
	give(&t, "two", 9, 2);
	give(&t, "three", 9, 3);
	assert_int_equal(t.n.sent, 1);
	script_hang_up(t.peer);
	assert_int_equal(t.n.connects, 2);
	give(&t, "four", 9, 4);
	one_ready(&t);
	const char *got = script_look(t.peer);
	assert_lacks(got, "one");
	assert_true(strstr(got, "two") < strstr(got, "three"));
	assert_true(strstr(got, "three") < strstr(got, "four"));
	assert_has(got, "four");
	assert_int_equal(t.n.sent, 4);
	assert_int_equal(t.n.unsent, 0);
	one_end(&t);
}

/* A peer that drops each stream before it takes anything does not keep us busy for ever. */
static void test_flapping(void **state)
{
	struct one t;

	one_begin(&t);
	give(&t, "one", 9, 1);
	for (int i = 0; i < 3; i++) {
		t.peer = script_accept(&t.n);
		t.peer->other->stuck = false;
		script_send(t.peer, ANSWER("i") FEATURES(OFFER_SASL) "<success" SASL "/>");
		t.peer->other->stuck = true;
		buf_append_c(&t.peer->other->in, ANSWER("j") FEATURES(""));
		world_run(&t.w);
		script_hang_up(t.peer);
	}
	assert_int_equal(t.n.connects, 3);
	assert_int_equal(t.n.unsent, 1);
	assert_false(give(&t, "two", 9, 2));
	one_end(&t);
}

static void test_revoke(void **state)
{
	struct one t;

	one_begin(&t);
	give(&t, "one", 1, 1);
	give(&t, "other", 2, 1);
	give(&t, "two", 1, 2);
	give(&t, "nobody", 0, 0);
	s2s_revoke(t.n.face, STRL("b.example"), STRL("a.example"), 1);
	s2s_revoke(t.n.face, STRL("b.example"), STRL("x.example"), 1);
	assert_int_equal(s2s_pending(t.n.face), 2);
	one_ready(&t);
	const char *got = script_look(t.peer);
	assert_lacks(got, "one");
	assert_lacks(got, "two");
	assert_true(strstr(got, "other") < strstr(got, "nobody"));
	assert_int_equal(t.n.sent, 2);
	assert_int_equal(t.n.unsent, 0);
	one_end(&t);
}

static void test_fencing(void **state)
{
	struct one t;

	one_begin(&t);
	give(&t, "one", 1, 1);
	give(&t, "nobody", 0, 0);
	give(&t, "two", 1, 2);
	t.n.fenced = true;
	one_ready(&t);
	const char *got = script_look(t.peer);
	assert_lacks(got, "one");
	assert_lacks(got, "two");
	assert_has(got, "nobody");
	assert_true(give(&t, "three", 1, 3));
	assert_lacks(script_look(t.peer), "three");
	assert_int_equal(t.n.sent, 1);
	assert_int_equal(t.n.unsent, 0);
	assert_int_equal(s2s_pending(t.n.face), 0);
	one_end(&t);
}

/* H9: the peer reads nothing. The rest waits, and in the end the stream is given up. */
static void test_window(void **state)
{
	struct one t;
	char big[4000];

	one_begin(&t);
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	give(&t, "one", 0, 0);
	one_ready(&t);
	t.peer->other->stuck = true;
	uint64_t before = t.peer->other->written;
	for (int i = 0; i < 1000; i++)
		assert_true(give(&t, big, 3, (uint64_t)i));
	assert_in_range(t.peer->other->written - before, 1 << 20, (1 << 20) + 5000);
	assert_int_equal(s2s_pending(t.n.face), 1000);
	t.peer->other->stuck = false;
	pass(&t, 0);
	assert_int_equal(t.n.sent, 1001);
	assert_int_equal(s2s_pending(t.n.face), 0);
	t.peer->other->stuck = true;
	give(&t, "late", 3, 5000);
	pass(&t, 59999);
	assert_false(t.peer->other->closing);
	pass(&t, 1);
	assert_has(node_log(&t.n), "stream-closed out write-timeout");
	one_end(&t);
}

static void test_open(void **state)
{
	struct one t;

	one_begin(&t);
	s2s_open(t.n.face, STRL("b.example"), STRL("a.example"), t.w.now);
	s2s_open(t.n.face, STRL("b.example"), STRL("a.example"), t.w.now);
	assert_int_equal(t.n.connects, 1);
	one_ready(&t);
	give(&t, "x", 0, 0);
	assert_int_equal(t.n.connects, 1);
	t.n.refuse_connect = true;
	s2s_open(t.n.face, STRL("b.example"), STRL("c.example"), t.w.now);
	pass(&t, 0);
	s2s_open(t.n.face, STRL("b.example"), STRL("c.example"), t.w.now);
	pass(&t, 0);
	assert_int_equal(t.n.connects, 2);
	/* Neither from a domain that is not played, nor to one that is. */
	s2s_open(t.n.face, STRL("z.example"), STRL("c.example"), t.w.now);
	s2s_open(t.n.face, STRL("b.example"), STRL("b.example"), t.w.now);
	assert_int_equal(t.n.connects, 2);
	one_end(&t);
}

static void test_streams_max(void **state)
{
	struct one t;
	struct s2s_settings few = s2s_settings_default;

	one_begin(&t);
	few.streams_max = 2;
	s2s_set_settings(t.n.face, &few);
	script_connect(&t.n, false);
	script_connect(&t.n, false);
	assert_null(s2s_accept(t.n.face, NULL, false, t.w.now));
	assert_false(give(&t, "x", 0, 0));
	assert_string_equal(t.n.last_text, "too many streams");
	one_end(&t);
}

/* Pairs are forgotten, so that names that peers invent do not pile up. */
static void test_forgetting(void **state)
{
	struct one t;
	char them[40];
	struct buf b;
	struct json j;

	one_begin(&t);
	t.n.refuse_connect = true;
	for (int i = 0; i < 50; i++) {
		snprintf(them, sizeof(them), "s%d.example", i);
		node_send(&t.n, "b.example", them, "x", 0, 0);
		pass(&t, 0);
	}
	assert_int_equal(t.n.unsent, 50);
	pass(&t, 400000);
	buf_init(&b, 1 << 20);
	json_init(&j, &b);
	json_object(&j, NULL);
	s2s_status(t.n.face, t.w.now, &(struct excerpt){ 0 }, &j);
	json_end(&j);
	assert_false(j.failed);
	*buf_space(&b, 1) = '\0';
	assert_has(buf_bytes(&b).p, "\"pairs\":[]");
	buf_done(&b);
	assert_true(s2s_deadline(t.n.face) == UINT64_MAX);
	one_end(&t);
}

static void test_status(void **state)
{
	struct one t;
	struct buf b;
	struct json j;

	one_begin(&t);
	give(&t, "one", 0, 0);
	one_ready(&t);
	struct wire *in = script_connect(&t.n, true);
	script_send(in, AB AUTH("="));
	script_send(in, AB MSG_AB("hello"));
	t.n.refuse_connect = true;
	node_send(&t.n, "b.example", "dead.example", "x", 0, 0);
	pass(&t, 3000);
	buf_init(&b, 1 << 20);
	json_init(&j, &b);
	json_object(&j, NULL);
	s2s_status(t.n.face, t.w.now, &(struct excerpt){ 0 }, &j);
	json_end(&j);
	assert_false(j.failed);
	assert_int_equal(j.depth, 0);
	*buf_space(&b, 1) = '\0';
	const char *parts[] = { "\"us\":\"b.example\",\"them\":\"a.example\"",
		"\"state\":\"ready\"", "\"proof\":\"pkix\"", "\"tls\":\"TLSv1.3\"",
		"\"direction\":\"in\"", "\"direct_tls\":true", "\"stanzas_in\":1",
		"\"stanzas_out\":1", "\"failure\":\"not-found\"", "\"step\":\"connect-failed\"",
		"\"text\":\"nothing listens\"", "\"cure\":\"listen\"", "\"seconds_ago\":3",
		"\"connect-failed\":1", "\"streams_out\":2" };
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		assert_has(buf_bytes(&b).p, parts[i]);
	buf_done(&b);
	one_end(&t);
}

/* However many pairs there are, an answer has some of them, those that fail first, and says how many there are. */
static void test_status_of_many(void **state)
{
	enum { MANY = 20000 };
	const struct s2s_why why = pair_why(CLOSE_TLS_FAILED, S2S_TIMEOUT);
	struct excerpt e = { 0 };
	struct one t;
	struct buf b;
	struct json j;
	char name[40];

	one_begin(&t);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "d%u.example", i);
		struct s2s_pair *p = pair_get(t.n.face, STRL("b.example"), str_of(name));
		if (i == 77 || i == MANY - 1)
			pair_fail(p, &why, STRL(""));
	}
	buf_init(&b, 1 << 20);
	for (int named = 0; named < 2; named++) {
		buf_clear(&b, 0);
		json_init(&j, &b);
		json_object(&j, NULL);
		s2s_status(t.n.face, t.w.now, &e, &j);
		json_end(&j);
		*buf_space(&b, 1) = '\0';
		assert_false(j.failed);
		unsigned shown = 0;
		for (const char *at = buf_bytes(&b).p; (at = strstr(at, "\"them\":")); at++)
			shown++;
		assert_int_equal(shown, named ? 1 : EXCERPT_MOST);
		assert_has(
			buf_bytes(&b).p, named ? "\"pairs_total\":1," : "\"pairs_total\":20000,");
		assert_has(buf_bytes(&b).p,
			named ? "\"them\":\"d5.example\"" : "\"them\":\"d77.example\"");
		if (!named)
			assert_has(buf_bytes(&b).p, "\"them\":\"d19999.example\"");
		e = (struct excerpt){ .domains = { STR("d5.example") }, .n_domains = 1 };
	}
	buf_done(&b);
	one_end(&t);
}

/* What a library said about the handshake stays with the pair, cut at a character. */
static void test_failure_detail(void **state)
{
	struct one t;
	struct buf b;
	struct json j;

	one_begin(&t);
	struct s2s_pair *p = pair_get(t.n.face, STRL("b.example"), STRL("x.example"));
	const struct s2s_why why = pair_why(CLOSE_TLS_FAILED, S2S_TIMEOUT);
	pair_fail(p, &why, STRL("expired"));
	assert_string_equal(p->failure_detail, "expired");
	pair_fail(p, &why, str_from("\xff", 1));
	assert_string_equal(p->failure_detail, "");
	char many[400];
	for (size_t i = 0; i < sizeof(many); i++)
		many[i] = "\xc3\xa5"[i % 2];
	pair_fail(p, &why, str_from(many, sizeof(many)));
	assert_int_equal(strlen(p->failure_detail), sizeof(p->failure_detail) - 2);
	buf_init(&b, 1 << 20);
	json_init(&j, &b);
	json_object(&j, NULL);
	s2s_status(t.n.face, t.w.now, &(struct excerpt){ 0 }, &j);
	json_end(&j);
	assert_false(j.failed);
	*buf_space(&b, 1) = '\0';
	assert_has(buf_bytes(&b).p, "\"step\":\"tls-failed\"");
	assert_has(buf_bytes(&b).p, "\"cure\":\"`text` has the reason");
	buf_done(&b);
	one_end(&t);
}

/* Each way in which a stream can end says what can be done, and none of it goes to a peer. */
static void test_cures(void **state)
{
	for (size_t i = 0; i < CLOSE_REASONS; i++) {
		const struct close_row *row = &close_rows[i];
		assert_true(row->cure && strlen(row->cure) > 10);
		assert_string_not_equal(row->cure, row->text);
	}
}

/* The queue against a model of it: random steps. */
static void test_queue(void **state)
{
	enum { N = 64, ERRORS = 1024 };
	struct queue q;
	struct spares spares;
	struct entry model[N + ERRORS];
	size_t n = 0, written = 0;
	uint64_t seq = 0;
	unsigned seed = 1;
	char text[32];

	spares_init(&spares);
	queue_init(&q, &spares, N, 4096);
	for (int step = 0; step < 20000; step++) {
		unsigned dice = (unsigned)rand_r(&seed) % 16;
		if (dice < 6) {
			snprintf(text, sizeof(text), "<%llu>", (unsigned long long)++seq);
			struct s2s_token token = { (uint64_t)rand_r(&seed) % 3, seq };
			bool room = n < (token.channel ? N : N + ERRORS);
			assert_int_equal(queue_add(&q, str_of(text), token, 0), room);
			if (room)
				model[n++] = (struct entry){ .token = token };
		} else if (dice < 11 && written < n) {
			snprintf(text, sizeof(text), "<%llu>",
				(unsigned long long)model[written].token.seq);
			assert_true(str_is(queue_next(&q), text));
			queue_wrote(&q, 1);
			written++;
		} else if (dice < 14 && written) {
			assert_int_equal(queue_pop(&q).seq, model[0].token.seq);
			memmove(model, model + 1, --n * sizeof(model[0]));
			written--;
		} else if (dice == 14 && step % 5 == 0) {
			queue_rewind(&q);
			written = 0;
		} else if (dice == 15 && step % 3 == 0) {
			size_t kept = written;
			for (size_t i = written; i < n; i++) {
				if (model[i].token.channel != 1)
					model[kept++] = model[i];
			}
			assert_int_equal(queue_revoke(&q, 1), n - kept);
			n = kept;
		} else if (dice == 15 && n - written > 3) {
			struct s2s_token *tokens = queue_take(&q, written + 1, 2);
			assert_int_equal(tokens[0].seq, model[written + 1].token.seq);
			assert_int_equal(tokens[1].seq, model[written + 2].token.seq);
			free(tokens);
			memmove(model + written + 1, model + written + 3,
				(n - written - 3) * sizeof(model[0]));
			n -= 2;
		}
		assert_int_equal(queue_count(&q), n);
		assert_int_equal(q.written, written);
	}
	queue_done(&q);
	spares_done(&spares);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "s2s C10 s2s C9 queued, connected, sent in order", test_order, NULL, NULL, NULL },
		{ "s2s A4 retry delays", test_retry, NULL, NULL, NULL },
		{ "s2s C10 queue bounded in stanzas", test_limits, NULL, NULL, NULL },
		{ "s2s C10 queue bounded in bytes", test_bytes_limit, NULL, NULL, NULL },
		{ "s2s C10 queue bounded in age", test_age, NULL, NULL, NULL },
		{ "s2s C17 what was not taken goes again in order", test_resend, NULL, NULL, NULL },
		cmocka_unit_test(test_turn),
		cmocka_unit_test(test_flapping),
		cmocka_unit_test(test_revoke),
		cmocka_unit_test(test_fencing),
		{ "threats H9 peer reads nothing", test_window, NULL, NULL, NULL },
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_streams_max),
		cmocka_unit_test(test_forgetting),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_status_of_many),
		cmocka_unit_test(test_failure_detail),
		cmocka_unit_test(test_cures),
		cmocka_unit_test(test_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
