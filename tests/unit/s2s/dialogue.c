/* SPDX-License-Identifier: Apache-2.0 */
#include "dialogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "rows.h"

enum { WIRES_MAX = 10, BIG = 10000 };

struct play {
	struct world world;
	struct node node;
	struct node *nodes[2];
	struct wire *wires[WIRES_MAX];
	char ids[WIRES_MAX][64];
	char key[65];
	char ping[64];
	int n_wires;
	int at;
	char *heard; /* since the last > */
};

static void configure(struct node *n, const char *words)
{
	if (strstr(words, "by-component")) {
		n->component = "a.example a2.example";
		n->no_tls = true;
	}
	if (strstr(words, "proved"))
		n->trusted = "a.example";
	if (strstr(words, "covers-a2"))
		n->trusted = "a.example a2.example";
	if (strstr(words, "untrusted"))
		n->trusted = "";
	if (strstr(words, "no-tls"))
		n->no_tls = true;
	if (strstr(words, "need-tls"))
		n->no_tls = false;
	if (strstr(words, "no-pkix"))
		n->no_pkix = true;
	if (strstr(words, "no-dialback"))
		n->no_dialback = true;
	if (strstr(words, "refuse-a2"))
		n->bad_pairs = "b.example>a2.example";
	else if (strstr(words, "refuse-a"))
		n->bad_pairs = "b.example>a.example b2.example>a.example";
	if (strstr(words, "direct"))
		n->direct_tls = true;
	if (strstr(words, "later"))
		n->later = true;
	if (strstr(words, "known"))
		n->later = false;
	if (strstr(words, "denied-a2"))
		n->denied = "a2.example";
	else if (strstr(words, "denied"))
		n->denied = "a.example";
	if (strstr(words, "one-question"))
		n->asks_most = 1;
	if (strstr(words, "two-answers"))
		n->answers_most = 2;
	if (strstr(words, "by-dane"))
		n->proof = S2S_PROOF_DANE;
	if (strstr(words, "one-room"))
		n->room = 1;
	if (strstr(words, "no-thread"))
		n->tls_waits = 1;
	if (strstr(words, "fenced"))
		n->fenced = true;
	if (strstr(words, "bidi"))
		n->bidi = true;
	if (strstr(words, "share"))
		n->share = true;
	if (strstr(words, "elsewhere"))
		n->redirect = true;
	if (strstr(words, "no-creds"))
		n->no_creds = true;
	if (strstr(words, "bounce"))
		n->bounce = true;
	if (strstr(words, "hold"))
		n->hold_receipts = true;
	if (strstr(words, "by-a-alone"))
		n->component = "a.example";
	if (strstr(words, "b2-with-tls"))
		n->component_b2 = true;
	if (strstr(words, "by-s2s"))
		n->component = NULL;
	if (strstr(words, "listens"))
		n->refuse_connect = false;
	if (strstr(words, "small")) {
		struct s2s_settings set = n->world->settings;
		set.limits = xml_limits_default;
		set.limits.bytes = 5000;
		s2s_set_settings(n->face, &set);
	}
	if (strstr(words, "unmanaged")) {
		struct s2s_settings set = n->world->settings;
		set.manage_in = set.manage_out = false;
		s2s_set_settings(n->face, &set);
	}
}

static void learn(struct play *p, const char *text)
{
	const char *id = strstr(text, " id=\""), *key = strstr(text, "<db:result");
	const char *ping = strstr(text, " id=\"idle-");

	if (id && strlen(id) > 38 && id[37] == '"')
		snprintf(p->ids[p->at], sizeof(p->ids[0]), "%.32s", id + 5);
	if (ping)
		snprintf(p->ping, sizeof(p->ping), "%.37s", ping + 5);
	if (key && (key = strchr(key, '>')) && strspn(key + 1, "0123456789abcdef") == 64)
		snprintf(p->key, sizeof(p->key), "%.64s", key + 1);
}

static void listen_to(struct play *p)
{
	const char *news = p->n_wires ? script_look(p->wires[p->at]) : "";
	size_t old = strlen(p->heard);

	learn(p, news);
	p->heard = realloc(p->heard, old + strlen(news) + 1);
	check(p->heard);
	strcpy(p->heard + old, news);
}

/* Puts in what the dollar words stand for. */
static void expand(const struct play *p, const char *text, struct buf *ret)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	for (const char *c = text; *c;) {
		if (strncmp(c, "$ID", 3) == 0) {
			buf_append_c(&b, p->ids[c[3] - '0']);
			c += 4;
		} else if (strncmp(c, "$KEY", 4) == 0) {
			buf_append_c(&b, p->key);
			c += 4;
		} else if (strncmp(c, "$PING", 5) == 0) {
			buf_append_c(&b, p->ping);
			c += 5;
		} else if (strncmp(c, "$BIG", 4) == 0) {
			for (int i = 0; i < BIG; i++)
				buf_append_c(&b, "x");
			c += 4;
		} else {
			buf_append(&b, str_from(c++, 1));
		}
	}
	buf_append(&b, str_from("", 1));
	*ret = b;
}

static void say(struct play *p, const char *text)
{
	struct buf b;

	listen_to(p);
	expand(p, text, &b);
	p->heard[0] = '\0';
	script_send(p->wires[p->at], buf_bytes(&b).p);
	buf_done(&b);
}

