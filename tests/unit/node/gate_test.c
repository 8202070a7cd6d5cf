/* SPDX-License-Identifier: Apache-2.0 */
/* Limits by address: who comes in, who is refused and why, and what the known are spared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "node/gate.h"

enum { MAX = 4096 };

static const struct config_limits limits = {
	.streams = 1000,
	.address_conns = 50,
	.network_conns = 120,
	.address_tries = 10,
	.network_tries = 40,
	.address_shakes = 5,
	.network_shakes = 20,
	.address_verifies = 2,
	.address_answers = 4,
	.address_bytes = 1000,
	.target_tries = 3,
};

struct world {
	struct gate *gate;
	struct gate_pass *passes[MAX];
	unsigned n;
};

/* The rows of a table are formats. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static struct net_addr at(const char *format, ...)
{
	char text[64];
	struct net_addr a;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	assert_true(net_addr_parse(str_of(text), &a));
	return a;
}

static int begin(void **state)
{
	static struct world w;

	w = (struct world){ .gate = gate_new(&limits, 100000) };
	*state = &w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < w->n; i++)
		gate_leave(w->passes[i], 1000000);
	gate_free(w->gate);
	return 0;
}

static struct gate_pass *enter(struct world *w, struct net_addr from, uint64_t now)
{
	struct gate_pass *p = gate_enter(w->gate, &from, false, now);

	if (p) {
		assert_true(w->n < MAX);
		w->passes[w->n++] = p;
	}
	return p;
}

static enum gate_reason why(struct world *w, uint64_t now)
{
	char address[64];
	uint64_t refused;

	return gate_news(w->gate, now, address, &refused);
}

static void leave_all(struct world *w, uint64_t now)
{
	for (unsigned i = 0; i < w->n; i++)
		gate_leave(w->passes[i], now);
	w->n = 0;
}

/* threats H12: many connections from one address. Each row: how the address of the i-th connection looks. */
static void attempts_of_one_address(void **state)
{
	static const char *const addresses[] = { "192.0.2.1:%u", "[::ffff:192.0.2.1]:%u",
		"[2001:db8:1:2::%u]:7" };
	struct world *w = *state;
	uint64_t now = 1000;

	for (size_t row = 0; row < 3; row++, now += 100000) {
		unsigned in = 0;
		for (unsigned i = 1; i <= 500; i++) {
			in += enter(w, at(addresses[row], i), now) != NULL;
			leave_all(w, now);
		}
		assert_int_equal(in, 100);
		assert_int_equal(why(w, now), GATE_ADDRESS_TRIES);
		assert_int_equal(why(w, now), GATE_OK);
		assert_non_null(enter(w, at("192.0.2.2:1"), now));
		assert_non_null(enter(w, at("[2001:db8:1:3::1]:1"), now));
		leave_all(w, now);
		assert_null(enter(w, at(addresses[row], 1), now + 99));
		assert_non_null(enter(w, at(addresses[row], 1), now + 100));
		leave_all(w, now + 100);
	}
}

/* threats H12: the same from a whole network. */
static void attempts_of_one_network(void **state)
{
	static const char *const addresses[] = { "192.0.2.%u:9", "[2001:db8:1:%x::1]:7" };
	struct world *w = *state;
	uint64_t now = 1000;

	for (size_t row = 0; row < 2; row++, now += 100000) {
		unsigned in = 0;
		for (unsigned i = 0; i < 2000; i++) {
			in += enter(w, at(addresses[row], i % 250), now) != NULL;
			leave_all(w, now);
		}
		assert_int_equal(in, 400);
		assert_int_equal(why(w, now), GATE_NETWORK_TRIES);
		assert_non_null(enter(w, at("192.0.3.1:1"), now));
		assert_non_null(enter(w, at("[2001:db8:2::1]:1"), now));
		leave_all(w, now);
	}
}

/* s2s H6: connections that are held, of an address and of a network. */
static void held_connections(void **state)
{
	struct world *w = *state;
	uint64_t now = 1000;

	for (unsigned i = 0; i < 60; i++, now += 1000)
		assert_int_equal(enter(w, at("192.0.2.1:%u", i), now) != NULL, i < 50);
	assert_int_equal(why(w, now), GATE_ADDRESS_HELD);
	for (unsigned i = 50; i < 130; i++, now += 1000)
		assert_int_equal(enter(w, at("192.0.2.%u:1", i), now) != NULL, i < 120);
	assert_int_equal(why(w, now), GATE_NETWORK_HELD);
	leave_all(w, now);
	assert_non_null(enter(w, at("192.0.2.1:1"), now + 1000));
}

