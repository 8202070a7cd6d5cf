/* SPDX-License-Identifier: Apache-2.0 */
/* Spaces behind long stanzas: how many, that they are enough for expat, and when they are sent. */
#include <expat.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dialogue.h"
#include "s2s/flush.h"

enum { MOST = 200000 };

/* <message a="xxx"><body>yyy</body></message> */
static struct str make(char *to, int attribute, int body)
{
	int n = snprintf(
		to, MOST, "<message a=\"%0*d\"><body>%0*d</body></message>", attribute, 0, body, 0);

	assert_true(n > 0 && n < MOST);
	return str_from(to, (size_t)n);
}

static const struct sizes {
	int attribute, body;
	size_t need;
} sizes[] = {
	{ 100, 100, 8 }, /* the last end tag counts */
	{ 100, 1, 2 * 113 - 114 - 24 }, /* the start tag */
	{ 1000, 100, 2 * 1013 - 1014 - 123 }, /* the start tag counts */
	{ 4000, 1, 2 * 4013 - 4014 - 24 },
	{ 16000, 20, 2 * 16013 - 16014 - 43 },
	{ 1, 1000, 2 * 9 - 10 }, /* the last end tag counts */
	{ 100000, 1, FLUSH_MOST },
};

static void test_need(void **state)
{
	static char text[MOST];

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct str xml = make(text, sizes[i].attribute, sizes[i].body);
		assert_int_equal(flush_need(xml), sizes[i].need);
	}
	memset(text, '<', 1000);
	assert_int_equal(flush_need(str_from(text, 1000)), 0);
	assert_int_equal(flush_need(STRL("")), 0);
}

static void on_end(void *user, const XML_Char *name)
{
	int *ended = user;

	if (strcmp(name, "message") == 0)
		++*ended;
}

/*
 * How many of the ways to cut xml leave a parser without all of its messages. It is cut in two,
 * and in three with one byte in the middle: a parser begins to wait after a read that ended no
 * token.
 */
static unsigned stalls_of(struct str xml, size_t spaces, int messages)
{
	static char blank[FLUSH_MOST];
	unsigned n = 0;

	memset(blank, ' ', sizeof(blank));
	for (size_t at = 2; at < 2 * xml.len; at++) {
		size_t cut = at / 2, middle = at % 2 && cut + 1 < xml.len;
		int ended = 0;
		XML_Parser p = XML_ParserCreate(NULL);
		XML_SetUserData(p, &ended);
		XML_SetEndElementHandler(p, on_end);
		assert_int_equal(XML_Parse(p, "<s>", 3, 0), XML_STATUS_OK);
		assert_int_equal(XML_Parse(p, xml.p, (int)cut, 0), XML_STATUS_OK);
		assert_int_equal(XML_Parse(p, xml.p + cut, (int)middle, 0), XML_STATUS_OK);
		cut += middle;
		assert_int_equal(XML_Parse(p, xml.p + cut, (int)(xml.len - cut), 0), XML_STATUS_OK);
		if (spaces)
			assert_int_equal(XML_Parse(p, blank, (int)spaces, 0), XML_STATUS_OK);
		n += ended < messages;
		XML_ParserFree(p);
	}
	return n;
}

static unsigned stalls(struct str xml, size_t spaces)
{
	return stalls_of(xml, spaces, 1);
}

static void test_expat_s2s_B18(void **state)
{
	static char text[MOST];
	static const int tags[] = { 600, 1000, 4000 };

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		struct str xml = make(text, tags[i], 2);
		size_t need = flush_need(xml);
		assert_int_equal(stalls(xml, need), 0);
#ifdef EXPAT_CAN_DEFER
		assert_true(stalls(xml, 0) > 0);
#endif
	}
	struct str xml = make(text, 1, 700);
	assert_int_equal(stalls(xml, flush_need(xml)), 0);
}

