/* SPDX-License-Identifier: Apache-2.0 */
/* What a pair may bring in, and what it may make us do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/memory.h"
#include "dialogue.h"
#include "rows.h"

struct scene {
	struct world w;
	struct node n;
	struct node *nodes[2];
	struct wire *peer;
};

static void open_stream(struct scene *s, const struct s2s_settings *settings)
{
	world_init(&s->w, false);
	s->w.settings = *settings;
	node_init(&s->n, &s->w, "b.example b2.example");
	s->n.trusted = "a.example a2.example";
	s->nodes[0] = &s->n;
	s->nodes[1] = NULL;
	s->peer = script_connect(&s->n, true);
	script_send(s->peer, AB);
	script_send(s->peer, AUTH(A_IN_BASE64));
	script_send(s->peer, AB);
	assert_has(script_look(s->peer), "<success");
}

static void close_stream(struct scene *s)
{
	node_done(&s->n);
	world_done(&s->w);
}

static void say(struct scene *s, const char *element, const char *to, const char *rest)
{
	char text[4096];

	snprintf(text, sizeof(text), "<%s from='u@a.example' to='%s'%s</%s>", element, to, rest,
		element);
	script_send(s->peer, text);
}

/* s2s H6: stanzas over the rate wait; nothing is lost or refused, and the order stays. */
static void stanzas_are_slowed_down(void **state)
{
	struct s2s_settings set = s2s_settings_default;
	struct scene s;
	char body[64];

	set.traffic.stanzas = (struct rate_limit){ .amount = 10, .burst = 20, .period_ms = 1000 };
	open_stream(&s, &set);
	for (int i = 0; i < 50; i++) {
		snprintf(body, sizeof(body), "><body>m%d</body>", i);
		say(&s, "message", "v@b.example", body);
	}
	assert_int_equal(s.n.received, 21);
	assert_true(s.peer->other->paused);
	assert_has(node_log(&s.n), "stream-slowed");
	world_wait(&s.w, s.nodes, 1000);
	assert_in_range(s.n.received, 30, 32);
	world_wait(&s.w, s.nodes, 2000);
	assert_int_equal(s.n.received, 50);
	assert_false(s.peer->other->paused);
	const char *all = node_stanzas(&s.n);
	for (int i = 0; i < 50; i++) {
		snprintf(body, sizeof(body), " m%d [", i);
		all = strstr(all, body);
		assert_non_null(all);
	}
	/* It was said once. */
	const char *told = strstr(node_log(&s.n), "stream-slowed");
	assert_null(strstr(told + 1, "stream-slowed"));
	close_stream(&s);
}

/* s2s H6: bytes likewise; what stands between stanzas counts as well. */
static void bytes_are_slowed_down(void **state)
{
	struct s2s_settings set = s2s_settings_default;
	struct scene s;
	char spaces[1001];

	set.traffic.bytes = (struct rate_limit){ .amount = 1000, .burst = 5000, .period_ms = 1000 };
	open_stream(&s, &set);
	memset(spaces, ' ', 1000);
	spaces[1000] = '\0';
	for (int i = 0; i < 10; i++) {
		script_send(s.peer, spaces);
		say(&s, "message", "v@b.example", "><body>x</body>");
	}
	assert_in_range(s.n.received, 4, 5);
	world_wait(&s.w, s.nodes, 7000);
	assert_int_equal(s.n.received, 10);
	close_stream(&s);
}

/* Of another pair on another stream nothing is slowed down. */
static void others_go_on(void **state)
{
	struct s2s_settings set = s2s_settings_default;
	struct scene s;

	set.traffic.stanzas = (struct rate_limit){ .amount = 1, .burst = 1, .period_ms = 1000 };
	open_stream(&s, &set);
	for (int i = 0; i < 10; i++)
		say(&s, "message", "v@b.example", ">");
	assert_int_equal(s.n.received, 2);
	struct wire *other = script_connect(&s.n, true);
	script_send(other, HEAD("a2.example", "b.example"));
	script_send(other, AUTH("YTIuZXhhbXBsZQ=="));
	script_send(other, HEAD("a2.example", "b.example"));
	script_send(other, "<message from='u@a2.example' to='v@b.example'/>");
	assert_int_equal(s.n.received, 3);
	close_stream(&s);
}

