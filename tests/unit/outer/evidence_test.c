/* SPDX-License-Identifier: Apache-2.0 */
/* How long an answer of DNS or the web is judged by, when there is a next one and when nobody may ask for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/dane.h"
#include "node/gate.h"
#include "node/transport.h"
#include "outer/evidence.h"
#include "rows.h"

enum { HELD_MAX = 300, HOUR_S = 3600, BRIDGE_MS = 60000 };

/* --- what evidence stands on --- */

struct net_dane_lookup {
	struct str domain;
	void (*done)(void *user, struct net_dane *d);
	void *user;
};

struct net_posh_fetch {
	void (*done)(void *user, const char *error, const struct net_posh_doc *doc);
	void *user;
};

static uint64_t now;
static void *waiter;
static unsigned told;
static struct net_dane_lookup *lookups[HELD_MAX];
static unsigned n_lookups;
static struct net_posh_fetch *fetch;

uint64_t net_now(const struct net_loop *loop)
{
	return now;
}

struct net_dane_lookup *net_dane_resolve(struct net_resolver *r, struct str ascii_domain,
	unsigned timeout_ms, void (*done)(void *user, struct net_dane *d), void *user)
{
	struct net_dane_lookup *l = calloc(1, sizeof(*l));

	assert_true(n_lookups < HELD_MAX);
	*l = (struct net_dane_lookup){ str_dup(ascii_domain), done, user };
	lookups[n_lookups++] = l;
	return l;
}

static void end_lookup(struct net_dane_lookup *l)
{
	for (unsigned i = 0; i < n_lookups; i++) {
		if (lookups[i] == l) {
			lookups[i] = lookups[--n_lookups];
			break;
		}
	}
	str_free(&l->domain);
	free(l);
}

void net_dane_cancel(struct net_dane_lookup *l)
{
	if (l)
		end_lookup(l);
}

void net_dane_free(struct net_dane *d)
{
	free(d);
}

enum net_dane_said net_conn_dane(const struct net_conn *c, const struct net_tls *tls,
	const struct net_dane *d, struct str ascii_domain, struct str host, uint16_t port,
	const char **ret_why)
{
	return NET_DANE_YES;
}

struct net_posh_fetch *net_posh_fetch(struct net_resolver *r,
	const struct net_posh_settings *settings, struct str ascii_domain,
	void (*done)(void *user, const char *error, const struct net_posh_doc *doc), void *user)
{
	assert_null(fetch);
	fetch = calloc(1, sizeof(*fetch));
	*fetch = (struct net_posh_fetch){ done, user };
	return fetch;
}

void net_posh_cancel(struct net_posh_fetch *f)
{
	if (f)
		fetch = NULL;
	free(f);
}

bool net_conn_posh(const struct net_conn *c, const struct net_posh_doc *doc)
{
	return true;
}

const struct net_addr *net_conn_peer_addr(const struct net_conn *c)
{
	static struct net_addr address;

	assert_true(net_addr_parse(STRL("192.0.2.1:5269"), &address));
	return &address;
}

void *net_conn_pass(const struct net_conn *c)
{
	return NULL;
}

/* A context is only counted. */
struct net_tls *net_tls_ref(struct net_tls *t)
{
	return t;
}

void net_tls_unref(struct net_tls *t)
{
}

bool gate_is_known(const struct gate_pass *p)
{
	return false;
}

bool gate_knows_domain(const struct gate *g, struct str domain)
{
	return false;
}

bool gate_may_dial(struct gate *g, const struct net_addr *to, struct str domain, uint64_t at)
{
	return true;
}

struct net_conn *transport_conn(const struct transport *t)
{
	return NULL;
}

const struct node_target *transport_target(const struct transport *t)
{
	return NULL;
}

void **transport_evidence(struct transport *t)
{
	return &waiter;
}

void transport_proved(struct transport *t)
{
	told++;
}

/* --- asking --- */

struct bench {
	struct node node;
	struct evidence *evidence;
};

static struct net_tls *https(void)
{
	static char context;

	return (struct net_tls *)(void *)&context;
}

static void begin(struct bench *b)
{
	memset(b, 0, sizeof(*b));
	now = 1000000;
	told = 0;
	b->evidence = evidence_new(&b->node, NULL, https());
}

static void end(struct bench *b)
{
	evidence_free(b->evidence);
	assert_int_equal(n_lookups, 0);
	assert_null(waiter);
}