static void known_have_room(void **state)
{
	struct world *w = *state;
	struct net_addr friend = at("198.51.100.7:1");
	uint64_t now = 1000;

	struct gate_pass *first = enter(w, friend, now);
	assert_false(gate_is_known(first));
	gate_prove(first, now);
	assert_true(gate_is_known(first));
	/* Its neighbours use the network's limit up. */
	for (unsigned i = 0; i < 200; i++)
		enter(w, at("198.51.100.%u:1", 20 + i), now);
	assert_int_equal(why(w, now), GATE_NETWORK_HELD);
	assert_null(enter(w, at("198.51.100.8:1"), now));
	assert_true(gate_is_known(enter(w, friend, now)));
	/* Strangers get three quarters of all. */
	for (unsigned i = 0; i < 2000; i++)
		enter(w, at("203.%u.%u.1:1", i / 250, i % 250), now);
	assert_int_equal(w->n, 750);
	now += 5000;
	assert_int_equal(why(w, now), GATE_ALL);
	assert_non_null(enter(w, friend, now));
	/* Its own limits still count. */
	while (enter(w, friend, now += 1000))
		;
	assert_int_equal(why(w, now), GATE_ADDRESS_HELD);
	w->passes[w->n++] = gate_enter(w->gate, &friend, true, now);
	assert_non_null(w->passes[w->n - 1]);
}

/* threats H14: when memory is short nobody new comes in but the known. */
static void memory_is_short(void **state)
{
	struct world *w = *state;

	gate_prove(enter(w, at("192.0.2.1:1"), 0), 0);
	gate_set_short(w->gate, true);
	assert_null(enter(w, at("192.0.2.2:1"), 0));
	assert_int_equal(why(w, 0), GATE_MEMORY);
	assert_non_null(enter(w, at("192.0.2.1:1"), 0));
	gate_set_short(w->gate, false);
	assert_non_null(enter(w, at("192.0.2.2:1"), 0));
}

static void table_fails_closed(void **state)
{
	struct world *w = *state;
	struct net_addr early = at("9.9.9.9:1");
	unsigned in = 0;

	gate_prove(enter(w, early, 0), 0);
	enter(w, at("8.8.8.8:1"), 0);
	leave_all(w, 0);
	for (unsigned i = 0; i < 100000; i++) {
		in += enter(w, at("%u.%u.%u.1:1", 10 + i / 62500, i / 250 % 250, i % 250), 0) !=
			NULL;
		leave_all(w, 0);
	}
	assert_in_range(in, 65530, 65536);
	assert_int_equal(why(w, 0), GATE_TABLE);
	assert_null(enter(w, at("7.7.7.7:1"), 0));
	assert_non_null(enter(w, at("8.8.8.8:1"), 0));
	assert_non_null(enter(w, early, 0));
	assert_non_null(enter(w, at("7.7.7.7:1"), 60000));
}

static void handshakes_and_questions(void **state)
{
	struct world *w = *state;
	unsigned shakes = 0, keys = 0, answers = 0;

	struct gate_pass *p = enter(w, at("192.0.2.1:1"), 0);
	struct gate_pass *other = enter(w, at("192.0.2.2:1"), 0);
	for (unsigned i = 0; i < 200; i++) {
		shakes += gate_may_shake(p, 0);
		keys += gate_may_ask(p, 0);
		gate_asks(p, 0);
		answers += gate_may_answer(p, 0);
	}
	assert_int_equal(shakes, 50);
	assert_int_equal(keys, 20);
	assert_int_equal(answers, 40);
	assert_int_equal(why(w, 0), GATE_SHAKES);
	assert_int_equal(why(w, 0), GATE_QUESTIONS);
	assert_int_equal(why(w, 0), GATE_ANSWERS);
	assert_true(
		gate_may_shake(other, 0) && gate_may_ask(other, 0) && gate_may_answer(other, 0));
	assert_true(gate_may_shake(NULL, 0) && gate_may_ask(NULL, 0) && gate_may_answer(NULL, 0) &&
		gate_is_known(NULL));
}

static void bytes_are_slowed_down(void **state)
{
	struct world *w = *state;
	struct gate_pass *p = enter(w, at("192.0.2.1:1"), 0);
	struct gate_pass *second = enter(w, at("192.0.2.1:2"), 0);

	assert_int_equal(gate_bytes(p, 10000, 0), 0);
	assert_int_equal(gate_bytes(second, 500, 0), 500);
	assert_int_equal(gate_bytes(p, 0, 600), 0);
	assert_int_equal(gate_bytes(NULL, 1000000000, 0), 0);
}

/* threats E9: the servers of a thousand domains are one victim. */
static void one_target_of_many_domains(void **state)
{
	struct world *w = *state;
	struct net_addr victim = at("192.0.2.9:25"), other = at("192.0.2.10:25");
	char domain[64];
	unsigned dialled = 0;

	for (unsigned i = 0; i < 1000; i++) {
		snprintf(domain, sizeof(domain), "d%u.example", i);
		dialled += gate_may_dial(w->gate, &victim, str_of(domain), 0);
	}
	assert_int_equal(dialled, 30);
	assert_int_equal(why(w, 0), GATE_TARGET);
	assert_true(gate_may_dial(w->gate, &other, STRL("d1.example"), 0));
	gate_prove_domain(w->gate, STRL("good.example"), 0);
	assert_true(gate_may_dial(w->gate, &victim, STRL("good.example"), 0));
	assert_false(gate_may_dial(w->gate, &victim, STRL("d1.example"), 300));
	assert_true(gate_may_dial(w->gate, &victim, STRL("d1.example"), 400));
}

