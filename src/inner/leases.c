/* SPDX-License-Identifier: Apache-2.0 */
/* Between the link engine, which asks, and the table in the brokers' JetStream, which answers. */
#include "inner/leases.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "link/lease.h"
#include "net/kv.h"
#include "node/carrier.h"

enum { COPIES = 3 }; /* brokers that keep the table, where there are so many */

struct leases {
	struct node *n;
	struct net_kv *kv;
	struct buf made_of; /* what the connection was made of, to see whether that changes */
};

static void on_answered(
	void *user, uint64_t ticket, enum net_kv_answer answer, uint64_t revision, struct str value)
{
	static const enum link_answer answers[] = {
		[NET_KV_WON] = LINK_WON,
		[NET_KV_LOST] = LINK_LOST,
		[NET_KV_UNAVAILABLE] = LINK_UNAVAILABLE,
		[NET_KV_UNASKED] = LINK_UNASKED,
	};
	struct leases *leases = user;
	struct node *n = leases->n;

	n->now = net_now(n->loop);
	link_answered(n->link, ticket, answers[answer], revision, value, n->now);
}

/* Whoever may write to the bucket may write anything: an entry is only that of its own key. */
static bool is_at(struct str value, const char key[NET_KV_KEY])
{
	char own[NET_KV_KEY];
	struct lease entry;

	if (!lease_read(value, &entry))
		return false;
	net_kv_key(entry.pair.local, entry.pair.foreign, own);
	return strcmp(own, key) == 0;
}

static void on_told(void *user, const char key[NET_KV_KEY], uint64_t revision, struct str value)
{
	struct leases *leases = user;
	struct node *n = leases->n;

	if (!is_at(value, key))
		return;
	n->now = net_now(n->loop);
	link_told(n->link, revision, value, n->now);
}

static void on_state(void *user, bool ready, const char *text)
{
	if (ready)
		LOG(LOG_INFO, "leases-up", LF_CSTR("broker", text));
	else
		LOG(LOG_WARNING, "leases-down", LF_CSTR("reason", text),
			LF_CSTR("cure",
				"pairs that are new or have to move wait: see that two of three "
				"brokers run"));
}

static const struct net_kv_ops ops = { on_answered, on_told, on_state };

bool leases_still_good(const struct leases *leases)
{
	struct buf made_of;

	if (!leases)
		return true;
	carrier_note_nats(&made_of, &leases->n->config->nats);
	bool same = str_eq(buf_bytes(&made_of), buf_bytes(&leases->made_of));
	buf_done(&made_of);
	return same;
}

bool leases_open(struct node *n, struct leases **ret_leases, char *err, size_t err_size)
{
	const struct config_nats *c = &n->config->nats;
	struct net_kv_settings s = net_kv_settings_default;
	char name[80];

	*ret_leases = NULL;
	if (!n->config->leases_shared)
		return true;
	snprintf(name, sizeof(name), "%.*s", STR_FMT(n->config->node));
	s.broker = (struct net_nats_settings){
		.name = name,
		.servers = c->servers,
		.n_servers = c->n_servers,
		.certificate = c->keys.certificate,
		.key = c->keys.key,
		.trust = c->keys.trust,
	};
	s.replicas = c->n_servers >= COPIES ? COPIES : 1;
	struct leases *leases = calloc(1, sizeof(*leases));
	check(leases);
	leases->n = n;
	carrier_note_nats(&leases->made_of, c);
	leases->kv = net_kv_open(n->loop, &s, &ops, leases, err, err_size);
	if (!leases->kv) {
		buf_done(&leases->made_of);
		free(leases);
		return false;
	}
	*ret_leases = leases;
	return true;
}

void leases_close(struct leases *leases)
{
	if (!leases)
		return;
	net_kv_close(leases->kv);
	buf_done(&leases->made_of);
	free(leases);
}

void leases_finish(void)
{
	net_kv_finish();
}

void leases_ask(struct leases *leases, uint64_t ticket, struct link_pair pair, uint64_t revision,
	struct str old, struct str value)
{
	char key[NET_KV_KEY];

	net_kv_key(pair.local, pair.foreign, key);
	net_kv_put(leases->kv, ticket, key, revision, old, value);
}