/* A slow stream that ends takes what it sent with it in order, and its deadline still holds. */
static void slow_stream_ends(void **state)
{
	struct s2s_settings set = s2s_settings_default;
	struct scene s;

	set.traffic.stanzas = (struct rate_limit){ .amount = 1, .burst = 1, .period_ms = 1000 };
	open_stream(&s, &set);
	for (int i = 0; i < 4; i++)
		say(&s, "message", "v@b.example", ">");
	script_send(s.peer, "</stream:stream>");
	assert_int_equal(s.n.received, 2);
	world_wait(&s.w, s.nodes, 10000);
	assert_int_equal(s.n.received, 4);
	assert_has(script_look(s.peer), "</stream:stream>");
	close_stream(&s);
	/* The same when the transport is lost meanwhile. */
	open_stream(&s, &set);
	for (int i = 0; i < 4; i++)
		say(&s, "message", "v@b.example", ">");
	script_hang_up(s.peer);
	world_wait(&s.w, s.nodes, 10000);
	close_stream(&s);
}

/* threats K1: a dictionary of names. */
static void recipients(void **state)
{
	struct s2s_settings set = s2s_settings_default;
	struct scene s;
	char to[64];

	set.traffic.recipients = 100;
	open_stream(&s, &set);
	for (int i = 0; i < 200; i++) {
		snprintf(to, sizeof(to), "user%d@b.example/r", i);
		say(&s, "message", to, ">");
	}
	assert_int_equal(s.n.received, 200);
	assert_in_range(s.n.excess[S2S_EXCESS_RECIPIENTS], 50, 100);
	/* Those that are known go on, with any resource; a minute later all do. */
	unsigned before = s.n.excess[S2S_EXCESS_RECIPIENTS];
	for (int i = 0; i < 50; i++)
		say(&s, "message", i % 2 ? "user3@b.example/other" : "user4@b.example", ">");
	assert_int_equal(s.n.excess[S2S_EXCESS_RECIPIENTS], before);
	world_wait(&s.w, s.nodes, 60000);
	say(&s, "message", "user199@b.example", ">");
	say(&s, "message", "new@b.example", ">");
	assert_int_equal(s.n.excess[S2S_EXCESS_RECIPIENTS], before);
	close_stream(&s);
}

struct kind {
	const char *name;
	const char *element;
	const char *rest;
	enum s2s_excess excess; /* what it counts for */
};

static const struct kind kinds[] = {
	{ "threats G8 subscription", "presence", " type='subscribe'>", S2S_EXCESS_REQUESTS },
	{ "threats G8 mediated invitation", "message",
		"><x xmlns='http://jabber.org/protocol/muc#user'><invite to='v@b.example'/></x>",
		S2S_EXCESS_REQUESTS },
	{ "threats G8 direct invitation", "message",
		"><x xmlns='jabber:x:conference' jid='r@a.example'/>", S2S_EXCESS_REQUESTS },
	{ "threats G8 join", "presence", "><x xmlns='http://jabber.org/protocol/muc'/>",
		S2S_EXCESS_JOINS },
	{ "presence", "presence", ">", S2S_EXCESS_NONE },
	{ "unavailable from a room", "presence",
		" type='unavailable'><x xmlns='http://jabber.org/protocol/muc'/>",
		S2S_EXCESS_NONE },
	{ "occupant of a room", "presence", "><x xmlns='http://jabber.org/protocol/muc#user'/>",
		S2S_EXCESS_NONE },
	{ "subscribed", "presence", " type='subscribed'>", S2S_EXCESS_NONE },
	{ "message", "message", "><body>x</body>", S2S_EXCESS_NONE },
	{ "iq of type subscribe", "iq", " type='subscribe' id='1'>", S2S_EXCESS_NONE },
};

