/* SPDX-License-Identifier: Apache-2.0 */
#include "link/lease.h"
#include "link/tx.h"

static void write_peer(const struct link_peer *p, uint64_t now, struct json *j)
{
	json_object(j, NULL);
	json_str(j, "peer", p->id);
	json_bool(j, "up", p->state == PEER_UP);
	json_bool(j, "draining", p->draining);
	if (p->why)
		json_cstr(j, "why", p->why);
	if (p->known)
		json_u64(j, "heard_ms_ago", now - p->heard);
	json_bool(j, "lease", peer_lease_holds(p, now));
	json_u64(j, "rtt_ms", p->rtt);
	json_u64(j, "version", p->version);
	json_u64(j, "catalogue", p->catalogue);
	json_u64(j, "frames_in", p->frames_in);
	json_u64(j, "frames_out", p->frames_out);
	json_u64(j, "bytes_in", p->bytes_in);
	json_u64(j, "bytes_out", p->bytes_out);
	json_u64(j, "connections", p->connections);
	json_u64(j, "faults", p->faults);
	json_array(j, "domains");
	for (size_t i = 0; i < p->n_domains; i++)
		json_str(j, NULL, p->domains[i]);
	json_end(j);
	json_end(j);
}

static void write_name(const struct pair_name *name, const char *way, struct json *j)
{
	json_str(j, "local", name->pair.local);
	json_str(j, "foreign", name->pair.foreign);
	json_cstr(j, "way", way);
}

/* The entry of the shared table, as far as it is known here. */
static void write_lease(const struct link_tx *tx, struct json *j)
{
	const struct tx_lease *le = tx->lease;
	struct lease e;

	json_object(j, "lease");
	json_u64(j, "revision", le->revision);
	json_bool(j, "asking", tx_asking(tx));
	json_bool(j, "alone", le->alone);
	if (le->value.len && lease_read(le->value, &e))
		lease_show(&e, j);
	json_end(j);
}

static void write_tx(const struct link_tx *tx, struct json *j)
{
	json_object(j, NULL);
	write_name(&tx->name, "out", j);
	json_u64(j, "epoch", tx->epoch);
	if (tx->owner)
		json_str(j, "owner", tx->owner->id);
	else
		json_cstr(j, "owner", NULL);
	if (tx->lease)
		write_lease(tx, j);
	json_u64(j, "queued", tx->next - tx->send);
	json_u64(j, "unacknowledged", tx->send - tx->una);
	json_u64(j, "sent", tx->sent);
	json_u64(j, "acked", tx->acked);
	json_u64(j, "rejected", tx->rejected);
	json_u64(j, "resent", tx->resent);
	json_end(j);
}

static void write_rx(const struct link_rx *rx, struct json *j)
{
	static const char *const states[] = {
		[RX_OPEN] = "open", [RX_REVOKED] = "revoked", [RX_GAVE_UP] = "unreachable"
	};

	json_object(j, NULL);
	write_name(&rx->name, "in", j);
	json_u64(j, "epoch", rx->epoch);
	json_str(j, "from", rx->peer->id);
	json_cstr(j, "state", states[rx->state]);
	json_u64(j, "untaken", rx->outstanding);
	json_u64(j, "delivered", rx->delivered);
	json_u64(j, "rejected", rx->rejected);
	json_u64(j, "repeated", rx->repeated);
	json_end(j);
}

static bool has(const struct excerpt *e, const struct pair_name *name)
{
	return excerpt_has(e, name->pair.local, name->pair.foreign);
}

static size_t write_txs(const struct link *l, struct excerpt *e, struct json *j)
{
	const struct link_tx *tx;

	excerpt_begin(e);
	LIST_EACH (&l->txs, it) {
		tx = LIST_OWNER(it, struct link_tx, link);
		if (has(e, &tx->name) && excerpt_now(e, tx, tx->q.count > 0))
			write_tx(tx, j);
	}
	while ((tx = excerpt_later(e)))
		write_tx(tx, j);
	return e->total;
}

static size_t write_rxs(const struct link *l, struct excerpt *e, struct json *j)
{
	const struct link_rx *rx;

	excerpt_begin(e);
	LIST_EACH (&l->peers, it) {
		LIST_EACH (&LIST_OWNER(it, struct link_peer, link)->rxs, in_peer) {
			rx = LIST_OWNER(in_peer, struct link_rx, link);
			bool notable = rx->outstanding || rx->state != RX_OPEN;
			if (has(e, &rx->name) && excerpt_now(e, rx, notable))
				write_rx(rx, j);
		}
	}
	while ((rx = excerpt_later(e)))
		write_rx(rx, j);
	return e->total;
}

void link_status(const struct link *l, uint64_t now, struct excerpt *e, struct json *j)
{
	json_array(j, "links");
	LIST_EACH (&l->peers, it)
		write_peer(LIST_OWNER(it, struct link_peer, link), now, j);
	json_end(j);
	json_array(j, "channels");
	size_t total = write_txs(l, e, j) + write_rxs(l, e, j);
	json_end(j);
	json_u64(j, "channels_total", total);
}
