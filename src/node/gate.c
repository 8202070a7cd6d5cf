/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pass points to two accounts, of its address and of its network, so that only coming and dialling look anything up.
 * Known addresses have a ledger of their own, which strangers cannot fill.
 */
#include "node/gate.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/ledger.h"

enum {
	TABLE_MAX = 65536, /* strangers, their networks, targets; each */
	KNOWN_MAX = 16384,
	KNOWN_MS = 24 * 3600 * 1000,
	SPARE_MS = 1000,
	LOG_MS = 1000, /* between two lines of one reason */
};

/* The meaning of struct account.rates */
enum { TRIES, SHAKES, QUESTIONS, ANSWERS, BYTES };
_Static_assert((int)BYTES < (int)LEDGER_RATES, "room for each rate");

struct level {
	struct ledger ledger;
	unsigned bits4, bits6; /* of the prefix */
	uint64_t held;
	struct rate_limit rates[LEDGER_RATES];
	enum gate_reason too_many, too_often;
};

struct news {
	uint64_t refused; /* in all */
	uint64_t told; /* of these, when it was logged last */
	uint64_t logged_at; /* 0: never */
	char address[64];
};

struct gate {
	struct level address;
	struct level network;
	struct ledger known; /* addresses, with the limits of level address */
	struct ledger domains; /* proved lately */
	struct ledger targets;
	struct rate_limit target_rate;
	uint64_t descriptors;
	uint64_t most; /* connections */
	uint64_t passes;
	bool memory_short;
	struct news news[GATE_OK];
};

struct gate_pass {
	struct gate *gate;
	struct net_addr from;
	bool known;
	struct ledger *ledger; /* of address */
	struct account *address; /* NULL: trusted */
	struct account *network; /* NULL: trusted or known */
};

static const struct {
	const char *name;
	const char *text;
} reasons[] = {
#define X(id, name, text) { name, text },
	GATE_REASONS(X)
#undef X
};

const char *gate_reason_name(enum gate_reason reason)
{
	return reasons[reason].name;
}

const char *gate_reason_text(enum gate_reason reason)
{
	return reasons[reason].text;
}

/* --- limits --- */

static uint64_t forget_ms(const struct rate_limit *rates, size_t n)
{
	uint64_t ms = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t one = rate_forget_ms(&rates[i]);
		ms = one > ms ? one : ms;
	}
	return ms + SPARE_MS;
}

void gate_set_limits(struct gate *g, const struct config_limits *l)
{
	struct level *a = &g->address, *n = &g->network;

	a->held = l->address_conns;
	a->rates[TRIES] = rate_per_s(l->address_tries);
	a->rates[SHAKES] = rate_per_s(l->address_shakes);
	a->rates[QUESTIONS] = rate_per_s(l->address_verifies);
	a->rates[ANSWERS] = rate_per_s(l->address_answers);
	a->rates[BYTES] = rate_per_s(l->address_bytes);
	n->held = l->network_conns;
	n->rates[TRIES] = rate_per_s(l->network_tries);
	n->rates[SHAKES] = rate_per_s(l->network_shakes);
	g->target_rate = rate_per_s(l->target_tries);
	a->ledger.forget_ms = forget_ms(a->rates, LEDGER_RATES);
	n->ledger.forget_ms = forget_ms(n->rates, LEDGER_RATES);
	g->targets.forget_ms = forget_ms(&g->target_rate, 1);
	/* The other descriptors: outgoing connections, links, DNS. */
	g->most = g->descriptors / 4 * 3;
	if (l->streams < g->most)
		g->most = l->streams;
}

void gate_set_short(struct gate *g, bool memory_short)
{
	g->memory_short = memory_short;
}

struct gate *gate_new(const struct config_limits *limits, uint64_t descriptors)
{
	struct gate *g = calloc(1, sizeof(*g));

