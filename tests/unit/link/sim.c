/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program around each engine is modelled as far as the contract of link.h goes: it
 * asks link_may_write() before each write, drops what is revoked, stops sending when the window is
 * full. The checks look into the sender's engine at the moment of each write: the
 * writer must be the owner, in the current epoch, and the record must not be settled.
 */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "link/engine.h"

enum {
	NODES_MAX = 6,
	PAIRS_MAX = 3,
	RECORDS_MAX = 400,
	HOP_MAX = 64,
	WINDOW = 8,
	COND_TIMEOUT = 1,
	COND_INTERNAL,
	COND_BUSY,
	COND_REJECT,
	COND_REACH
};

struct record {
	uint8_t sender;
	uint8_t pair;
	bool poison;
	bool refuse; /* by every next hop */
	bool sender_lost;
	uint32_t boot;
	uint16_t writes;
	uint16_t refused; /* by a next hop */
	uint16_t undelivered;
};

struct frame_in_flight {
	struct frame_in_flight *next;
	uint64_t at;
	size_t len;
	char bytes[];
};

struct end {
	struct conn *conn;
	struct node *node;
	struct link_peer *peer;
	bool open;
	bool pending; /* the node has not accepted it yet */
	bool congested;
	uint64_t fin_at; /* the far end is closed: noticed then; 0: it is not */
	uint64_t last_at;
	struct frame_in_flight *in; /* sorted by time */
};

struct conn {
	struct conn *next;
	struct end ends[2]; /* inner, outer */
};

enum entry_state { QUEUED, WRITTEN };

struct entry {
	enum entry_state state;
	uint64_t seq;
	uint32_t record;
	bool refuse;
	uint64_t at;
};

/* A next hop's stream for one channel. */
struct hop {
	uint64_t channel;
	unsigned pair;
	struct node *from;
	unsigned n;
	struct entry q[HOP_MAX];
	uint64_t vanish_at; /* link_unreachable(); 0: never */
	uint64_t last_seq;
};

struct node {
	struct world *w;
	unsigned index;
	enum link_role role;
	char id[16];
	struct link *l;
	uint32_t boot;
	uint64_t paused_until;
	uint64_t restart_at; /* not 0: it is down until then */
	uint64_t drain_until;
	uint64_t dial_at[NODES_MAX];
	uint64_t send_at[PAIRS_MAX];
	bool blocked[PAIRS_MAX];
	struct hop *hops;
	size_t n_hops, cap_hops;
	bool in_callback;
};

struct world {
	uint64_t random;
	uint64_t now;
	uint64_t wall_shift;
	const char *wrong;
	struct sim_totals *totals;
	bool calm; /* no more faults */
	bool disturbed; /* exactly once cannot be expected */
	/* What this schedule may do. */
	bool lossy;
	unsigned loss, repeat, delay;
	bool slow_hops, rejects, vanishing, late_acks, congestion, no_choice, poison;
	unsigned n_inner, n_nodes, n_pairs;
	uint64_t apart_until[NODES_MAX][NODES_MAX];
	struct node nodes[NODES_MAX];
	struct conn *conns;
	struct record records[RECORDS_MAX];
	uint32_t n_records;
	uint32_t max_records;
	/* Highest record of (sender, pair) that was written: first writes keep the order. */
	uint32_t last_written[NODES_MAX][PAIRS_MAX];
};

