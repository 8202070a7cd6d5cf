/* SPDX-License-Identifier: Apache-2.0 */
#include "lab.h"

const struct link_pair lab_one = { STR("l.example"), STR("one.example") };
const struct link_pair lab_two = { STR("l.example"), STR("two.example") };

static void op_send(void *user, void *carrier, struct str head, struct str body)
{
	struct lab_conn *c = carrier;
	struct lab *lab = c->from->lab;

	assert_true(c->open);
	lab->n_frames++;
	if (lab->n_frames - 1 == lab->lose_at)
		c->broken = true;
	if (c->broken)
		return;
	struct lab_frame *f = malloc(sizeof(*f) + head.len + body.len);
	f->next = NULL;
	f->len = head.len + body.len;
	memcpy(f->bytes, head.p, head.len);
	memcpy(f->bytes + head.len, body.p, body.len);
	*c->last = f;
	c->last = &f->next;
}

void lab_drop_frames(struct lab_conn *c)
{
	while (c->frames) {
		struct lab_frame *f = c->frames;
		c->frames = f->next;
		free(f);
	}
	c->last = &c->frames;
}

static struct lab_conn *back(struct lab_conn *c)
{
	struct lab *lab = c->from->lab;

	return &lab->conns[c->to - lab->nodes][c->from - lab->nodes];
}

static void op_close(void *user, void *carrier, const char *reason)
{
	struct lab_conn *c = carrier;

	buf_printf(&c->from->lab->log, "%s closes %s: %s\n", c->from->id, c->to->id, reason);
	c->open = false;
}

static bool op_can_send(void *user, void *carrier)
{
	return !((struct lab_conn *)carrier)->full;
}

static uint64_t op_wall(void *user)
{
	return ((struct lab_node *)user)->lab->now;
}

static struct link_peer *op_choose(
	void *user, struct link_pair pair, struct link_peer *const *live, size_t n)
{
	struct lab_node *node = user;

	for (size_t i = 0; i < n; i++) {
		if (str_is(link_peer_id(live[i]), node->lab->nodes[node->lab->prefer].id))
			return live[i];
	}
	return live[0];
}

static enum link_verdict op_deliver(void *user, const struct link_delivery *d, const char **reason)
{
	struct lab_node *n = user;

	buf_printf(&n->lab->log, "%s: %.*s\n", n->id, STR_FMT(d->record));
	n->channel = d->channel;
	if (n->program == TAKE)
		link_taken(n->l, d->channel, d->seq, n->lab->now);
	else if (n->program == REJECT)
		link_reject(n->l, d->channel, d->seq, NO, "not here", n->lab->now);
	else
		n->held[n->n_held++ % 64] = d->seq;
	return LINK_ACCEPT;
}

static void op_undelivered(void *user, struct link_pair pair, uint64_t trace, struct str record,
	unsigned condition, struct str text)
{
	struct lab_node *n = user;

	buf_printf(&n->lab->log, "%s bounces %.*s: %u %.*s\n", n->id, STR_FMT(record), condition,
		STR_FMT(text));
}

static void op_settled(void *user, uint64_t receipt)
{
	struct lab_node *n = user;

	if (n->lab->tell_settled)
		buf_printf(&n->lab->log, "%s settled %u\n", n->id, (unsigned)receipt);
}

static void op_writable(void *user, struct link_pair pair)
{
	struct lab_node *n = user;

	buf_printf(&n->lab->log, "%s may write %.*s\n", n->id, STR_FMT(pair.foreign));
}

static void op_expect(void *user, struct link_pair pair)
{
	struct lab_node *n = user;

	buf_printf(&n->lab->log, "%s expects %.*s\n", n->id, STR_FMT(pair.foreign));
}

static void op_revoke(void *user, struct link_pair pair, uint64_t channel)
{
	struct lab_node *n = user;

	buf_printf(&n->lab->log, "%s loses %.*s\n", n->id, STR_FMT(pair.foreign));
}

static void op_peer_state(void *user, struct link_peer *peer, bool up, const char *why)
{
	struct lab_node *n = user;

	if (!up && !n->lab->no_news)
		buf_printf(&n->lab->log, "%s misses %.*s\n", n->id, STR_FMT(link_peer_id(peer)));
}

static void op_alarm(void *user, struct link_peer *peer, const char *reason)
{
	fail_msg("alarm: %s", reason);
}

static void op_ask(void *user, uint64_t ticket, struct link_pair pair, uint64_t revision,
	struct str old, struct str value)
{
	struct lab_node *n = user;
	struct buf *log = &n->lab->log;
	struct lease entry;

	n->lab->ticket = ticket;
	assert_true(old.len == 0 || lease_read(old, &entry));
	buf_printf(log, "asks %u:", (unsigned)revision);
	if (value.len == 0) {
		buf_printf(log, " remove\n");
		return;
	}
	assert_true(lease_read(value, &entry));
	assert_true(str_eq(entry.pair.foreign, pair.foreign));
	buf_printf(log, " %.*s", STR_FMT(entry.owner));
	if (entry.wish.len)
		buf_printf(log, " (%.*s!)", STR_FMT(entry.wish));
	for (size_t i = 0; i < entry.n_holders; i++)
		buf_printf(log, " %.*s/%u", STR_FMT(entry.holders[i].node),
			(unsigned)entry.holders[i].boot);
	buf_printf(log, "\n");
}

