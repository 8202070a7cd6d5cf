/* SPDX-License-Identifier: Apache-2.0 */
/* The world: its nodes, the faults that befall them, time, and the account at the end. */
#include "sim_world.h"

bool sim_telling;
const struct str sim_foreign[PAIRS_MAX] = { STR("a.example"), STR("b.example"), STR("c.example") };
const struct str sim_local = STR("local.example");

static void start_node(struct node *n)
{
	struct link_settings s = link_settings_default;

	s.role = n->role;
	s.node = str_of(n->id);
	s.boot_id = n->index * 1000 + ++n->boot;
	if (n->role == LINK_INNER) {
		s.domains = &sim_local;
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
	s.idle_ms = n->w->short_idle ? 600 : 60000;
	s.refusal_ms = 60;
	s.home_ms = 50;
	s.cond_timeout = COND_TIMEOUT;
	s.cond_internal = COND_INTERNAL;
	s.cond_busy = COND_BUSY;
	s.table_ms = TABLE_MS;
	s.table_retry_ms = 15;
	s.table_asks = 2;
	s.follow_ms = 60;
	s.stay_ms = 100;
	s.alone_ms = n->w->alone ? 90 : 0;
	struct link_ops ops = sim_ops;
	ops.ask = n->w->shared ? sim_ask : NULL;
	n->l = link_new(&s, &ops, n);
	n->restart_at = 0;
	n->paused_until = 0;
	n->drain_until = n->hand_back_at = 0;
	n->cut = false;
	memset(n->blocked, 0, sizeof(n->blocked));
	memset(n->dial_at, 0, sizeof(n->dial_at));
}

/* Soon, sometimes so soon that the others have not noticed, and without one of the links that it had. */
static void restart_later(struct node *n)
{
	struct world *w = n->w;

	if (n->role == LINK_INNER && w->loses_inner) {
		w->loses_inner = false;
		n->gone = true;
		w->totals->gone++;
		TELL(w, "%s will not come back", n->id);
		return;
	}
	n->restart_at = w->now + 1 + below(w, chance(w, 50) ? 20 : 300);
	if (n->role == LINK_INNER && chance(w, 30))
		w->apart_until[n->index][w->n_inner + below(w, w->n_nodes - w->n_inner)] =
			w->now + below(w, 300);
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
				sim_close_end(w, &c->ends[i], noticed);
		}
	}
	link_free(n->l);
	n->l = NULL;
	n->n_hops = 0;
	n->died_at = w->now;
	memset(w->last_written[n->index], 0, sizeof(w->last_written[0]));
}

/* An operator moves a pair, or sets a node aside, or takes that back. */
static void order(struct node *n)
{
	struct world *w = n->w;
	struct link_pair pair = pair_of(below(w, w->n_pairs));
	unsigned far = n->role == LINK_INNER ? w->n_inner + below(w, w->n_nodes - w->n_inner)
					     : below(w, w->n_inner);
	struct str node = str_of(w->nodes[far].id);
	const char *refused = NULL;

	switch (below(w, 4)) {
	case 0:
		refused = link_set_aside(n->l, node, true, w->now);
		break;
	case 1:
		refused = link_set_aside(n->l, node, false, w->now);
		break;
	case 2:
		refused = link_unpin(n->l, pair);
		break;
	default:
		refused = link_move(n->l, pair, node, w->now);
		break;
	}
	if (!refused)
		w->totals->orders++;
}

/* An operator says of an inner that is dead that it is. */
static void expel(struct world *w, struct node *dead)
{
	if (dead->role != LINK_INNER || dead->l || dead->expelled == dead->boot ||
		w->now <= dead->died_at + 100)
		return;
	dead->expelled = dead->boot;
	w->totals->expelled++;
	for (unsigned i = 0; i < w->n_inner; i++) {
		if (w->nodes[i].l)
			link_expel(w->nodes[i].l, str_of(dead->id), dead->index * 1000 + dead->boot,
				w->now);
	}
}

