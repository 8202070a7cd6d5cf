/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program around each engine is modelled as far as the contract of link.h goes: it
 * asks link_may_write() before it hands a record to a connection, calls link_fence() before
 * such records leave, drops what is revoked, stops sending when the window is
 * full. The checks look into the sender's engine at the moment of each write: the
 * writer must be the owner, in the current epoch, and the record must not be settled.
 */
#include "link/tx.h"
#include "sim_world.h"

static uint64_t op_wall(void *user)
{
	struct node *n = user;

	return 1000000 + n->w->wall_shift * n->boot + n->w->now;
}

static struct hop *find_hop(struct node *n, uint64_t channel)
{
	for (size_t i = 0; i < n->n_hops; i++) {
		if (n->hops[i].channel == channel)
			return &n->hops[i];
	}
	return NULL;
}

static void remove_hop(struct node *n, struct hop *h)
{
	*h = n->hops[--n->n_hops];
}

static struct hop *get_hop(struct node *n, const struct link_delivery *d)
{
	struct hop *h = find_hop(n, d->channel);
	struct world *w = n->w;

	if (h)
		return h;
	if (n->n_hops == n->cap_hops) {
		n->cap_hops = n->cap_hops ? n->cap_hops * 2 : 8;
		n->hops = realloc(n->hops, n->cap_hops * sizeof(*n->hops));
	}
	h = &n->hops[n->n_hops++];
	memset(h, 0, offsetof(struct hop, q));
	h->channel = d->channel;
	h->vanish_at = 0;
	h->last_seq = 0;
	h->pair = pair_index(w, d->pair);
	for (unsigned i = 0; i < w->n_nodes; i++) {
		if (str_is(link_peer_id(d->from), w->nodes[i].id))
			h->from = &w->nodes[i];
	}
	if (w->vanishing && !w->calm && chance(w, 30))
		h->vanish_at = w->now + below(w, 60);
	return h;
}

static struct link_peer *op_choose(
	void *user, struct link_pair pair, struct link_peer *const *live, size_t n)
{
	struct node *node = user;
	struct world *w = node->w;

	if (w->no_choice && !w->calm && chance(w, 20))
		return NULL;
	if (chance(w, 50))
		return live[0];
	return live[below(w, (unsigned)n)];
}

/* The moment of truth: bytes leave for the next hop. */
static void write_record(struct node *n, struct hop *h, const struct entry *e)
{
	struct world *w = n->w;
	struct record *r = &w->records[e->record];
	struct node *s = &w->nodes[r->sender];

	TELL(w, "%s writes record %u (%s pair %u) seq %lu of channel %lx", n->id, e->record, s->id,
		r->pair, e->seq, h->channel);
	if (r->writes++)
		w->totals->repeated++;
	else
		w->totals->written++;
	sim_check_lease(n, r);
	struct link_rx *rx = rx_find(n->l, h->channel);
	if (rx && r->epoch == rx->epoch && !w->short_idle)
		fail(w, "written twice in one epoch");
	r->epoch = rx ? rx->epoch : 0;
	if (r->sender_lost)
		return;
	struct link_tx *tx = tx_find(s->l, pair_of(r->pair));
	if (!tx || !rx || !tx->owner || !str_is(link_peer_id(tx->owner), n->id))
		fail(w, "written by a node that does not own the pair");
	else if (tx->epoch != rx->epoch && !(tx->lease && tx->lease->sealed))
		fail(w, "written in an epoch that is over");
	else if (e->seq < tx->una || e->seq >= tx->high)
		fail(w, "written although the sender has settled it");
	if (r->undelivered)
		fail(w, "written after it was bounced");
	if (r->writes == 1) {
		uint32_t *last = &w->last_written[r->sender][r->pair];
		if (*last > e->record + 1)
			fail(w, "written out of order");
		*last = e->record + 1;
	}
}

static void settle_entry(struct node *n, struct hop *h, unsigned i)
{
	struct entry e = h->q[i];

	memmove(&h->q[i], &h->q[i + 1], (h->n - i - 1) * sizeof(h->q[0]));
	h->n--;
	link_taken(n->l, h->channel, e.seq, n->w->now);
}

static void refuse_entry(struct node *n, struct hop *h, unsigned i)
{
	struct entry e = h->q[i];

	memmove(&h->q[i], &h->q[i + 1], (h->n - i - 1) * sizeof(h->q[0]));
	h->n--;
	n->w->records[e.record].refused++;
	TELL(n->w, "%s rejects record %u", n->id, e.record);
	link_reject(n->l, h->channel, e.seq, COND_REJECT, "no", n->w->now);
}

static enum link_verdict op_deliver(void *user, const struct link_delivery *d, const char **reason)
{
	struct node *n = user;
	struct world *w = n->w;
	struct hop *h = get_hop(n, d);
	uint32_t record;