static void news_come_once_a_second(void **state)
{
	struct world *w = *state;
	char address[64] = "";
	uint64_t refused = 0;

	for (unsigned i = 0; i < 150; i++)
		enter(w, at("192.0.2.1:%u", i), 10);
	assert_int_equal(gate_news(w->gate, 10, address, &refused), GATE_ADDRESS_HELD);
	assert_int_equal(refused, 50);
	assert_int_equal(gate_news(w->gate, 10, address, &refused), GATE_ADDRESS_TRIES);
	assert_int_equal(refused, 50);
	assert_string_equal(address, "192.0.2.1:149");
	enter(w, at("192.0.2.1:7"), 20);
	assert_int_equal(gate_news(w->gate, 20, address, &refused), GATE_OK);
	assert_int_equal(gate_news(w->gate, 1010, address, &refused), GATE_ADDRESS_TRIES);
	assert_int_equal(refused, 1);
}

/* A reload may lower what is held already. */
static void new_limits(void **state)
{
	struct world *w = *state;
	struct config_limits lower = limits;

	for (unsigned i = 0; i < 40; i++)
		assert_non_null(enter(w, at("192.0.2.1:%u", i), i * 1000));
	lower.address_conns = 10;
	gate_set_limits(w->gate, &lower);
	assert_null(enter(w, at("192.0.2.1:99"), 100000));
	lower.address_conns = 0;
	gate_set_limits(w->gate, &lower);
	assert_non_null(enter(w, at("192.0.2.1:99"), 200000));
}

static void status_has_all(void **state)
{
	struct world *w = *state;
	struct buf out;
	struct json j;

	enter(w, at("192.0.2.1:1"), 0);
	buf_init(&out, 4096);
	json_init(&j, &out);
	json_object(&j, NULL);
	gate_status(w->gate, "limits", &j);
	json_end(&j);
	buf_append(&out, str_from("", 1));
	assert_non_null(strstr(buf_bytes(&out).p, "\"limits\":{\"connections\":1,"));
#define X(id, name, text) assert_non_null(strstr(buf_bytes(&out).p, "\"" name "\":0"));
	GATE_REASONS(X)
#undef X
	buf_done(&out);
}

static void prefixes(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned bits4, bits6;
		bool same;
	} rows[] = {
		{ "192.0.2.1:1", "192.0.2.1:2", 32, 64, true },
		{ "192.0.2.1:1", "192.0.2.2:1", 32, 64, false },
		{ "192.0.2.1:1", "192.0.2.2:1", 24, 64, true },
		{ "192.0.2.1:1", "192.0.3.1:1", 24, 64, false },
		{ "192.0.2.1:1", "192.0.3.1:1", 23, 64, true },
		{ "192.0.2.1:1", "200.0.0.0:1", 4, 64, true },
		{ "192.0.2.1:1", "1.1.1.1:1", 0, 0, true },
		{ "192.0.2.1:1", "[::ffff:192.0.2.1]:1", 32, 64, true },
		{ "192.0.2.1:1", "[2001:db8::1]:1", 0, 0, false },
		{ "[2001:db8::1]:1", "[2001:db8::ffff:1]:1", 32, 64, true },
		{ "[2001:db8:0:1::1]:1", "[2001:db8:0:2::1]:1", 32, 64, false },
		{ "[2001:db8:0:1::1]:1", "[2001:db8:0:2::1]:1", 32, 48, true },
		{ "[2001:db8:1::1]:1", "[2001:db8:2::1]:1", 32, 48, false },
		{ "[2001:db8::1]:1", "[2001:db8::2]:1", 32, 128, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct net_addr a = at("%s", rows[i].a), b = at("%s", rows[i].b);
		char x[NET_PREFIX_SIZE], y[NET_PREFIX_SIZE];
		bool same = str_eq(net_addr_prefix(&a, rows[i].bits4, rows[i].bits6, x),
			net_addr_prefix(&b, rows[i].bits4, rows[i].bits6, y));
		if (same != rows[i].same)
			fail_msg("%s and %s, %u, %u", rows[i].a, rows[i].b, rows[i].bits4,
				rows[i].bits6);
	}
}

#define CASE(name, test)                                                                           \
	{                                                                                          \
		name, test, begin, end, NULL                                                       \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE("threats H12 one address", attempts_of_one_address),
		CASE("threats H12 one network", attempts_of_one_network),
		CASE("s2s H6 connections held", held_connections),
		CASE("known peers have room", known_have_room),
		CASE("threats H14 memory is short", memory_is_short),
		CASE("threats H12 the table is full", table_fails_closed),
		CASE("s2s H6 handshakes, s2s G14 threats I5 keys", handshakes_and_questions),
		CASE("s2s H6 bytes", bytes_are_slowed_down),
		CASE("threats E9 one target", one_target_of_many_domains),
		CASE("news", news_come_once_a_second),
		CASE("new limits", new_limits),
		CASE("status", status_has_all),
		CASE("prefixes", prefixes),
	};

	return cmocka_run_group_tests_name("gate", tests, NULL, NULL);
}