static uint64_t rnd(struct world *w)
{
	uint64_t z = (w->random += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static unsigned below(struct world *w, unsigned n)
{
	return (unsigned)(rnd(w) % n);
}

static bool chance(struct world *w, unsigned percent)
{
	return below(w, 100) < percent;
}

static void fail(struct world *w, const char *what)
{
	if (!w->wrong)
		w->wrong = what;
}

/* A line of the story, when one seed is replayed. */
#define TELL(w, ...)                                                                               \
	do {                                                                                       \
		if (telling) {                                                                     \
			fprintf(stderr, "%lu ", (w)->now);                                         \
			fprintf(stderr, __VA_ARGS__);                                              \
			fputc('\n', stderr);                                                       \
		}                                                                                  \
	} while (0)
static bool telling;

static const struct str foreign_names[PAIRS_MAX] = { STR("a.example"), STR("b.example"),
	STR("c.example") };
static const struct str local_name = STR("local.example");

static struct link_pair pair_of(unsigned i)
{
	return (struct link_pair){ local_name, foreign_names[i] };
}

static unsigned pair_index(struct world *w, struct link_pair p)
{
	for (unsigned i = 0; i < w->n_pairs; i++) {
		if (str_eq(p.foreign, foreign_names[i]) && str_eq(p.local, local_name))
			return i;
	}
	fail(w, "unknown pair");
	return 0;
}

static bool is_up(const struct node *n)
{
	return n->l && n->paused_until <= n->w->now;
}

/* Carriers. */

static uint64_t *apart(struct world *w, const struct conn *c)
{
	return &w->apart_until[c->ends[0].node->index][c->ends[1].node->index];
}

static void enqueue(struct world *w, struct end *to, struct str head, struct str body, uint64_t at)
{
	struct frame_in_flight *f = malloc(sizeof(*f) + head.len + body.len + 1);
	struct frame_in_flight **place = &to->in;

	f->at = at;
	f->len = head.len + body.len;
	memcpy(f->bytes, head.p, head.len);
	if (body.len)
		memcpy(f->bytes + head.len, body.p, body.len);
	while (*place && (*place)->at <= at)
		place = &(*place)->next;
	f->next = *place;
	*place = f;
}

static void op_send(void *user, void *carrier, struct str head, struct str body)
{
	struct node *n = user;
	struct world *w = n->w;
	struct end *from = carrier;
	struct end *to = &from->conn->ends[from == &from->conn->ends[0]];
	bool blocked = *apart(w, from->conn) > w->now;

	if (!from->open || from->node != n)
		fail(w, "frame on a closed connection");
	if (!to->open)
		return;
	uint64_t at = w->now + 1 + below(w, w->delay);
	if (w->lossy) {
		if (blocked || (!w->calm && chance(w, w->loss)))
			return;
		if (!w->calm && chance(w, w->repeat))
			enqueue(w, to, head, body, at + below(w, 3 * w->delay));
	} else {
		/* A byte stream: late, but in order. */
		if (blocked)
			at = *apart(w, from->conn) + 1;
		if (at < to->last_at)
			at = to->last_at;
		to->last_at = at;
	}
	enqueue(w, to, head, body, at);
}

static void drop_frames(struct end *e)
{
	while (e->in) {
		struct frame_in_flight *f = e->in;
		e->in = f->next;
		free(f);
	}
}

/* This end is closed; the far one will notice unless the silence is complete. */
static void close_end(struct world *w, struct end *e, bool noticed)
{
	struct end *far = &e->conn->ends[e == &e->conn->ends[0]];

	if (!e->open)
		return;
	e->open = false;
	drop_frames(e);
	if (noticed && far->open && !far->fin_at)
		far->fin_at = (far->last_at > w->now ? far->last_at : w->now) + 1 + below(w, 20);
	if (e->node->role == LINK_INNER)
		e->node->dial_at[far->node->index] = w->now + 5 + below(w, 60);
}

static void op_close(void *user, void *carrier, const char *reason)
{
	struct node *n = user;

	close_end(n->w, carrier, true);
}

static bool op_can_send(void *user, void *carrier)
{
	struct end *e = carrier;
	struct world *w = ((struct node *)user)->w;

	if (w->congestion && !w->calm && chance(w, 20))
		e->congested = true;
	return !e->congested;
}

static uint64_t op_wall(void *user)
{
	struct node *n = user;

	return 1000000 + n->w->wall_shift * n->boot + n->w->now;
}

/* The programs. */

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
	if (r->sender_lost)
		return;
	struct link_tx *tx = tx_find(s->l, pair_of(r->pair));
	struct link_rx *rx = rx_find(n->l, h->channel);
	if (!tx || !rx || !tx->owner || !str_is(link_peer_id(tx->owner), n->id))
		fail(w, "written by a node that does not own the pair");
	else if (tx->epoch != rx->epoch)
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
	if (r->undelivered++)
		fail(w, "bounced twice");
	if (condition == COND_REJECT && !r->refused)
		fail(w, "bounced as rejected, but nobody did");
	if (condition == COND_INTERNAL && !r->poison)
		fail(w, "bounced as poison, but it is none");
	if (condition < COND_TIMEOUT || condition > COND_REACH)
		fail(w, "unknown condition");
	w->totals->bounced++;
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

static const struct link_ops ops = {
	.send = op_send,
	.close = op_close,
	.can_send = op_can_send,
	.wall_ms = op_wall,
	.choose = op_choose,
	.deliver = op_deliver,
	.undelivered = op_undelivered,
	.writable = op_writable,
	.expect = op_expect,
	.revoke = op_revoke,
	.peer_state = op_peer_state,
	.alarm = op_alarm,
};

static void start_node(struct node *n)
{
	struct link_settings s = link_settings_default;

	s.role = n->role;
	s.node = str_of(n->id);
	s.boot_id = n->index * 1000 + ++n->boot;
	if (n->role == LINK_INNER) {
		s.domains = &local_name;
		s.n_domains = 1;
	}
	s.catalogue = 7;
	s.window_records = WINDOW;
	s.window_bytes = 600;
	s.frame_bytes = 4096;
	s.channels_max = 4;
	s.heartbeat_ms = 20;
	s.dead_ms = 100;
	s.fence_ms = 80;
	s.stall_ms = 40;
	s.ack_records = 4;
	s.ack_ms = 3;
	s.queue_age_ms = 300;
	s.idle_ms = 600;
	s.refusal_ms = 60;
	s.cond_timeout = COND_TIMEOUT;
	s.cond_internal = COND_INTERNAL;
	s.cond_busy = COND_BUSY;
	n->l = link_new(&s, &ops, n);
	n->restart_at = 0;
	n->paused_until = 0;
	n->drain_until = 0;
	memset(n->blocked, 0, sizeof(n->blocked));
	memset(n->dial_at, 0, sizeof(n->dial_at));
}

static void stop_node(struct node *n, bool noticed)
{
	struct world *w = n->w;

	for (uint32_t i = 0; i < w->n_records; i++) {
		struct record *r = &w->records[i];
		if (r->sender == n->index && r->boot == n->boot && !r->sender_lost) {
			r->sender_lost = true;
			w->totals->lost_with_sender += !r->writes && !r->undelivered;
		}
	}
	for (struct conn *c = w->conns; c; c = c->next) {
		for (unsigned i = 0; i < 2; i++) {
			if (c->ends[i].node == n)
				close_end(w, &c->ends[i], noticed);
		}
	}
	link_free(n->l);
	n->l = NULL;
	n->n_hops = 0;
	memset(w->last_written[n->index], 0, sizeof(w->last_written[0]));
}

/* Actions. */

static void dial(struct world *w, struct node *inner, struct node *outer)
{
	for (struct conn *c = w->conns; c; c = c->next) {
		if (c->ends[0].open && c->ends[0].node == inner && c->ends[1].node == outer)
			return;
	}
	if (!outer->l || w->apart_until[inner->index][outer->index] > w->now) {
		inner->dial_at[outer->index] = w->now + 10 + below(w, 40);
		return;
	}
	struct conn *c = calloc(1, sizeof(*c));
	c->ends[0] = (struct end){ .conn = c, .node = inner, .open = true, .pending = true };
	c->ends[1] = (struct end){ .conn = c, .node = outer, .open = true, .pending = true };
	c->next = w->conns;
	w->conns = c;
	inner->dial_at[outer->index] = UINT64_MAX;
}

static void accept_end(struct end *e)
{
	struct node *n = e->node;
	struct end *far = &e->conn->ends[e == &e->conn->ends[0]];

	e->pending = false;
	e->peer = link_connected(n->l, str_of(far->node->id), e, n->w->now);
}

static void send_record(struct node *n, unsigned pair)
{
	struct world *w = n->w;
	char bytes[200];
	uint32_t index = w->n_records++;

	w->records[index] = (struct record){ .sender = (uint8_t)n->index,
		.boot = n->boot,
		.pair = (uint8_t)pair,
		.poison = w->poison && chance(w, 5),
		.refuse = w->rejects && chance(w, 20) };
	memset(bytes, (int)index & 127, sizeof(bytes));
	memcpy(bytes, &index, sizeof(index));
	w->totals->records++;
	TELL(w, "%s sends record %u of pair %u%s", n->id, index, pair,
		w->records[index].poison ? " (poison)" : "");
	n->blocked[pair] = !link_send(n->l, pair_of(pair), index + 1u, 3,
		str_from(bytes, sizeof(index) + below(w, sizeof(bytes) - sizeof(index))), w->now);
}

static void send_some(struct node *n, unsigned pair)
{
	struct world *w = n->w;
	unsigned burst = chance(w, 20) ? 12 : 1 + below(w, 3);

	n->send_at[pair] = w->now + 1 + below(w, chance(w, 20) ? 120 : 25);
	if (chance(w, 10))
		link_expect(n->l, pair_of(pair), w->now);
	while (burst-- && w->n_records < w->max_records && !n->blocked[pair])
		send_record(n, pair);
	if (w->n_records == w->max_records || w->calm)
		n->send_at[pair] = UINT64_MAX;
}

static void run_hop(struct node *n, struct hop *h)
{
	struct world *w = n->w;
	bool wait = false;

	for (unsigned i = 0; i < h->n;) {
		struct entry *e = &h->q[i];
		if (e->at > w->now || (e->state == QUEUED && wait)) {
			wait |= e->state == QUEUED;
			i++;
		} else if (e->state == WRITTEN) {
			settle_entry(n, h, i);
		} else if (e->refuse) {
			refuse_entry(n, h, i);
		} else if (!link_may_write(n->l, h->channel, w->now)) {
			e->at = w->now + 5;
			wait = true;
		} else {
			write_record(n, h, e);
			e->state = WRITTEN;
			if (w->late_acks && !w->calm)
				e->at = w->now + below(w, 30);
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

static uint64_t hop_event(const struct world *w, const struct hop *h)
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

static void fault(struct world *w, unsigned kinds)
{
	struct node *n = &w->nodes[below(w, w->n_nodes)];
	unsigned kind = below(w, 5);

	if (!(kinds & 1u << kind) || !n->l)
		return;
	TELL(w, "fault %u at %s", kind, n->id);
	switch (kind) {
	case 0: /* a connection breaks */
		for (struct conn *c = w->conns; c; c = c->next) {
			if (c->ends[0].node != n && c->ends[1].node != n)
				continue;
			drop_frames(&c->ends[0]);
			drop_frames(&c->ends[1]);
			c->ends[0].fin_at = w->now + below(w, 50);
			c->ends[1].fin_at = w->now + below(w, 50);
			w->totals->cuts++;
		}
		break;
	case 1: /* two nodes cannot hear each other */
		w->apart_until[below(w, w->n_inner)]
			      [w->n_inner + below(w, w->n_nodes - w->n_inner)] =
				      w->now + below(w, 400);
		w->totals->partitions++;
		break;
	case 2:
		n->paused_until = w->now + below(w, 300);
		w->totals->pauses++;
		break;
	case 3:
		stop_node(n, chance(w, 70));
		n->restart_at = w->now + 1 + below(w, 300);
		w->disturbed = true;
		w->totals->crashes++;
		break;
	case 4:
		link_drain(n->l, w->now);
		if (!n->drain_until)
			n->drain_until = w->now + below(w, 500);
		w->totals->drains++;
		break;
	default:
		break;
	}
}

/* The loop. */

static void run_engine(struct node *n)
{
	struct world *w = n->w;

	for (unsigned i = 0; link_deadline(n->l) <= w->now; i++) {
		if (i == 50) {
			fail(w, "the deadline does not move");
			return;
		}
		link_tick(n->l, w->now);
	}
}

static void run_end(struct world *w, struct end *e)
{
	struct node *n = e->node;

	if (!e->open || !is_up(n))
		return;
	if (e->pending)
		accept_end(e);
	while (e->open && e->in && e->in->at <= w->now) {
		struct frame_in_flight *f = e->in;
		e->in = f->next;
		/* A copy of exactly this size, so that a sanitizer sees each byte too many. */
		char *copy = malloc(f->len ? f->len : 1);
		memcpy(copy, f->bytes, f->len);
		link_input(n->l, e->peer, str_from(copy, f->len), w->now);
		free(copy);
		free(f);
	}
	if (e->open && e->congested && (w->calm || chance(w, 30))) {
		e->congested = false;
		link_carrier_writable(n->l, e->peer, w->now);
	}
	if (e->open && e->fin_at && e->fin_at <= w->now) {
		link_disconnected(n->l, e->peer, e, w->now);
		close_end(w, e, true);
	}
}

static void run_node(struct node *n)
{
	struct world *w = n->w;

	if (!n->l && n->restart_at && n->restart_at <= w->now)
		start_node(n);
	if (!is_up(n))
		return;
	bool tick_first = chance(w, 50);
	if (tick_first)
		run_engine(n);
	for (struct conn *c = w->conns; c; c = c->next) {
		for (unsigned i = 0; i < 2; i++) {
			if (c->ends[i].node == n)
				run_end(w, &c->ends[i]);
		}
	}
	for (size_t i = n->n_hops; i-- > 0;)
		run_hop(n, &n->hops[i]);
	for (unsigned i = 0; i < w->n_pairs; i++) {
		if (n->send_at[i] <= w->now)
			send_some(n, i);
	}
	if (n->role == LINK_INNER) {
		for (unsigned i = w->n_inner; i < w->n_nodes; i++) {
			if (n->dial_at[i] <= w->now)
				dial(w, n, &w->nodes[i]);
		}
	}
	if (chance(w, 50))
		link_flush(n->l, w->now);
	run_engine(n);
	if (n->drain_until && (link_drained(n->l) || n->drain_until <= w->now || w->calm)) {
		w->disturbed |= !link_drained(n->l);
		stop_node(n, true);
		n->restart_at = w->now + 1 + below(w, 50);
	}
}

static void free_dead_conns(struct world *w)
{
	for (struct conn **at = &w->conns; *at;) {
		struct conn *c = *at;
		if (c->ends[0].open || c->ends[1].open) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		drop_frames(&c->ends[0]);
		drop_frames(&c->ends[1]);
		free(c);
	}
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t node_event(const struct node *n)
{
	const struct world *w = n->w;

	if (!n->l)
		return n->restart_at ? n->restart_at : UINT64_MAX;
	uint64_t at = link_deadline(n->l);
	for (size_t i = 0; i < n->n_hops; i++)
		at = least(at, hop_event(w, &n->hops[i]));
	for (unsigned i = 0; i < w->n_pairs; i++)
		at = least(at, n->send_at[i]);
	for (unsigned i = w->n_inner; n->role == LINK_INNER && i < w->n_nodes; i++)
		at = least(at, n->dial_at[i]);
	if (n->drain_until)
		at = least(at, n->drain_until);
	for (const struct conn *c = w->conns; c; c = c->next) {
		const struct end *e = &c->ends[n->role == LINK_OUTER];
		if (e->node != n || !e->open)
			continue;
		if (e->pending || e->congested)
			at = least(at, w->now + 1);
		if (e->in)
			at = least(at, e->in->at);
		if (e->fin_at)
			at = least(at, e->fin_at);
	}
	return at < n->paused_until ? n->paused_until : at;
}

static void advance(struct world *w, uint64_t limit)
{
	uint64_t at = limit;

	for (unsigned i = 0; i < w->n_nodes; i++)
		at = least(at, node_event(&w->nodes[i]));
	w->now = at > w->now ? at : w->now + 1;
	for (unsigned i = 0; i < w->n_nodes && !w->wrong; i++)
		run_node(&w->nodes[i]);
	free_dead_conns(w);
}

static bool quiet(const struct world *w)
{
	for (unsigned i = 0; i < w->n_nodes; i++) {
		const struct node *n = &w->nodes[i];
		if (!n->l || n->l->tx_records || n->l->rx_untaken || n->n_hops > 1000)
			return false;
		for (unsigned k = 0; k < w->n_pairs; k++) {
			if (n->blocked[k])
				return false;
		}
	}
	return true;
}

static void calm_down(struct world *w)
{
	w->calm = true;
	memset(w->apart_until, 0, sizeof(w->apart_until));
	for (unsigned i = 0; i < w->n_nodes; i++) {
		struct node *n = &w->nodes[i];
		n->paused_until = 0;
		if (n->restart_at)
			n->restart_at = w->now + 1;
	}
}

static void check_records(struct world *w)
{
	for (uint32_t i = 0; i < w->n_records; i++) {
		const struct record *r = &w->records[i];
		if (r->sender_lost)
			continue;
		if (!r->writes && !r->undelivered)
			fail(w, "lost: neither written nor bounced");
		if (!w->disturbed && r->writes + r->undelivered != 1)
			fail(w, "not exactly once, although nothing was disturbed");
	}
	w->totals->strict += !w->disturbed;
}

/* Channels without traffic are forgotten, and the memory with them. */
static void check_idle(struct world *w)
{
	uint64_t end = w->now + 2000;

	while (w->now < end && !w->wrong)
		advance(w, end);
	for (unsigned i = 0; i < w->n_nodes; i++) {
		struct link *l = w->nodes[i].l;
		if (!list_empty(&l->txs))
			fail(w, "an idle sending channel stays");
		LIST_EACH (&l->peers, it) {
			if (!list_empty(&LIST_OWNER(it, struct link_peer, link)->rxs))
				fail(w, "an idle receiving channel stays");
		}
	}
}

static void set_up(struct world *w)
{
	w->now = 1000;
	w->n_inner = 1 + below(w, 2);
	w->n_nodes = w->n_inner + 1 + below(w, 3);
	w->n_pairs = 1 + below(w, PAIRS_MAX);
	w->lossy = chance(w, 40);
	w->loss = below(w, 25);
	w->repeat = below(w, 25);
	w->delay = 1 + below(w, chance(w, 20) ? 30 : 8);
	w->slow_hops = chance(w, 60);
	w->rejects = chance(w, 40);
	w->vanishing = chance(w, 30);
	w->late_acks = chance(w, 40);
	w->congestion = chance(w, 30);
	w->no_choice = chance(w, 20);
	w->poison = chance(w, 10);
	w->wall_shift = chance(w, 20) ? (uint64_t)-50 : 5;
	w->max_records = 40 + below(w, 160);
	for (unsigned i = 0; i < w->n_nodes; i++) {
		struct node *n = &w->nodes[i];
		n->w = w;
		n->index = i;
		n->role = i < w->n_inner ? LINK_INNER : LINK_OUTER;
		snprintf(n->id, sizeof(n->id), "%s-%u", n->role == LINK_INNER ? "inner" : "outer", i);
		start_node(n);
		for (unsigned k = 0; k < PAIRS_MAX; k++)
			n->send_at[k] = w->now + below(w, 100);
	}
}

static void tear_down(struct world *w)
{
	for (unsigned i = 0; i < w->n_nodes; i++) {
		if (w->nodes[i].l)
			stop_node(&w->nodes[i], false);
		free(w->nodes[i].hops);
	}
	for (struct conn *c = w->conns; c; c = c->next)
		c->ends[0].open = c->ends[1].open = false;
	free_dead_conns(w);
}

/* For the replay of one seed. */
static void print_world(const struct world *w)
{
	for (unsigned i = 0; i < w->n_nodes; i++) {
		const struct node *n = &w->nodes[i];
		struct buf b;
		struct json j;
		buf_init(&b, 1 << 20);
		json_init(&j, &b);
		json_object(&j, NULL);
		if (n->l)
			link_status(n->l, w->now, &j);
		json_end(&j);
		fprintf(stderr, "%s %.*s\n", n->id, STR_FMT(buf_bytes(&b)));
		for (size_t k = 0; n->l && k < n->l->n_numbers; k++) {
			const struct link_tx *tx = n->l->tx_by_number[k];
			if (tx)
				fprintf(stderr, "tx %zu: una %lu send %lu high %lu next %lu have %lu\n", k,
					tx->una, tx->send, tx->high, tx->next, tx->have);
		}
		for (size_t k = 0; n->l && k < n->l->n_rx_slots; k++) {
			const struct link_rx *rx = n->l->rx_slots[k]->rx;
			if (rx)
				fprintf(stderr, "rx %u from %s: una %lu taken %lu next %lu\n",
					rx->number, rx->peer->id.p, rx->una, rx->taken, rx->next);
		}
		buf_done(&b);
	}
}

const char *sim_run(uint64_t seed, struct sim_totals *totals, uint64_t *ret_at)
{
	static struct world world;
	struct world *w = &world;

	memset(w, 0, sizeof(*w));
	w->random = seed * 0x2545f4914f6cdd1d + 1;
	w->totals = totals;
	telling = getenv("SEED");
	totals->schedules++;
	set_up(w);
	unsigned kinds = chance(w, 25) ? 0 : below(w, 32);
	unsigned gap = 10 + below(w, 150);
	uint64_t end = w->now + 200 + below(w, 600);
	uint64_t fault_at = w->now + below(w, gap);
	while (w->now < end && !w->wrong) {
		advance(w, least(end, fault_at));
		if (fault_at <= w->now) {
			fault(w, kinds);
			fault_at = w->now + 1 + below(w, gap);
		}
	}
	calm_down(w);
	for (end = w->now + 3000; !quiet(w) && w->now < end && !w->wrong;)
		advance(w, end);
	if (!w->wrong && !quiet(w))
		fail(w, "not quiet in time");
	if (!w->wrong)
		check_records(w);
	if (!w->wrong && seed % 8 == 0)
		check_idle(w);
	*ret_at = w->now;
	if (w->wrong && telling)
		print_world(w);
	tear_down(w);
	return w->wrong;
}
