/* SPDX-License-Identifier: Apache-2.0 */
/* Carriers: a byte stream that breaks, or datagrams that get lost, repeated and reordered. */
#include "sim_world.h"

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
	sim_touch(to->node);
}

void sim_send(void *user, void *carrier, struct str head, struct str body)
{
	struct node *n = user;
	struct world *w = n->w;
	struct end *from = carrier;
	struct end *to = &from->conn->ends[from == &from->conn->ends[0]];
	bool blocked = *apart(w, from->conn) > w->now;

	if (!from->open || from->node != n)
		fail(w, "frame on a closed connection");
	if (!to->open || w->bus_down_until > w->now)
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

void sim_drop_frames(struct end *e)
{
	while (e->in) {
		struct frame_in_flight *f = e->in;
		e->in = f->next;
		free(f);
	}
}

/* This end is closed; the far one will notice unless the silence is complete. */
void sim_close_end(struct world *w, struct end *e, bool noticed)
{
	struct end *far = &e->conn->ends[e == &e->conn->ends[0]];

	if (!e->open)
		return;
	e->open = false;
	sim_drop_frames(e);
	sim_touch(e->node);
	sim_touch(far->node);
	if (noticed && far->open && !far->fin_at)
		far->fin_at = (far->last_at > w->now ? far->last_at : w->now) + 1 + below(w, 20);
	if (e->node->role == LINK_INNER)
		e->node->dial_at[far->node->index] = w->now + 5 + below(w, 60);
}

void sim_close(void *user, void *carrier, const char *reason)
{
	struct node *n = user;

	sim_close_end(n->w, carrier, true);
}

bool sim_can_send(void *user, void *carrier)
{
	struct end *e = carrier;
	struct world *w = ((struct node *)user)->w;

	if (w->congestion && !w->calm && chance(w, 20))
		e->congested = true;
	return !e->congested;
}

void sim_dial(struct world *w, struct node *inner, struct node *outer)
{
	for (struct conn *c = w->conns; c; c = c->next) {
		if (c->ends[0].open && c->ends[0].node == inner && c->ends[1].node == outer)
			return;
	}
	if (!outer->l || w->apart_until[inner->index][outer->index] > w->now ||
		w->bus_down_until > w->now) {
		inner->dial_at[outer->index] = w->now + 10 + below(w, 40);
		return;
	}
	struct conn *c = calloc(1, sizeof(*c));
	c->ends[0] = (struct end){ .conn = c, .node = inner, .open = true, .pending = true };
	c->ends[1] = (struct end){ .conn = c, .node = outer, .open = true, .pending = true };
	c->next = w->conns;
	w->conns = c;
	inner->dial_at[outer->index] = UINT64_MAX;
	sim_touch(outer);
}

static void accept_end(struct end *e)
{
	struct node *n = e->node;
	struct end *far = &e->conn->ends[e == &e->conn->ends[0]];

	e->pending = false;
	e->peer = link_connected(n->l, str_of(far->node->id), e, n->w->now);
}

void sim_run_end(struct world *w, struct end *e)
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
		sim_close_end(w, e, true);
	}
}

void sim_free_dead_conns(struct world *w)
{
	for (struct conn **at = &w->conns; *at;) {
		struct conn *c = *at;
		if (c->ends[0].open || c->ends[1].open) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		sim_drop_frames(&c->ends[0]);
		sim_drop_frames(&c->ends[1]);
		free(c);
	}
}