const struct link_ops lab_ops = {
	.send = op_send,
	.close = op_close,
	.can_send = op_can_send,
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

void lab_start(struct lab *lab, unsigned i)
{
	struct link_settings s = link_settings_default;
	struct lab_node *n = &lab->nodes[i];

	s.role = i == INNER ? LINK_INNER : LINK_OUTER;
	s.node = str_of(n->id);
	s.boot_id = 100 * i + ++n->boot;
	s.domains = &lab_one.local;
	s.n_domains = i == INNER;
	s.window_records = 8;
	s.window_bytes = 4096;
	s.frame_bytes = 8192;
	s.channels_max = 4;
	s.cond_timeout = TIMEOUT;
	s.cond_internal = INTERNAL;
	s.cond_busy = BUSY;
	s.alone_ms = n->lab->alone_ms;
	struct link_ops ops = lab_ops;
	ops.ask = n->lab->shared ? op_ask : NULL;
	n->l = link_new(&s, &ops, n);
	n->n_held = 0;
}

void lab_connect(struct lab *lab, unsigned outer)
{
	struct lab_conn *there = &lab->conns[INNER][outer], *here = &lab->conns[outer][INNER];

	lab_drop_frames(there);
	lab_drop_frames(here);
	there->open = here->open = true;
	there->broken = here->broken = false;
	there->peer =
		link_connected(lab->nodes[INNER].l, str_of(lab->nodes[outer].id), there, lab->now);
	here->peer =
		link_connected(lab->nodes[outer].l, str_of(lab->nodes[INNER].id), here, lab->now);
}

void lab_cut(struct lab *lab, unsigned outer)
{
	struct lab_conn *there = &lab->conns[INNER][outer], *here = &lab->conns[outer][INNER];

	there->open = here->open = false;
	lab_drop_frames(there);
	lab_drop_frames(here);
	link_disconnected(lab->nodes[INNER].l, there->peer, there, lab->now);
	if (lab->nodes[outer].l)
		link_disconnected(lab->nodes[outer].l, here->peer, here, lab->now);
}

void lab_crash(struct lab *lab, unsigned outer)
{
	link_free(lab->nodes[outer].l);
	lab->nodes[outer].l = NULL;
	lab_cut(lab, outer);
}

void lab_talk(struct lab *lab)
{
	bool busy = true;

	while (busy) {
		busy = false;
		for (unsigned i = 0; i < NODES * NODES; i++) {
			struct lab_conn *c = &lab->conns[i / NODES][i % NODES];
			struct lab_frame *f = c->frames;
			if (!f)
				continue;
			busy = true;
			c->frames = f->next;
			if (!c->frames)
				c->last = &c->frames;
			if (back(c)->open)
				link_input(c->to->l, back(c)->peer, str_from(f->bytes, f->len),
					lab->now);
			free(f);
		}
	}
}

void lab_tick(struct lab *lab)
{
	for (unsigned i = 0; i < NODES; i++) {
		if (lab->nodes[i].l)
			link_tick(lab->nodes[i].l, lab->now);
	}
}

void lab_pass(struct lab *lab, unsigned ms, unsigned awake)
{
	for (uint64_t end = lab->now + ms; lab->now < end;) {
		lab->now += 5;
		for (unsigned i = 0; i < NODES; i++) {
			if (lab->nodes[i].l && awake & 1u << i)
				link_tick(lab->nodes[i].l, lab->now);
		}
		if (awake == 7)
			lab_talk(lab);
	}
}

void lab_init(struct lab *lab, unsigned outers)
{
	static const char *const ids[] = { "inner", "a", "b" };

	memset(lab, 0, sizeof(*lab));
	lab->now = 10000;
	lab->lose_at = -1;
	lab->prefer = OUTER_A;
	buf_init(&lab->log, 1 << 20);
	for (unsigned i = 0; i < NODES; i++) {
		lab->nodes[i].lab = lab;
		lab->nodes[i].id = ids[i];
		for (unsigned k = 0; k < NODES; k++) {
			lab->conns[i][k] =
				(struct lab_conn){ .from = &lab->nodes[i], .to = &lab->nodes[k] };
			lab->conns[i][k].last = &lab->conns[i][k].frames;
		}
		lab_start(lab, i);
	}
	for (unsigned i = 0; i < outers; i++)
		lab_connect(lab, OUTER_A + i);
	lab_talk(lab);
}

void lab_init_shared(struct lab *lab, unsigned outers)
{
	lab_init(lab, 0);
	link_free(lab->nodes[INNER].l);
	lab->shared = true;
	lab_start(lab, INNER);
	for (unsigned i = 0; i < outers; i++)
		lab_connect(lab, OUTER_A + i);
	lab_talk(lab);
	buf_clear(&lab->log, 0);
}

void lab_done(struct lab *lab)
{
	for (unsigned i = 0; i < NODES; i++) {
		link_free(lab->nodes[i].l);
		for (unsigned k = 0; k < NODES; k++)
			lab_drop_frames(&lab->conns[i][k]);
	}
	buf_done(&lab->log);
}

bool lab_send(struct lab *lab, unsigned node, struct link_pair pair, const char *record)
{
	return link_send(lab->nodes[node].l, pair,
		&(struct link_out){
			.trace = 1, .receipt = ++lab->n_sent, .record = str_of(record) },
		lab->now);
}