	check(g);
	*g = (struct gate){
		.descriptors = descriptors,
		.address = { .bits4 = 32,
			.bits6 = 64,
			.too_many = GATE_ADDRESS_HELD,
			.too_often = GATE_ADDRESS_TRIES },
		.network = { .bits4 = 24,
			.bits6 = 48,
			.too_many = GATE_NETWORK_HELD,
			.too_often = GATE_NETWORK_TRIES },
	};
	ledger_init(&g->address.ledger, TABLE_MAX, 0);
	ledger_init(&g->network.ledger, TABLE_MAX, 0);
	ledger_init(&g->known, KNOWN_MAX, KNOWN_MS);
	ledger_init(&g->domains, KNOWN_MAX, KNOWN_MS);
	ledger_init(&g->targets, TABLE_MAX, 0);
	gate_set_limits(g, limits);
	return g;
}

void gate_free(struct gate *g)
{
	if (!g)
		return;
	check(g->passes == 0);
	ledger_done(&g->address.ledger);
	ledger_done(&g->network.ledger);
	ledger_done(&g->known);
	ledger_done(&g->domains);
	ledger_done(&g->targets);
	free(g);
}

static bool refuse(struct gate *g, enum gate_reason reason, const struct net_addr *who)
{
	g->news[reason].refused++;
	net_addr_print(who, g->news[reason].address);
	return false;
}

/* --- coming and going --- */

/* May one more come on this account? Uses up an attempt. */
static bool judge(struct gate *g, const struct level *level, struct account *a,
	const struct net_addr *from, uint64_t now)
{
	if (!a)
		return refuse(g, GATE_TABLE, from);
	if (!rate_take(&a->rates[TRIES], &level->rates[TRIES], 1, now))
		return refuse(g, level->too_often, from);
	if (level->held && a->held >= level->held)
		return refuse(g, level->too_many, from);
	return true;
}

static struct str key_of(
	const struct level *level, const struct net_addr *from, char space[NET_PREFIX_SIZE])
{
	return net_addr_prefix(from, level->bits4, level->bits6, space);
}

static bool has_room(struct gate *g, const struct gate_pass *p)
{
	if (g->memory_short && !p->known)
		return refuse(g, GATE_MEMORY, &p->from);
	if (g->passes < (p->known ? g->most : g->most / 4 * 3))
		return true;
	return refuse(g, GATE_ALL, &p->from);
}

/* Finds the accounts and what they say. */
static bool admit(struct gate *g, struct gate_pass *p, uint64_t now)
{
	char space[NET_PREFIX_SIZE];
	struct str key = key_of(&g->address, &p->from, space);
	struct account *known = ledger_find(&g->known, key);

	p->known = known;
	p->ledger = known ? &g->known : &g->address.ledger;
	if (!has_room(g, p))
		return false;
	struct account *address = ledger_get(p->ledger, key, now);
	if (!judge(g, &g->address, address, &p->from, now))
		return false;
	if (!known) {
		key = key_of(&g->network, &p->from, space);
		p->network = ledger_get(&g->network.ledger, key, now);
		if (!judge(g, &g->network, p->network, &p->from, now))
			return false;
		ledger_hold(&g->network.ledger, p->network);
	}
	p->address = address;
	ledger_hold(p->ledger, address);
	return true;
}

struct gate_pass *gate_enter(
	struct gate *g, const struct net_addr *from, bool trusted, uint64_t now)
{
	struct gate_pass *p = calloc(1, sizeof(*p));

	check(p);
	*p = (struct gate_pass){ .gate = g, .from = *from, .known = trusted };
	if (trusted ? !has_room(g, p) : !admit(g, p, now)) {
		free(p);
		return NULL;
	}
	g->passes++;
	return p;
}

void gate_leave(struct gate_pass *p, uint64_t now)
{
	if (!p)
		return;
	struct gate *g = p->gate;
	if (p->address)
		ledger_release(p->ledger, p->address, now);
	if (p->network)
		ledger_release(&g->network.ledger, p->network, now);
	g->passes--;
	free(p);
}

void gate_prove(struct gate_pass *p, uint64_t now)
{
	char space[NET_PREFIX_SIZE];

	if (!p)
		return;
	p->known = true;
	if (p->address)
		ledger_get(&p->gate->known, key_of(&p->gate->address, &p->from, space), now);
}