static void run_kind(const struct kind *k)
{
	struct s2s_settings set = s2s_settings_default;
	struct scene s;

	name_row(k->name);
	set.traffic.requests = (struct rate_limit){ .amount = 6, .burst = 10, .period_ms = 60000 };
	set.traffic.joins = (struct rate_limit){ .amount = 12, .burst = 15, .period_ms = 60000 };
	open_stream(&s, &set);
	for (int i = 0; i < 30; i++)
		say(&s, k->element, "v@b.example", k->rest);
	unsigned passed = k->excess == S2S_EXCESS_REQUESTS ? 10
		: k->excess == S2S_EXCESS_JOINS            ? 15
							   : 30;
	if (s.n.received != 30 || s.n.excess[S2S_EXCESS_NONE] != passed ||
		s.n.excess[k->excess] != (passed == 30 ? 30 : 30 - passed))
		fail_msg("%s: %u passed", k->name, s.n.excess[S2S_EXCESS_NONE]);
	/* The other kinds are counted apart. */
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].excess == k->excess)
			continue;
		say(&s, kinds[i].element, "v@b.example", kinds[i].rest);
		passed++;
	}
	if (s.n.excess[S2S_EXCESS_NONE] != passed)
		fail_msg("%s: others do not pass", k->name);
	world_wait(&s.w, s.nodes, 10000);
	say(&s, k->element, "v@b.example", k->rest);
	if (s.n.excess[S2S_EXCESS_NONE] != passed + 1)
		fail_msg("%s: not after ten seconds", k->name);
	close_stream(&s);
}

static void requests_and_joins(void **state)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		run_kind(&kinds[i]);
}

/* threats G4: a sender that tries one domain after the other. */
static void new_destinations(void **state)
{
	struct world w;
	struct node n;
	char them[64];
	unsigned sent = 0;

	world_init(&w, false);
	w.settings.destinations =
		(struct rate_limit){ .amount = 5, .burst = 50, .period_ms = 1000 };
	node_init(&n, &w, "b.example b2.example");
	n.refuse_connect = true;
	for (int i = 0; i < 10000; i++) {
		snprintf(them, sizeof(them), "d%d.example", i);
		sent += node_send(&n, "b.example", them, "x", 1, 1);
	}
	assert_int_equal(sent, 50);
	assert_int_equal(n.connects, 50);
	/* Another sender is not concerned, and time gives more. */
	assert_true(node_send(&n, "b2.example", "e.example", "x", 1, 1));
	w.now += 1000;
	sent = 0;
	for (int i = 0; i < 100; i++) {
		snprintf(them, sizeof(them), "f%d.example", i);
		sent += node_send(&n, "b.example", them, "x", 1, 1);
	}
	assert_int_equal(sent, 5);
	node_done(&n);
	world_done(&w);
}

/* threats G15: who is gone is not dialled again and again; the retry delay answers meanwhile. */
static void gone_destination(void **state)
{
	struct world w;
	struct node n, *nodes[] = { &n, NULL };

	world_init(&w, false);
	node_init(&n, &w, "b.example");
	n.refuse_connect = true;
	for (int second = 0; second < 3600; second++) {
		node_send(&n, "b.example", "gone.example", "x", 1, (uint64_t)second);
		world_wait(&w, nodes, 1000);
	}
	/* 1, 2, 4, ... 64 seconds, then every two minutes at most. */
	assert_in_range(n.connects, 20, 90);
	node_done(&n);
	world_done(&w);
}

/* s2s G14: many streams that all ask about one domain, and many domains in all. */
static void open_verifications(void **state)
{
	struct world w;
	struct node n;
	struct wire *peers[40];
	char text[200];

	world_init(&w, false);
	w.settings.verifies_per_pair = 10;
	w.settings.verifies_max = 25;
	node_init(&n, &w, "b.example");
	n.hold_connect = true;
	for (int i = 0; i < 40; i++) {
		peers[i] = script_connect(&n, true);
		script_send(peers[i], AB);
		snprintf(text, sizeof(text),
			"<db:result from='%s%d.example' to='b.example'>00</db:result>",
			i < 20 ? "victim" : "d", i < 20 ? 0 : i);
		script_send(peers[i], text);
	}
	assert_lacks(script_look(peers[9]), "resource-constraint");
	assert_has(script_look(peers[10]), "resource-constraint");
	assert_lacks(script_look(peers[30]), "resource-constraint");
	assert_has(script_look(peers[39]), "resource-constraint");
	assert_int_equal(n.connects, 1 + 15);
	node_done(&n);
	world_done(&w);
}

/* Many streams with half a stanza each, the i-th of sizes[i] bytes; a small one reads on. */
static void hold_half(struct node *n, struct wire **peers, const size_t *sizes, size_t count)
{
	static char body[256 * 1024];

	memset(body, 'x', sizeof(body));
	for (size_t i = 0; i < count; i++) {
		peers[i] = script_connect(n, true);
		script_send(peers[i], AB);
		script_send(peers[i], AUTH(A_IN_BASE64));
		script_send(peers[i], AB);
		script_send(peers[i], "<message from='u@a.example' to='v@b.example'><body>");
		body[sizes[i]] = '\0';
		script_send(peers[i], body);
		body[sizes[i]] = 'x';
	}
}