static enum proof_said ask(struct bench *b, const char *them, enum policy_proof proof)
{
	struct proof_table table = { 0 };

	evidence_ask(b->evidence, NULL, STRL("us.example"), str_of(them),
		proof == POLICY_PROOF_DANE ? CONFIG_DANE : CONFIG_POSH, &table);
	return table.by[proof].said;
}

static void answer_dane(const char *them)
{
	struct net_dane *d = calloc(1, sizeof(*d));

	d->ttl_s = HOUR_S;
	for (unsigned i = 0; i < n_lookups; i++) {
		struct net_dane_lookup *l = lookups[i];
		if (!str_is(l->domain, them))
			continue;
		l->done(l->user, d);
		end_lookup(l);
		return;
	}
	fail_msg("nobody asked for %s", them);
}

static void answer_posh(void)
{
	const struct net_posh_doc doc = { .expires_s = HOUR_S };
	struct net_posh_fetch *f = fetch;

	assert_non_null(f);
	fetch = NULL;
	f->done(f->user, NULL, &doc);
	free(f);
}

/* Looks up as many other names as one address may. */
static void use_up(struct bench *b)
{
	char name[64];
	unsigned before;

	do {
		before = n_lookups;
		snprintf(name, sizeof(name), "n%u.z%u.example", n_lookups, n_lookups);
		ask(b, name, POLICY_PROOF_DANE);
	} while (n_lookups > before);
}

static void learn(struct bench *b, enum policy_proof proof)
{
	assert_int_equal(ask(b, "them.example", proof), PROOF_PENDING);
	if (proof == POLICY_PROOF_DANE)
		answer_dane("them.example");
	else
		answer_posh();
	assert_int_equal(told, 1);
	assert_int_equal(ask(b, "them.example", proof), PROOF_YES);
}

static const struct row {
	const char *name;
	enum policy_proof proof;
	enum proof_said refused; /* what is said where nothing is known */
} rows[] = {
	{ "threats I5 DANE", POLICY_PROOF_DANE, PROOF_DENIES },
	{ "threats I5 POSH", POLICY_PROOF_POSH, PROOF_NO },
};

/* Whoever keeps his share used up is not judged by what was true once. */
static void test_share_used_up(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bench b;

		name_row(rows[i].name);
		begin(&b);
		learn(&b, rows[i].proof);
		use_up(&b);
		now += HOUR_S * 1000 - 1;
		assert_int_equal(ask(&b, "them.example", rows[i].proof), PROOF_YES);
		now += 1 + BRIDGE_MS;
		assert_int_equal(ask(&b, "them.example", rows[i].proof), PROOF_YES);
		now += 1;
		assert_int_equal(ask(&b, "them.example", rows[i].proof), rows[i].refused);
		/* With a share it is looked up. */
		answer_dane("n1.z1.example");
		assert_int_equal(ask(&b, "them.example", rows[i].proof), PROOF_PENDING);
		end(&b);
	}
}

/* What an exchanged resolver or other anchors said holds for nobody. */
static void test_refreshed(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bench b;

		name_row(rows[i].name);
		begin(&b);
		learn(&b, rows[i].proof);
		use_up(&b);
		evidence_refresh(b.evidence, https());
		assert_int_equal(ask(&b, "them.example", rows[i].proof), rows[i].refused);
		end(&b);
	}
}

/* What was on its way when they were exchanged serves those who wait, and nobody after them. */
static void test_refreshed_meanwhile(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bench b;

		name_row(rows[i].name);
		begin(&b);
		assert_int_equal(ask(&b, "them.example", rows[i].proof), PROOF_PENDING);
		evidence_refresh(b.evidence, https());
		if (rows[i].proof == POLICY_PROOF_DANE)
			answer_dane("them.example");
		else
			answer_posh();
		assert_int_equal(told, 1);
		assert_int_equal(ask(&b, "them.example", rows[i].proof), PROOF_PENDING);
		end(&b);
	}
}

/* POSH is taken out of the configuration. */
static void test_no_https(void **state)
{
	struct bench b;

	begin(&b);
	learn(&b, POLICY_PROOF_POSH);
	evidence_refresh(b.evidence, NULL);
	assert_int_equal(ask(&b, "them.example", POLICY_PROOF_POSH), PROOF_NO);
	end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_share_used_up),
		cmocka_unit_test(test_refreshed),
		cmocka_unit_test(test_refreshed_meanwhile),
		cmocka_unit_test(test_no_https),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
