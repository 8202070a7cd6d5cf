/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One ledger holds all accounts; the first letter of a key says of what kind it is. A look-up is taken from all of its
 * accounts or from none.
 */
#include "outer/share.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/ledger.h"

enum { ACCOUNTS = 3, KNOWN_TIMES = 4, SHORT_LABEL = 3, KEY_SIZE = 300 };

static const char all_taken[] = "too many look-ups at once";

const struct share_limits share_limits_default = {
	.all = 512,
	.strangers = 384,
	.address = 8,
	.network = 16,
	.zone = 32,
	.local = 64,
	.ahead = 16,
};

struct shares {
	struct share_limits limits;
	struct ledger ledger;
	unsigned open;
	unsigned strangers;
};

struct share {
	struct shares *owner;
	bool stranger;
	size_t n;
	struct account *accounts[ACCOUNTS];
};

struct claim {
	char kind;
	struct str name;
	unsigned most;
	const char *why;
};

struct shares *shares_new(const struct share_limits *limits)
{
	struct shares *s = calloc(1, sizeof(*s));

	check(s);
	s->limits = *limits;
	ledger_init(&s->ledger, (size_t)limits->all * ACCOUNTS, 0);
	return s;
}

void shares_free(struct shares *s)
{
	if (!s)
		return;
	check(s->open == 0);
	ledger_done(&s->ledger);
	free(s);
}

unsigned shares_open(const struct shares *s)
{
	return s->open;
}

static size_t label_before(struct str s, size_t end)
{
	size_t at = end;

	while (at > 0 && s.p[at - 1] != '.')
		at--;
	return at;
}

/* Two labels, or three where the second is as short as in co.uk or edu.au. */
struct str share_zone(struct str domain)
{
	size_t end = domain.len && domain.p[domain.len - 1] == '.' ? domain.len - 1 : domain.len;
	struct str s = str_from(domain.p, end);
	size_t first = label_before(s, s.len);

	if (first == 0)
		return s;
	size_t second = label_before(s, first - 1);
	if (second > 0 && first - 1 - second <= SHORT_LABEL)
		second = label_before(s, second - 1);
	return str_skip(s, second);
}

static struct account *find(struct shares *s, const struct claim *c, uint64_t now)
{
	char key[KEY_SIZE] = { c->kind };
	size_t n = c->name.len < sizeof(key) - 1 ? c->name.len : sizeof(key) - 1;

	if (n)
		memcpy(key + 1, c->name.p, n);
	return ledger_get(&s->ledger, str_from(key, n + 1), now);
}

static size_t claims_of(const struct shares *s, const struct share_user *u, struct str domain,
	char space[2][NET_PREFIX_SIZE], struct claim ret[ACCOUNTS])
{
	const struct share_limits *l = &s->limits;
	size_t n = 0;

	if (u->from) {
		unsigned most = u->known ? l->address * KNOWN_TIMES : l->address;
		ret[n++] = (struct claim){ 'a', net_addr_prefix(u->from, 32, 64, space[0]), most,
			"too many look-ups because of this address" };
		if (!u->known)
			ret[n++] = (struct claim){ 'n', net_addr_prefix(u->from, 24, 48, space[1]),
				l->network, "too many look-ups because of this network" };
	} else if (u->us.len) {
		ret[n++] = (struct claim){ 'l', u->us, l->local,
			"too many look-ups for this local domain" };
	} else {
		ret[n++] = (struct claim){ '-', STRL(""), l->ahead, "too many early look-ups" };
	}
	if (!u->proved)
		ret[n++] = (struct claim){ 'z', share_zone(domain), l->zone,
			"too many look-ups in this zone" };
	return n;
}

static void give_back(struct share *x, uint64_t now)
{
	for (size_t i = 0; i < x->n; i++)
		ledger_release(&x->owner->ledger, x->accounts[i], now);
	free(x);
}

/* Holds each as soon as it is found: one that nobody holds may be forgotten for the next. NULL: all are held. */
static const char *hold(struct share *x, const struct claim *claims, size_t n, uint64_t now)
{
	for (size_t i = 0; i < n; i++) {
		struct account *a = find(x->owner, &claims[i], now);
		if (!a)
			return all_taken;
		if (a->held >= claims[i].most)
			return claims[i].why;
		ledger_hold(&x->owner->ledger, a);
		x->accounts[x->n++] = a;
	}
	return NULL;
}

struct share *share_take(struct shares *s, const struct share_user *user, struct str domain,
	uint64_t now, const char **ret_why)
{
	bool stranger = user->from && !user->known;
	char space[2][NET_PREFIX_SIZE];
	struct claim claims[ACCOUNTS];

	if (s->open >= s->limits.all || (stranger && s->strangers >= s->limits.strangers)) {
		*ret_why = all_taken;
		return NULL;
	}
	size_t n = claims_of(s, user, domain, space, claims);
	struct share *x = calloc(1, sizeof(*x));
	check(x);
	*x = (struct share){ .owner = s, .stranger = stranger };
	const char *why = hold(x, claims, n, now);
	if (why) {
		*ret_why = why;
		give_back(x, now);
		return NULL;
	}
	s->open++;
	s->strangers += x->stranger;
	return x;
}

void share_give(struct share *x, uint64_t now)
{
	if (!x)
		return;
	x->owner->open--;
	x->owner->strangers -= x->stranger;
	give_back(x, now);
}