/* No broker is there for a while. */
static void break_all(struct world *w)
{
	w->bus_down_until = w->now + below(w, 600);
	w->totals->outages++;
	for (struct conn *c = w->conns; c; c = c->next) {
		for (unsigned i = 0; i < 2; i++) {
			sim_drop_frames(&c->ends[i]);
			c->ends[i].fin_at = w->now + 1 + below(w, 30);
		}
	}
}

/* Its engine learns whether carriers work. */
static void notice_cut(struct node *n)
{
	bool down = n->w->bus_down_until > n->w->now;

	if (n->cut == down)
		return;
	n->cut = down;
	TELL(n->w, "%s has %s carrier", n->id, down ? "no" : "a");
	LIST_EACH (&n->l->peers, it) {
		struct link_peer *p = LIST_OWNER(it, struct link_peer, link);
		link_cut(n->l, p, down ? LINK_CUT_DOWN : LINK_CUT_NOT, n->w->now);
	}
}

static void fault(struct world *w, unsigned kinds)
{
	struct node *n = &w->nodes[below(w, w->n_nodes)];
	unsigned kind = below(w, 8);

	if (!(kinds & 1u << kind))
		return;
	if (kind == 6 && w->shared)
		sim_table_fault(w);
	if (kind == 7)
		expel(w, n);
	if (!n->l)
		return;
	TELL(w, "fault %u at %s", kind, n->id);
	switch (kind) {
	case 0: /* a connection breaks */
		for (struct conn *c = w->conns; c; c = c->next) {
			if (c->ends[0].node != n && c->ends[1].node != n)
				continue;
			sim_drop_frames(&c->ends[0]);
			sim_drop_frames(&c->ends[1]);
			c->ends[0].fin_at = w->now + below(w, 50);
			c->ends[1].fin_at = w->now + below(w, 50);
			w->totals->cuts++;
		}
		break;
	case 1: /* two nodes cannot hear each other, or there is no broker */
		if (chance(w, 20)) {
			break_all(w);
			break;
		}
		w->apart_until[below(w, w->n_inner)][w->n_inner +
			below(w, w->n_nodes - w->n_inner)] = w->now + below(w, 400);
		w->totals->partitions++;
		break;
	case 2:
		n->paused_until = w->now + below(w, 300);
		w->totals->pauses++;
		break;
	case 3:
		stop_node(n, chance(w, 70));
		restart_later(n);
		w->disturbed = true;
		w->totals->crashes++;
		break;
	case 4:
		link_drain(n->l, w->now);
		if (chance(w, 50))
			link_let_go(n->l, w->now);
		if (!n->drain_until) {
			unsigned ms = below(w, 500);
			n->drain_until = w->now + ms;
			n->hand_back_at = chance(w, 50) ? w->now + ms / 2 : 0;
		}
		w->totals->drains++;
		break;
	case 5:
		order(n);
		break;
	case 7:
		if (is_up(n) && chance(w, 20))
			link_hand_back(n->l, w->now);
		break;
	default:
		break;
	}
}

static void touch_all(struct world *w)
{
	for (unsigned i = 0; i < w->n_nodes; i++)
		sim_touch(&w->nodes[i]);
}