	if (d->record.len < sizeof(record)) {
		fail(w, "record is cut");
		return LINK_ACCEPT;
	}
	memcpy(&record, d->record.p, sizeof(record));
	if (record >= w->n_records || w->records[record].pair != h->pair ||
		&w->nodes[w->records[record].sender] != h->from || d->trace != record + 1u) {
		fail(w, "record is not what was sent");
		return LINK_ACCEPT;
	}
	if (w->records[record].poison && !w->records[record].sender_lost) {
		w->totals->poisoned++;
		w->disturbed = true;
		*reason = "poison";
		return LINK_BAD_RECORD;
	}
	if (d->seq <= h->last_seq)
		fail(w, "delivered out of order");
	h->last_seq = d->seq;
	if (h->n >= WINDOW)
		fail(w, "window overrun");
	struct entry *e = &h->q[h->n++];
	*e = (struct entry){ .seq = d->seq, .record = record, .at = w->now };
	e->refuse = w->records[record].refuse;
	if (w->slow_hops && !w->calm)
		e->at += below(w, chance(w, 10) ? 150 : 10);
	if (e->refuse && chance(w, 50)) {
		refuse_entry(n, h, h->n - 1); /* at once, before older ones are taken */
	} else if (h->n == 1 && e->at == w->now && !e->refuse && chance(w, 50) &&
		link_may_write(n->l, d->channel, w->now)) {
		write_record(n, h, e);
		settle_entry(n, h, 0);
	}
	return LINK_ACCEPT;
}

static void op_undelivered(void *user, struct link_pair pair, uint64_t trace, struct str bytes,
	unsigned condition, struct str text)
{
	struct node *n = user;
	struct world *w = n->w;
	uint32_t index;

	if (bytes.len < sizeof(index)) {
		fail(w, "bounced record is cut");
		return;
	}
	memcpy(&index, bytes.p, sizeof(index));
	struct record *r = &w->records[index];
	if (index >= w->n_records || trace != index + 1u || pair_index(w, pair) != r->pair ||
		&w->nodes[r->sender] != n || r->boot != n->boot) {
		fail(w, "bounced record is not what was sent");
		return;
	}
	TELL(w, "%s gets record %u back, condition %u", n->id, index, condition);
	if (r->forgotten)
		fail(w, "bounced although it was forgotten");
	if (r->undelivered++)
		fail(w, "bounced twice");
	if (condition == COND_REJECT && !r->refused)
		fail(w, "bounced as rejected, but nobody did");
	if (condition == COND_INTERNAL && !r->poison)
		fail(w, "bounced as poison, but it is none");
	if (condition == COND_TIMEOUT && r->good)
		fail(w, "starved, although all is well");
	if (condition < COND_TIMEOUT || condition > COND_REACH)
		fail(w, "unknown condition");
	w->totals->bounced++;
}

static void op_settled(void *user, uint64_t receipt)
{
	const struct node *n = user;
	struct world *w = n->w;
	struct record *r = &w->records[receipt - 1];

	if (receipt > w->n_records || &w->nodes[r->sender] != n || r->boot != n->boot)
		fail(w, "a receipt that was not given");
	else if (r->forgotten)
		fail(w, "settled although it was forgotten");
	else if (r->settled++)
		fail(w, "settled twice");
	else if (!r->writes && !r->undelivered)
		fail(w, "settled, but nobody has it");
}

static void op_writable(void *user, struct link_pair pair)
{
	struct node *n = user;
	unsigned i = pair_index(n->w, pair);

	if (!n->blocked[i])
		fail(n->w, "writable, but it was not blocked");
	n->blocked[i] = false;
}

static void op_expect(void *user, struct link_pair pair)
{
	pair_index(((struct node *)user)->w, pair);
}

static void op_revoke(void *user, struct link_pair pair, uint64_t channel)
{
	struct node *n = user;
	struct hop *h = find_hop(n, channel);

	n->w->disturbed = true;
	n->w->totals->revokes++;
	TELL(n->w, "%s loses channel %lx of pair %u", n->id, channel, pair_index(n->w, pair));
	if (!h)
		return;
	/* What was written is reported yet, sometimes. */
	while (h->n) {
		n->w->totals->caught += h->q[0].state == HANDED;
		if (h->q[0].state == WRITTEN && chance(n->w, 50))
			settle_entry(n, h, 0);
		else
			memmove(&h->q[0], &h->q[1], --h->n * sizeof(h->q[0]));
	}
	remove_hop(n, h);
}

static void op_peer_state(void *user, struct link_peer *peer, bool up, const char *why)
{
	struct node *n = user;

	TELL(n->w, "%s says that %.*s is %s: %s", n->id, STR_FMT(link_peer_id(peer)),
		up ? "up" : "down", why ? why : "");
	if (!up) {
		n->w->disturbed = true;
		n->w->totals->moves++;
	}
}

static void op_alarm(void *user, struct link_peer *peer, const char *reason)
{
	struct node *n = user;

	if (strcmp(reason, "another process took the name of a live node") == 0)
		return;
	if (n->w->poison &&
		(strcmp(reason, "poison") == 0 || strcmp(reason, "invalid record") == 0))
		return;
	TELL(n->w, "%s accuses %.*s: %s", n->id, STR_FMT(link_peer_id(peer)), reason);
	fail(n->w, "an honest node was accused");
}