/* threats H14: the biggest end first, and only as many as it takes; what they held is free at once. */
static void biggest_end_first(void **state)
{
	static const size_t sizes[] = { 1000, 150000, 100000, 200000, 1000, 200000 };
	struct world w;
	struct node n, *nodes[] = { &n, NULL };
	struct wire *peers[6];

	world_init(&w, false);
	node_init(&n, &w, "b.example");
	n.trusted = "a.example";
	hold_half(&n, peers, sizes, 6);
	size_t before = memory_held();
	size_t freed = s2s_relieve(n.face, 300000, w.now);
	world_run(&w);
	assert_true(freed >= 300000 && memory_held() <= before - 300000);
	assert_has(script_look(peers[5]), ERR("resource-constraint"));
	assert_has(script_look(peers[3]), ERR("resource-constraint"));
	assert_lacks(script_look(peers[1]), "resource-constraint");
	/* All that are fat, and never the others. */
	s2s_relieve(n.face, SIZE_MAX, w.now);
	world_run(&w);
	assert_has(script_look(peers[1]), ERR("resource-constraint"));
	assert_has(script_look(peers[2]), ERR("resource-constraint"));
	assert_int_equal(s2s_relieve(n.face, SIZE_MAX, w.now), 0);
	for (int i = 0; i <= 4; i += 4)
		script_send(peers[i], "</body></message>");
	assert_int_equal(n.received, 2);
	/* What the others still say does not matter any more. */
	script_send(peers[5], "</body></message></stream:stream>");
	world_wait(&w, nodes, 10000);
	assert_int_equal(n.received, 2);
	assert_true(peers[5]->other->dead && peers[3]->other->dead && !peers[0]->other->dead);
	node_done(&n);
	world_done(&w);
}

/* threats H14: a long queue takes nothing more while memory is short; a short one does. */
static void long_queues_do_not_grow(void **state)
{
	struct world w;
	struct node n;
	char body[2001];
	unsigned queued = 0, owed = 0;

	world_init(&w, false);
	node_init(&n, &w, "b.example");
	n.hold_connect = true;
	memset(body, 'x', 2000);
	body[2000] = '\0';
	for (int i = 0; i < 200; i++)
		assert_true(node_send(&n, "b.example", "a.example", body, 1, (uint64_t)i));
	s2s_set_short(n.face, true);
	assert_false(node_send(&n, "b.example", "a.example", body, 1, 200));
	assert_false(node_send(&n, "b.example", "a.example", body, 0, 0));
	/* Errors that are owed, but not as many as memory would otherwise allow. */
	while (node_send(&n, "b.example", "a.example", body, 0, 1))
		owed++;
	assert_in_range(owed, 40, 70);
	for (int i = 0; i < 20; i++)
		queued += node_send(&n, "b.example", "c.example", body, 2, (uint64_t)i);
	assert_in_range(queued, 5, 10);
	s2s_set_short(n.face, false);
	assert_true(node_send(&n, "b.example", "a.example", body, 1, 201));
	node_done(&n);
	world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "s2s H6 stanzas of a pair", stanzas_are_slowed_down, NULL, NULL, NULL },
		{ "s2s H6 bytes of a pair", bytes_are_slowed_down, NULL, NULL, NULL },
		{ "s2s H6 other pairs go on", others_go_on, NULL, NULL, NULL },
		{ "a slow stream ends", slow_stream_ends, NULL, NULL, NULL },
		{ "threats K1, s2s H6 recipients of a pair", recipients, NULL, NULL, NULL },
		{ "threats G8 requests and joins", requests_and_joins, NULL, NULL, NULL },
		{ "threats G4 new destinations", new_destinations, NULL, NULL, NULL },
		{ "threats G15 a destination that is gone", gone_destination, NULL, NULL, NULL },
		{ "threats H14 the biggest end first", biggest_end_first, NULL, NULL, NULL },
		{ "threats H14 long queues", long_queues_do_not_grow, NULL, NULL, NULL },
		{ "s2s G14 open verifications", open_verifications, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("traffic", tests, NULL, NULL);
}