bool gate_is_known(const struct gate_pass *p)
{
	return !p || p->known;
}

/* --- what it does --- */

bool gate_may_shake(struct gate_pass *p, uint64_t now)
{
	if (!p || !p->address)
		return true;
	struct gate *g = p->gate;
	bool ok = rate_take(&p->address->rates[SHAKES], &g->address.rates[SHAKES], 1, now) &&
		(!p->network ||
			rate_take(&p->network->rates[SHAKES], &g->network.rates[SHAKES], 1, now));
	return ok || refuse(g, GATE_SHAKES, &p->from);
}

bool gate_may_ask(struct gate_pass *p, uint64_t now)
{
	if (!p || !p->address)
		return true;
	struct rate as_if = p->address->rates[QUESTIONS];
	return rate_take(&as_if, &p->gate->address.rates[QUESTIONS], 1, now) ||
		refuse(p->gate, GATE_QUESTIONS, &p->from);
}

void gate_asks(struct gate_pass *p, uint64_t now)
{
	if (p && p->address)
		rate_take(
			&p->address->rates[QUESTIONS], &p->gate->address.rates[QUESTIONS], 1, now);
}

bool gate_may_answer(struct gate_pass *p, uint64_t now)
{
	if (!p || !p->address)
		return true;
	return rate_take(&p->address->rates[ANSWERS], &p->gate->address.rates[ANSWERS], 1, now) ||
		refuse(p->gate, GATE_ANSWERS, &p->from);
}

uint64_t gate_bytes(struct gate_pass *p, uint64_t n, uint64_t now)
{
	if (!p || !p->address)
		return 0;
	return rate_charge(&p->address->rates[BYTES], &p->gate->address.rates[BYTES], n, now);
}

/* --- dialling --- */

bool gate_may_dial(struct gate *g, const struct net_addr *to, struct str domain, uint64_t now)
{
	char space[NET_PREFIX_SIZE];

	if (ledger_find(&g->domains, domain))
		return true;
	struct account *a = ledger_get(&g->targets, key_of(&g->address, to, space), now);
	if (!a)
		return refuse(g, GATE_TABLE, to);
	return rate_take(&a->rates[TRIES], &g->target_rate, 1, now) || refuse(g, GATE_TARGET, to);
}

bool gate_knows_domain(const struct gate *g, struct str domain)
{
	return ledger_find(&g->domains, domain);
}

void gate_prove_domain(struct gate *g, struct str domain, uint64_t now)
{
	ledger_get(&g->domains, domain, now);
}

/* --- what operators see --- */

enum gate_reason gate_news(
	struct gate *g, uint64_t now, char ret_address[64], uint64_t *ret_refused)
{
	for (int i = 0; i < GATE_OK; i++) {
		struct news *n = &g->news[i];
		if (n->refused == n->told || (n->logged_at && now - n->logged_at < LOG_MS))
			continue;
		memcpy(ret_address, n->address, sizeof(n->address));
		*ret_refused = n->refused - n->told;
		n->told = n->refused;
		n->logged_at = now;
		return (enum gate_reason)i;
	}
	return GATE_OK;
}

void gate_status(const struct gate *g, const char *name, struct json *j)
{
	json_object(j, name);
	json_u64(j, "connections", g->passes);
	json_u64(j, "connections_most", g->most);
	json_u64(j, "descriptors", g->descriptors);
	json_u64(j, "addresses", ledger_count(&g->address.ledger));
	json_u64(j, "networks", ledger_count(&g->network.ledger));
	json_u64(j, "known_addresses", ledger_count(&g->known));
	json_u64(j, "known_domains", ledger_count(&g->domains));
	json_u64(j, "targets", ledger_count(&g->targets));
	json_object(j, "refused");
	for (int i = 0; i < GATE_OK; i++)
		json_u64(j, reasons[i].name, g->news[i].refused);
	json_end(j);
	json_end(j);
}