const struct link_ops sim_ops = {
	.send = sim_send,
	.close = sim_close,
	.can_send = sim_can_send,
	.wall_ms = op_wall,
	.choose = op_choose,
	.deliver = op_deliver,
	.undelivered = op_undelivered,
	.settled = op_settled,
	.writable = op_writable,
	.expect = op_expect,
	.revoke = op_revoke,
	.peer_state = op_peer_state,
	.alarm = op_alarm,
};

static void send_record(struct node *n, unsigned pair, bool good)
{
	struct world *w = n->w;
	char bytes[200];
	uint32_t index = w->n_records++;

	w->records[index] = (struct record){ .sender = (uint8_t)n->index,
		.boot = n->boot,
		.pair = (uint8_t)pair,
		.good = good,
		.poison = !good && w->poison && chance(w, 5),
		.refuse = !good && w->rejects && chance(w, 20) };
	memset(bytes, (int)index & 127, sizeof(bytes));
	memcpy(bytes, &index, sizeof(index));
	w->totals->records++;
	TELL(w, "%s sends record %u of pair %u%s", n->id, index, pair,
		w->records[index].poison ? " (poison)" : "");
	struct link_out out = { .trace = index + 1u, .receipt = index + 1u, .proof = 3 };
	out.record = str_from(bytes, sizeof(index) + below(w, sizeof(bytes) - sizeof(index)));
	n->blocked[pair] = !link_send(n->l, pair_of(pair), &out, w->now);
}

static bool is_moot(void *user, uint64_t receipt)
{
	const struct node *n = user;
	struct record *r = &n->w->records[receipt - 1];

	if (r->forgotten)
		fail(n->w, "asked about twice");
	r->forgotten = chance(n->w, 60);
	n->w->totals->forgotten += r->forgotten;
	return r->forgotten;
}

void sim_forget(struct node *n)
{
	struct world *w = n->w;

	if (link_isolated_at(n->l) > w->now || !chance(w, 30))
		return;
	TELL(w, "%s is isolated", n->id);
	w->totals->isolated++;
	link_drop(n->l, is_moot, w->now);
}

void sim_send_good(struct node *n, unsigned pair)
{
	send_record(n, pair, true);
}

void sim_send_some(struct node *n, unsigned pair)
{
	struct world *w = n->w;
	unsigned burst = chance(w, 20) ? 12 : 1 + below(w, 3);

	n->send_at[pair] = w->now + 1 + below(w, chance(w, 20) ? 120 : 25);
	if (chance(w, 10))
		link_expect(n->l, pair_of(pair), w->now);
	while (burst-- && w->n_records < w->max_records && !n->blocked[pair])
		send_record(n, pair, false);
	if (w->n_records == w->max_records || w->calm)
		n->send_at[pair] = UINT64_MAX;
}

static void write_out(struct node *n, struct hop *h, struct entry *e)
{
	struct world *w = n->w;

	write_record(n, h, e);
	e->state = WRITTEN;
	if (w->late_acks && !w->calm)
		e->at = w->now + below(w, 30);
}

void sim_run_hop(struct node *n, struct hop *h)
{
	struct world *w = n->w;
	bool wait = false;

	for (unsigned i = 0; i < h->n;) {
		struct entry *e = &h->q[i];
		if (e->at > w->now || (e->state != WRITTEN && wait)) {
			wait |= e->state != WRITTEN;
			i++;
		} else if (e->state == WRITTEN) {
			settle_entry(n, h, i);
		} else if (e->state == HANDED) {
			write_out(n, h, e);
		} else if (e->refuse) {
			refuse_entry(n, h, i);
		} else if (!link_may_write(n->l, h->channel, w->now)) {
			e->at = w->now + 5;
			wait = true;
		} else if (w->slow_readers && !w->calm && chance(w, 30)) {
			e->state = HANDED;
			e->at = w->now + 1 + below(w, 60);
			wait = true;
		} else {
			write_out(n, h, e);
		}
	}
	if (h->vanish_at && h->vanish_at <= w->now && !w->calm) {
		while (h->n && h->q[0].state == WRITTEN)
			settle_entry(n, h, 0);
		for (unsigned i = 0; i < h->n; i++)
			w->disturbed |= h->q[i].state == WRITTEN;
		uint64_t channel = h->channel;
		remove_hop(n, h);
		link_unreachable(n->l, channel, COND_REACH, "gone", w->now);
	}
}

uint64_t sim_hop_event(const struct world *w, const struct hop *h)
{
	uint64_t at = UINT64_MAX;

	for (unsigned i = 0; i < h->n; i++) {
		if (h->q[i].at < at)
			at = h->q[i].at;
	}
	if (h->vanish_at && !w->calm && h->vanish_at < at)
		at = h->vanish_at;
	return at;
}