/* A node dies and nobody starts it again. */
static void bury(struct world *w)
{
	struct node *n = w->doomed;

	if (!n || n->gone || w->doom_at > w->now)
		return;
	TELL(w, "%s is gone for ever", n->id);
	if (n->l)
		stop_node(n, chance(w, 70));
	n->restart_at = 0;
	n->gone = w->disturbed = true;
	w->totals->gone++;
	touch_all(w);
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

/* From half of its time on, a node that drains gives back what no node has. */
static void hand_back(struct node *n)
{
	struct world *w = n->w;

	if (!n->drain_until || !n->hand_back_at || n->hand_back_at > w->now)
		return;
	TELL(w, "%s hands back", n->id);
	w->totals->hand_backs++;
	link_hand_back(n->l, w->now);
	LIST_EACH (&n->l->orphans, it) {
		if (LIST_OWNER(it, struct link_tx, owned)->q.count)
			fail(w, "kept, although it was to be handed back");
	}
	LIST_EACH (&n->l->txs, it) {
		const struct link_tx *tx = LIST_OWNER(it, struct link_tx, link);
		if (tx->owner && tx->q.count && peer_is_awaited(tx->owner, w->now))
			fail(w,
				"kept for a node that is not heard, although it was to be handed "
				"back");
	}
}

static void run_node(struct node *n)
{
	struct world *w = n->w;

	if (!n->l && n->restart_at && n->restart_at <= w->now)
		start_node(n);
	if (!is_up(n))
		return;
	notice_cut(n);
	bool tick_first = chance(w, 50);
	if (tick_first)
		run_engine(n);
	for (struct conn *c = w->conns; c; c = c->next) {
		for (unsigned i = 0; i < 2; i++) {
			if (c->ends[i].node == n)
				sim_run_end(w, &c->ends[i]);
		}
	}
	link_fence(n->l, w->now);
	for (size_t i = n->n_hops; i-- > 0;)
		sim_run_hop(n, &n->hops[i]);
	for (unsigned i = 0; i < w->n_pairs; i++) {
		if (n->send_at[i] <= w->now)
			sim_send_some(n, i);
	}
	if (n->role == LINK_INNER) {
		for (unsigned i = w->n_inner; i < w->n_nodes; i++) {
			if (n->dial_at[i] <= w->now)
				sim_dial(w, n, &w->nodes[i]);
		}
	}
	sim_forget(n);
	hand_back(n);
	if (chance(w, 50))
		link_flush(n->l, w->now);
	run_engine(n);
	if (n->drain_until && (link_drained(n->l) || n->drain_until <= w->now || w->calm)) {
		w->disturbed |= !link_drained(n->l);
		stop_node(n, true);
		n->restart_at = w->now + 1 + below(w, 50);
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
		at = least(at, sim_hop_event(w, &n->hops[i]));
	for (unsigned i = 0; i < w->n_pairs; i++)
		at = least(at, n->send_at[i]);
	for (unsigned i = w->n_inner; n->role == LINK_INNER && i < w->n_nodes; i++)
		at = least(at, n->dial_at[i]);
	if (n->cut)
		at = least(at, w->bus_down_until);
	if (n->drain_until)
		at = least(at, n->drain_until);
	if (n->drain_until && n->hand_back_at > w->now)
		at = least(at, n->hand_back_at);
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

	for (unsigned i = 0; i < w->n_nodes; i++) {
		struct node *n = &w->nodes[i];
		if (n->touched)
			n->event = node_event(n);
		n->touched = false;
		at = least(at, n->event);
	}
	if (w->table_events)
		at = least(at, w->table_events->at);
	w->now = at > w->now ? at : w->now + 1;
	sim_run_table(w);
	for (unsigned i = 0; i < w->n_nodes && !w->wrong; i++) {
		struct node *n = &w->nodes[i];
		if (n->event > w->now && !n->touched)
			continue;
		sim_touch(n);
		run_node(n);
	}
	sim_free_dead_conns(w);
}

static bool quiet(const struct world *w)
{
	for (unsigned i = 0; i < w->n_nodes; i++) {
		const struct node *n = &w->nodes[i];
		if (n->gone)
			continue;
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
	touch_all(w);
	for (unsigned i = 0; i < w->n_nodes; i++) {
		for (unsigned k = 0; w->nodes[i].l && k < w->n_pairs; k++)
			link_unpin(w->nodes[i].l, pair_of(k));
	}
	memset(w->apart_until, 0, sizeof(w->apart_until));
	w->table_down_until = w->bus_down_until = 0;
	for (unsigned i = 0; i < w->n_nodes; i++) {
		struct node *n = &w->nodes[i];
		n->paused_until = 0;
		n->table_cut_until = 0;
		if (n->restart_at)
			n->restart_at = w->now + 1;
	}
}

static void until_quiet(struct world *w)
{
	for (uint64_t end = w->now + 3000; !quiet(w) && w->now < end && !w->wrong;)
		advance(w, end);
	if (!w->wrong && !quiet(w))
		fail(w, "not quiet in time");
}

/* How many nodes of this role there are yet. */
static unsigned left_of(const struct world *w, enum link_role role)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->n_nodes; i++)
		n += w->nodes[i].role == role && !w->nodes[i].gone;
	return n;
}

/* Not so while a half-open connection waits for a greeting, which takes longer than this world. */
static bool all_linked(const struct world *w)
{
	for (unsigned i = 0; i < w->n_nodes; i++) {
		struct link *l = w->nodes[i].l;
		enum link_role far = w->nodes[i].role == LINK_INNER ? LINK_OUTER : LINK_INNER;
		unsigned up = 0;
		if (w->nodes[i].gone)
			continue;
		if (!l || !left_of(w, far))
			return false;
		LIST_EACH (&l->peers, it)
			up += link_peer_up(LIST_OWNER(it, struct link_peer, link));
		if (up != left_of(w, far))
			return false;
	}
	return true;
}

/*
 * Nobody starves: when all is well again, and all orders are taken back, no record comes back for want of a node,
 * wherever the faults have left its pair.
 */
static void say_last_word(struct world *w)
{
	/* Refusals are forgotten by then, and nodes that drained are back. */
	for (uint64_t end = w->now + 150; w->now < end && !w->wrong;)
		advance(w, end);
	until_quiet(w);
	if (w->wrong || !all_linked(w))
		return;
	w->totals->last_words++;
	for (unsigned i = 0; i < w->n_nodes; i++) {
		struct node *n = &w->nodes[i];
		if (n->gone)
			continue;
		for (unsigned k = 0; k < w->n_nodes; k++)
			link_set_aside(n->l, str_of(w->nodes[k].id), false, w->now);
		for (unsigned k = 0; k < w->n_pairs; k++)
			sim_send_good(n, k);
	}
	touch_all(w);
	until_quiet(w);
}

static bool is_owner(struct world *w, unsigned pair, const struct node *n)
{
	struct lease entry;

	return lease_read(sim_table_value(w, pair), &entry) && str_is(entry.owner, n->id);
}

static bool some_are_gone(const struct world *w)
{
	bool gone = false;

	for (unsigned i = 0; i < w->n_inner; i++)
		gone |= w->nodes[i].gone;
	return gone;
}

/* All is well, and an operator moves a pair at one inner: the others follow, at the first try or at a later one. */
static void give_last_order(struct world *w)
{
	struct node *n = &w->nodes[0], *to = &w->nodes[w->n_nodes - 1];

	if (!w->shared || w->alone || w->n_nodes - w->n_inner < 2 || some_are_gone(w) ||
		!all_linked(w))
		return;
	if (is_owner(w, 0, to))
		to--;
	if (link_move(n->l, pair_of(0), str_of(to->id), w->now))
		return;
	TELL(w, "%s is told to move pair 0 to %s", n->id, to->id);
	w->totals->last_orders++;
	for (uint64_t end = w->now + 5000; !is_owner(w, 0, to) && w->now < end && !w->wrong;) {
		sim_send_good(n, 0);
		touch_all(w);
		for (uint64_t next = w->now + 100; w->now < next && !w->wrong;)
			advance(w, next);
	}
	/* What another inner wished meanwhile ends the order. */
	const struct link_tx *tx = tx_find(n->l, pair_of(0));
	if (!w->wrong && !is_owner(w, 0, to) && tx && tx->pinned)
		fail(w, "others do not follow");
	link_unpin(n->l, pair_of(0));
	until_quiet(w);
}

static void check_records(struct world *w)
{
	for (uint32_t i = 0; i < w->n_records; i++) {
		const struct record *r = &w->records[i];
		if (r->sender_lost || r->forgotten)
			continue;
		if (!r->writes && !r->undelivered)
			fail(w, "lost: neither written nor bounced");
		if (r->settled != 1)
			fail(w, "the sender was not told once that it is settled");
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
		if (!l)
			continue;
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
	w->n_inner = 1 + below(w, 3);
	w->n_nodes = w->n_inner + 1 + below(w, 3);
	w->shared = chance(w, 60);
	w->alone = w->shared && chance(w, 15);
	w->loses_inner = w->shared && w->n_inner > 1 && chance(w, 25);
	w->table_loss = chance(w, 50) ? below(w, 30) : 0;
	w->table_stale = chance(w, 50) ? below(w, 60) : 0;
	w->totals->shared += w->shared;
	w->n_pairs = 1 + below(w, PAIRS_MAX);
	w->lossy = chance(w, 40);
	w->loss = below(w, 25);
	w->repeat = below(w, 25);
	w->delay = 1 + below(w, chance(w, 20) ? 30 : 8);
	w->slow_hops = chance(w, 60);
	w->slow_readers = chance(w, 40);
	w->rejects = chance(w, 40);
	w->vanishing = chance(w, 30);
	w->late_acks = chance(w, 40);
	w->congestion = chance(w, 30);
	w->no_choice = chance(w, 20);
	w->poison = chance(w, 10);
	/* What was taken may be forgotten before the sender could hear of it. */
	w->short_idle = w->disturbed = chance(w, 30);
	w->wall_shift = chance(w, 20) ? (uint64_t)-50 : 5;
	w->max_records = 40 + below(w, 160);
	for (unsigned i = 0; i < w->n_nodes; i++) {
		struct node *n = &w->nodes[i];
		n->w = w;
		n->index = i;
		n->role = i < w->n_inner ? LINK_INNER : LINK_OUTER;
		snprintf(n->id, sizeof(n->id), "%s-%u", n->role == LINK_INNER ? "inner" : "outer",
			i);
		start_node(n);
		sim_touch(n);
		for (unsigned k = 0; k < PAIRS_MAX; k++)
			n->send_at[k] = w->now + below(w, 100);
	}
	if (!w->shared && chance(w, 25)) {
		w->doomed = &w->nodes[below(w, w->n_nodes)];
		w->doom_at = w->now + below(w, 500);
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
	sim_free_dead_conns(w);
	sim_table_done(w);
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
			link_status(n->l, w->now, &(struct excerpt){ 0 }, &j);
		json_end(&j);
		fprintf(stderr, "%s %.*s\n", n->id, STR_FMT(buf_bytes(&b)));
		for (size_t k = 0; n->l && k < n->l->n_numbers; k++) {
			const struct link_tx *tx = n->l->tx_by_number[k];
			if (tx)
				fprintf(stderr,
					"tx %zu: una %lu send %lu high %lu next %lu have %lu\n", k,
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
	sim_telling = getenv("SEED");
	totals->schedules++;
	set_up(w);
	unsigned kinds = chance(w, 25) ? 0 : below(w, 256);
	unsigned gap = 10 + below(w, 150);
	uint64_t end = w->now + 200 + below(w, 600);
	uint64_t fault_at = w->now + below(w, gap);
	while (w->now < end && !w->wrong) {
		advance(w,
			least(end,
				w->doomed && !w->doomed->gone ? least(fault_at, w->doom_at)
							      : fault_at));
		bury(w);
		if (fault_at <= w->now) {
			fault(w, kinds);
			touch_all(w);
			fault_at = w->now + 1 + below(w, gap);
		}
	}
	calm_down(w);
	until_quiet(w);
	if (!w->wrong)
		say_last_word(w);
	if (!w->wrong)
		give_last_order(w);
	if (!w->wrong)
		check_records(w);
	if (!w->wrong && w->short_idle && seed % 4 == 0)
		check_idle(w);
	*ret_at = w->now;
	if (w->wrong && sim_telling)
		print_world(w);
	tear_down(w);
	return w->wrong;
}