/* A stanza with this body, when the stream is ready already or not, and what follows it. */
static size_t spaces_sent(bool flush, bool ready, size_t body_len)
{
	struct world w;
	struct node n;
	static char body[4096];

	world_init(&w, false);
	w.settings.flush = flush;
	node_init(&n, &w, "b.example");
	n.direct_tls = true;
	n.trusted = "a.example";
	memset(body, 'x', body_len);
	body[body_len] = 0;
	if (ready)
		node_send(&n, "b.example", "a.example", "first", 0, 0);
	else
		node_send(&n, "b.example", "a.example", body, 7, 1);
	struct wire *peer = script_accept(&n);
	script_send(peer, ANSWER("i") FEATURES(OFFER_SASL) "<success" SASL "/>");
	script_look(peer);
	script_send(peer, ANSWER("j") FEATURES(""));
	if (ready) {
		script_look(peer);
		node_send(&n, "b.example", "a.example", body, 7, 1);
	}
	const char *end = strstr(script_look(peer), "</message>");
	assert_non_null(end);
	size_t spaces = strspn(end + 10, " ");
	assert_int_equal(end[10 + spaces], 0);
	assert_int_equal(n.last_sent.seq, 1);
	node_done(&n);
	world_done(&w);
	return spaces;
}

static void test_sent_s2s_B18(void **state)
{
	for (int ready = 0; ready < 2; ready++) {
		assert_int_equal(spaces_sent(true, ready, 3000), 8);
		assert_int_equal(spaces_sent(false, ready, 3000), 0);
		assert_int_equal(spaces_sent(true, ready, 10), 0);
	}
}

/* What follows n short stanzas that leave in one turn; *ret_text is what the peer got, from the first of them on. */
static size_t spaces_behind_many(bool flush, unsigned n_stanzas, uint64_t silence, char *ret_text)
{
	struct world w;
	struct node n;
	size_t spaces = 0;

	world_init(&w, false);
	w.settings.flush = flush;
	node_init(&n, &w, "b.example");
	n.direct_tls = true;
	n.trusted = "a.example";
	node_send(&n, "b.example", "a.example", "first", 0, 0);
	struct wire *peer = script_accept(&n);
	script_send(peer, ANSWER("i") FEATURES(OFFER_SASL) "<success" SASL "/>");
	script_look(peer);
	script_send(peer, ANSWER("j") FEATURES(""));
	script_look(peer);
	ret_text[0] = 0;
	for (unsigned i = 0; i < n_stanzas; i++) {
		node_send(&n, "b.example", "a.example", "a short text as people write them", 7,
			i + 1);
		if (silence) {
			strcat(ret_text, script_look(peer));
			w.now += silence;
		}
	}
	strcat(ret_text, script_look(peer));
	for (size_t len = strlen(ret_text); spaces < len && ret_text[len - 1 - spaces] == ' ';)
		spaces++;
	node_done(&n);
	world_done(&w);
	return spaces;
}

/* Short stanzas at the end of many: a read may end in the last of them. */
static void test_many_s2s_B18(void **state)
{
	static char text[MOST];

	(void)state;
	size_t spaces = spaces_behind_many(true, 20, 0, text);
	assert_in_range(spaces, 8, 100);
	assert_int_equal(stalls_of(str_of(text), 0, 20), 0);
	assert_int_equal(spaces_behind_many(false, 20, 0, text), 0);
#ifdef EXPAT_CAN_DEFER
	assert_true(stalls_of(str_of(text), 0, 20) > 0);
#endif
	/* One alone arrives whole, also again and again after a while. */
	assert_int_equal(spaces_behind_many(true, 1, 0, text), 0);
	assert_int_equal(spaces_behind_many(true, 10, FLUSH_SILENCE_MS + 1, text), 0);
	/* One after the other may wait together in the server's socket. */
	assert_true(spaces_behind_many(true, 10, 1, text) > 0);
	assert_int_equal(stalls_of(str_of(text), 0, 10), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_need),
		{ "s2s B18 spaces are enough for a parser that waits", test_expat_s2s_B18, NULL,
			NULL, NULL },
		{ "s2s B18 short stanzas in one go do not wait in a parser", test_many_s2s_B18,
			NULL, NULL, NULL },
		{ "s2s B18 spaces follow a long stanza when that is set", test_sent_s2s_B18, NULL,
			NULL, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