static void add_wire(struct play *p, struct wire *w)
{
	check(p->n_wires < WIRES_MAX);
	p->at = p->n_wires++;
	p->wires[p->at] = w;
	p->heard[0] = '\0';
}

static void expect_number(unsigned is, const char *wanted)
{
	assert_int_equal(is, strtoul(wanted, NULL, 10));
}

static void wait_ms(struct play *p, unsigned long ms)
{
	world_wait(&p->world, p->nodes, ms);
}

static void expect_closed(struct play *p)
{
	wait_ms(p, 5000);
	assert_true(p->wires[p->at]->other->dead);
}

static void step_text(struct play *p, char op, const char *pattern)
{
	struct buf b;

	expand(p, pattern, &b);
	listen_to(p);
	const char *text = buf_bytes(&b).p;
	switch (op) {
	case '<':
		assert_has(p->heard, text);
		break;
	case '!':
		assert_lacks(p->heard, text);
		break;
	case 'L':
		assert_has(node_log(&p->node), text);
		break;
	case 'l':
		assert_lacks(node_log(&p->node), text);
		break;
	case 'S':
		assert_has(node_stanzas(&p->node), text);
		break;
	default:
		assert_lacks(node_stanzas(&p->node), text);
	}
	buf_done(&b);
}

static void step_number(struct play *p, char op, const char *text)
{
	const struct node *n = &p->node;
	unsigned is = op == 'U' ? n->unsent
		: op == 'V'     ? n->sent
		: op == 'P'     ? n->named
		: op == 'K'     ? n->connects
		: op == '?'     ? n->asked
				: p->wires[p->at]->other->writes;

	expect_number(is, text);
}

static void step_wire(struct play *p, char op, const char *text)
{
	switch (op) {
	case 'T':
		script_tls(p->wires[p->at]);
		break;
	case 'C':
		expect_closed(p);
		break;
	case 'O':
		assert_false(p->wires[p->at]->other->dead || p->wires[p->at]->other->closing);
		break;
	case 'N':
		add_wire(p, script_connect(&p->node, *text == 'D'));
		break;
	case '=':
		assert_true(script_share(&p->node, p->wires[p->at]));
		break;
	case '#':
		assert_false(script_share(&p->node, p->wires[p->at]));
		break;
	case 'E':
		assert_true(str_is(p->wires[p->at]->other->sni, text));
		break;
	case 'A':
		add_wire(p, script_accept(&p->node));
		break;
	case 'X':
		p->node.refuse_connect = true;
		wait_ms(p, 0);
		break;
	case '@':
		p->at = *text - '0';
		p->heard[0] = '\0';
		break;
	default:
		script_hang_up(p->wires[p->at]);
	}
}

static void give(struct play *p, const char *them, const char *text, bool taken)
{
	struct node *n = &p->node;
	struct buf b;

	expand(p, text, &b);
	bool ok = node_send(n, "b.example", them, buf_bytes(&b).p, 1, n->sent + 1);
	if (!taken)
		assert_false(ok);
	buf_done(&b);
}

static void step_node(struct play *p, char op, const char *text)
{
	struct node *n = &p->node;

	if (op == 'W')
		wait_ms(p, strtoul(text, NULL, 10));
	else if (op == 'M' || op == 'm')
		give(p, "a.example", text, op == 'M');
	else if (op == 'F')
		give(p, "a2.example", text, true);
	else if (op == 'G')
		configure(n, text);
	else if (op == 'Y')
		s2s_resume(n->face, STRL("b.example"), STRL("a.example"), p->world.now);
	else if (op == 'D')
		s2s_handled(n->face, n->receipts[*text - '0']);
	else if (op == 'I')
		s2s_drain(n->face, p->world.now);
	else if (op == 'R')
		s2s_rejudge(n->face, p->world.now);
	else if (op == 'k')
		s2s_keep(n->face, STRL("b.example"), STRL("a.example"), p->world.now);
	else if (op == 'Q')
		s2s_proved(p->wires[p->at]->other->stream, p->world.now);
	else if (op == '(' || op == ')')
		p->wires[p->at]->other->stuck = op == '(';
	else if (op == 'J')
		s2s_judge_again(p->wires[p->at]->other->stream, p->world.now);
	else
		s2s_shutdown(n->face, p->world.now);
	world_run(&p->world);
}

static void step(struct play *p, const char *s)
{
	if (*s == '>')
		say(p, s + 1);
	else if (strchr("<!LlSs", *s))
		step_text(p, *s, s + 1);
	else if (strchr("UVPKB?", *s))
		step_number(p, *s, s + 1);
	else if (strchr("WMmFGDIRYZQJk()", *s))
		step_node(p, *s, s + 1);
	else
		step_wire(p, *s, s + 1);
}

static void play(const struct dialogue *d, bool byte_by_byte)
{
	struct play p = { 0 };

	name_row(d->id);
	world_init(&p.world, byte_by_byte);
	node_init(&p.node, &p.world, "b.example b2.example");
	configure(&p.node, d->config);
	p.nodes[0] = &p.node;
	p.heard = calloc(1, 1);
	for (size_t i = 0; i < STEPS_MAX && d->steps[i]; i++)
		step(&p, d->steps[i]);
	free(p.heard);
	node_done(&p.node);
	world_done(&p.world);
}

void dialogues_run(const struct dialogue *d, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		play(&d[i], false);
		play(&d[i], true);
	}
}
