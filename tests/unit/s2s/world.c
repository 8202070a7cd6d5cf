/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"

enum { LOG_MAX = 1 << 20 };

/* Is the word in the space separated list? */
static bool listed(const char *list, struct str word)
{
	for (const char *p = list; p && *p;) {
		size_t n = strcspn(p, " ");
		if (str_eq(str_from(p, n), word))
			return true;
		p += n + (p[n] == ' ');
	}
	return false;
}

static bool op_plays(void *user, struct str us)
{
	return listed(((struct node *)user)->domains, us);
}

static struct str component_of(const struct node *n, struct str us, struct str them)
{
	bool by_one = str_is(us, "b.example") || (n->component_b2 && str_is(us, "b2.example"));

	if (!n->component || !by_one || !listed(n->component, them))
		return STRL("");
	return str_from(n->component, strcspn(n->component, " "));
}

static struct s2s_rule op_rule(void *user, struct str us, struct str them)
{
	const struct node *n = user;
	char pair[600];

	snprintf(pair, sizeof(pair), "%.*s>%.*s", STR_FMT(us), STR_FMT(them));
	return (struct s2s_rule){
		.allowed = !listed(n->bad_pairs, str_of(pair)),
		.tls_required = !n->no_tls || (n->component_b2 && str_is(us, "b2.example")),
		.accept_certificate = !n->no_pkix,
		.accept_dialback = !n->no_dialback,
		.bidi = n->bidi,
		.redirect = n->redirect,
		.share = n->share,
		.component = component_of(n, us, them),
	};
}

/* Not a digest, but it names everything it should. */
static bool op_handshake(
	void *user, struct str us, struct str them, struct str id, char ret_hex[41])
{
	snprintf(ret_hex, 41, "%.*s/%.*s/%.*s", STR_FMT(us), STR_FMT(them), STR_FMT(id));
	return !((struct node *)user)->no_creds;
}

static bool op_credentials(void *user, struct str us)
{
	return !((struct node *)user)->no_creds;
}

/* Not a MAC, but it depends on everything it should. */
static void op_dialback_key(
	void *user, struct str to, struct str from, struct str id, char ret_hex[65])
{
	uint64_t h = 1469598103934665603u;
	struct str parts[] = { to, STRL(" "), from, STRL(" "), id, STRL(" secret") };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		for (size_t k = 0; k < parts[i].len; k++)
			h = (h ^ (unsigned char)parts[i].p[k]) * 1099511628211u;
	}
	for (int i = 0; i < 4; i++)
		snprintf(ret_hex + 16 * i, 17, "%016llx", (unsigned long long)(h + (uint64_t)i));
}

static bool op_dialback_check(
	void *user, struct str to, struct str from, struct str id, struct str key)
{
	char good[65];

	op_dialback_key(user, to, from, id, good);
	return str_is(key, good);
}

static bool op_may_write(void *user, struct s2s_token token)
{
	const struct node *n = user;

	return !n->fenced && (!n->gone || token.channel != n->gone);
}

static void op_connect(void *user, struct s2s_stream *s, struct str us, struct str them)
{
	struct node *n = user;

	n->connects++;
	if (n->n_connecting < sizeof(n->connecting) / sizeof(n->connecting[0]))
		n->connecting[n->n_connecting++] = s;
}

static void drop_connecting(struct node *n, unsigned i)
{
	n->n_connecting--;
	memmove(n->connecting + i, n->connecting + i + 1,
		(n->n_connecting - i) * sizeof(n->connecting[0]));
}

/* The oldest connect that was not answered, or NULL. */
static struct s2s_stream *take_connecting(struct node *n)
{
	struct s2s_stream *s = n->connecting[0];

	if (!n->n_connecting)
		return NULL;
	drop_connecting(n, 0);
	return s;
}

static void op_cancel(void *user, struct s2s_stream *s)
{
	struct node *n = user;

	n->cancels++;
	for (unsigned i = 0; i < n->n_connecting; i++) {
		if (n->connecting[i] == s)
			drop_connecting(n, i);
	}
}

static void op_write(void *user, void *transport, struct str bytes)
{
	struct wire *w = transport;

	check(!w->closing && !w->dead && !w->wants_tls);
	w->writes++;
	w->written += bytes.len;
	if (!w->other->dead)
		check(buf_append(&w->other->in, bytes));
}

static void op_start_tls(void *user, void *transport, bool server, struct str us, struct str them)
{
	struct wire *w = transport;

	check(!w->tls && !w->wants_tls);
	w->wants_tls = true;
	w->sni = str_dup(server ? us : them);
}

static void op_certificate(
	void *user, void *transport, struct str us, struct str them, struct s2s_certified *ret)
{
	struct node *n = user;
	const struct wire *w = transport;

	check(w->tls && ret->cert == S2S_CERT_NONE);
	n->asked++;
	ret->why = "self-signed";
	ret->cert = S2S_CERT_BAD;
	if (n->later)
		ret->cert = S2S_CERT_LATER;
	else if (listed(n->denied, them))
		ret->cert = S2S_CERT_DENIED;
	else if (listed(n->trusted, them))
		ret->cert = S2S_CERT_VALID;
	ret->proof = n->proof ? n->proof : S2S_PROOF_PKIX;
	ret->said[ret->n_said++] = (struct s2s_said){ ret->proof, "no", ret->why };
}

static const char *op_tls_version(void *user, void *transport)
{
	return ((struct wire *)transport)->tls ? "TLSv1.3" : NULL;
}

static void op_pause(void *user, void *transport, bool paused)
{
	((struct wire *)transport)->paused = paused;
}

static void op_close(void *user, void *transport)
{
	struct wire *w = transport;

	check(!w->closing || w->cut);
	w->closing = true;
}

/* What the kernel did not take never arrives. */
static void op_cut(void *user, void *transport, bool all)
{
	struct wire *w = transport;

	check(!w->cut);
	w->cut = w->closing = true;
	w->cut_all = all;
	buf_truncate(&w->other->in, buf_len(&w->other->in) - (size_t)(w->written - w->taken));
	w->stuck = false;
}

static bool op_give_up(void *user, void *transport)
{
	struct wire *w = transport;

	w->closing |= ((struct node *)user)->vanished;
	return w->closing;
}

static void op_pair_named(void *user, struct str us, struct str them)
{
	((struct node *)user)->named++;
}

static bool op_stanza(void *user, const struct s2s_stanza *st)
{
	struct node *n = user;
	const struct xml_node *body = xml_child(st->node, STRL("jabber:server"), "body");

	check(str_eq(st->from.domain, st->them) && str_eq(st->to.domain, st->us));
	buf_printf(&n->stanzas, "%.*s>%.*s %s %.*s [%.*s]\n", STR_FMT(st->from.full),
		STR_FMT(st->to.full), s2s_proof_name(st->proof),
		(int)(body ? xml_text(body).len : 0), body ? xml_text(body).p : "",
		STR_FMT(st->lang));
	n->received++;
	n->excess[st->excess]++;
	if (!n->hold_receipts)
		s2s_handled(n->face, st->receipt);
	else if (n->n_receipts < sizeof(n->receipts) / sizeof(n->receipts[0]))
		n->receipts[n->n_receipts++] = st->receipt;
	if (n->bounce) {
		enum s2s_failure failure;
		const char *text;
		s2s_send(n->face, st->us, st->them, STRL("<message from=\"bounce\"/>"),
			(struct s2s_token){ 0 }, n->world->now, &failure, &text);
	}
	return n->room == 0 || n->received % n->room != 0;
}

static void op_sent(void *user, struct str us, struct str them, struct s2s_token token)
{
	struct node *n = user;

	n->sent++;
	n->last_sent = token;
}

static void op_unsent(void *user, struct str us, struct str them, struct s2s_token token,
	enum s2s_failure failure, const char *text)
{
	struct node *n = user;

	n->unsent++;
	n->last_unsent = token;
	n->last_failure = failure;
	n->last_text = text;
}

static void op_event(void *user, const struct s2s_event *e)
{
	struct node *n = user;

	buf_printf(&n->log, "%s %s %s %.*s>%.*s %s %.*s\n", e->event, e->incoming ? "in" : "out",
		e->reason ? e->reason : "-", STR_FMT(e->us), STR_FMT(e->them),
		s2s_proof_name(e->proof), STR_FMT(e->text));
}

static bool op_redirect(void *user, void *transport, struct str host)
{
	struct node *n = user;

	buf_printf(&n->log, "elsewhere %.*s\n", STR_FMT(host));
	n->led_elsewhere = host.len;
	return host.len;
}

static bool op_may_ask(void *user, void *transport)
{
	const struct node *n = user;

	return !n->asks_most || n->asks < n->asks_most;
}

static void op_asks(void *user, void *transport)
{
	((struct node *)user)->asks++;
}

static bool op_may_answer(void *user, void *transport)
{
	struct node *n = user;

	return !n->answers_most || n->answers++ < n->answers_most;
}

static bool op_another(void *user, void *transport)
{
	struct node *n = user;
	bool led = n->led_elsewhere;

	n->led_elsewhere = false;
	return led;
}

static bool op_tls_waits(void *user, void *transport)
{
	struct node *n = user;

	return n->tls_waits && n->tls_waits--;
}

static const struct s2s_ops ops = {
	.tls_waits = op_tls_waits,
	.redirect = op_redirect,
	.another = op_another,
	.plays = op_plays,
	.rule = op_rule,
	.handshake = op_handshake,
	.credentials = op_credentials,
	.dialback_key = op_dialback_key,
	.dialback_check = op_dialback_check,
	.may_write = op_may_write,
	.connect = op_connect,
	.cancel = op_cancel,
	.write = op_write,
	.start_tls = op_start_tls,
	.certificate = op_certificate,
	.tls_version = op_tls_version,
	.pause = op_pause,
	.close = op_close,
	.cut = op_cut,
	.give_up = op_give_up,
	.pair_named = op_pair_named,
	.stanza = op_stanza,
	.sent = op_sent,
	.unsent = op_unsent,
	.event = op_event,
	.may_ask = op_may_ask,
	.asks = op_asks,
	.may_answer = op_may_answer,
};

void world_init(struct world *w, bool byte_by_byte)
{
	*w = (struct world){ .now = 1000000, .byte_by_byte = byte_by_byte };
	w->settings = s2s_settings_default;
	list_init(&w->wires);
}

static void wire_free(struct wire *w)
{
	list_remove(&w->link);
	buf_done(&w->in);
	buf_done(&w->seen);
	str_free(&w->sni);
	free(w);
}

void world_done(struct world *w)
{
	LIST_EACH_SAFE (&w->wires, it) {
		wire_free(LIST_OWNER(it, struct wire, link));
	}
}

void node_init(struct node *n, struct world *w, const char *domains)
{
	*n = (struct node){ .world = w, .domains = domains };
	buf_init(&n->log, LOG_MAX);
	buf_init(&n->stanzas, LOG_MAX);
	n->face = s2s_face_new(&w->settings, &ops, n);
}

static void report_closed(struct wire *w, const char *text)
{
	if (w->dead)
		return;
	w->dead = true;
	if (w->node)
		s2s_closed(w->stream, text, w->node->world->now);
}

void node_done(struct node *n)
{
	s2s_shutdown(n->face, n->world->now);
	LIST_EACH (&n->world->wires, it) {
		struct wire *w = LIST_OWNER(it, struct wire, link);
		if (w->node == n)
			report_closed(w, "done");
	}
	s2s_tick(n->face, n->world->now);
	assert_int_equal(s2s_streams(n->face), 0);
	assert_int_equal(s2s_pending(n->face), 0);
	s2s_face_free(n->face);
	buf_done(&n->log);
	buf_done(&n->stanzas);
}

static struct wire *wire_new(struct world *world, struct node *n)
{
	struct wire *w = calloc(1, sizeof(*w));

	check(w);
	w->node = n;
	buf_init(&w->in, 64 << 20);
	buf_init(&w->seen, 64 << 20);
	list_append(&world->wires, &w->link);
	return w;
}

/* Two ends; the first is a's. A NULL node is a script. */
static struct wire *plug(struct world *world, struct node *a, struct node *b, bool tls)
{
	struct wire *end = wire_new(world, a), *other = wire_new(world, b);

	end->other = other;
	other->other = end;
	end->tls = other->tls = tls;
	return end;
}

static bool accept_connect(struct node *n)
{
	if ((!n->refuse_connect && !n->routes_to) || (n->hold_connect && !n->refuse_connect))
		return false;
	struct s2s_stream *s = take_connecting(n);
	if (!s)
		return false;
	if (n->refuse_connect) {
		s2s_connect_failed(s,
			&(const struct s2s_why){
				S2S_NOT_FOUND, "connect-failed", "nothing listens", "listen" },
			n->world->now);
		return true;
	}
	struct wire *w = plug(n->world, n, n->routes_to, n->direct_tls);
	w->stream = s;
	w->other->stream = s2s_accept(n->routes_to->face, w->other, n->direct_tls, n->world->now);
	check(w->other->stream);
	s2s_connected(s, w, n->direct_tls, n->world->now);
	return true;
}

/* Both ends want TLS and no clear text is on the way any more. */
static bool shake_hands(struct wire *w)
{
	struct wire *o = w->other;

	if (!w->wants_tls || !o->wants_tls || buf_len(&w->in) || buf_len(&o->in))
		return false;
	w->wants_tls = o->wants_tls = false;
	w->tls = o->tls = true;
	if (w->node)
		s2s_tls_done(w->stream, w->node->world->now);
	if (o->node)
		s2s_tls_done(o->stream, o->node->world->now);
	return true;
}

static bool take(struct wire *w)
{
	if (!w->node || w->dead || w->stuck || w->cut || w->taken == w->written)
		return false;
	w->taken = w->written;
	s2s_taken(w->stream, w->taken, w->node->world->now);
	return true;
}

static bool deliver(struct wire *w, bool byte_by_byte)
{
	if (!buf_len(&w->in) || w->paused || w->dead)
		return false;
	if (w->wants_tls) {
		report_closed(w, "clear text before TLS");
		return true;
	}
	/* The kernel holds what the other end wrote and could not send. */
	if (w->other->stuck)
		return false;
	if (!w->node) {
		buf_append(&w->seen, buf_bytes(&w->in));
		buf_clear(&w->in, SIZE_MAX);
		return true;
	}
	struct str bytes = buf_bytes(&w->in);
	if (byte_by_byte)
		bytes.len = 1;
	/* A copy of exactly this size: reading beyond it is found out. */
	char *copy = malloc(bytes.len);
	check(copy);
	memcpy(copy, bytes.p, bytes.len);
	size_t used = s2s_input(w->stream, str_from(copy, bytes.len), w->node->world->now);
	check(used <= bytes.len && (used == bytes.len || w->paused));
	free(copy);
	if (!w->dead)
		buf_consume(&w->in, used);
	return true;
}

static bool finish(struct wire *w)
{
	bool over = w->closing || (w->other->dead && !buf_len(&w->in) && !w->paused);

	if (w->dead || !over)
		return false;
	if (!w->cut)
		take(w);
	report_closed(w, "connection closed");
	return true;
}

static uint64_t written(const struct world *w)
{
	uint64_t sum = 0;

	LIST_EACH (&w->wires, it)
		sum += LIST_OWNER(it, struct wire, link)->written;
	return sum;
}

/* The end of a turn. */
static bool flush(struct world *w)
{
	uint64_t before = written(w);

	LIST_EACH (&w->wires, it) {
		const struct wire *wire = LIST_OWNER(it, struct wire, link);
		if (wire->node && !wire->dead)
			s2s_flush(wire->node->face, w->now);
	}
	return written(w) != before;
}

void world_run(struct world *w)
{
	bool moved = true;

	while (moved) {
		moved = false;
		LIST_EACH (&w->wires, it) {
			struct wire *wire = LIST_OWNER(it, struct wire, link);
			moved |= take(wire);
			moved |= deliver(wire, w->byte_by_byte);
			moved |= shake_hands(wire);
			moved |= finish(wire);
			if (wire->node)
				moved |= accept_connect(wire->node);
		}
		moved |= flush(w);
	}
}

static void run_all(struct world *w, struct node **nodes)
{
	bool moved;

	do {
		moved = false;
		for (size_t i = 0; nodes[i]; i++)
			moved |= accept_connect(nodes[i]);
		world_run(w);
	} while (moved);
}

void world_wait(struct world *w, struct node **nodes, uint64_t ms)
{
	uint64_t end = w->now + ms;

	run_all(w, nodes);
	for (;;) {
		uint64_t next = UINT64_MAX;
		for (size_t i = 0; nodes[i]; i++) {
			uint64_t due = s2s_deadline(nodes[i]->face);
			next = due < next ? due : next;
		}
		if (next > end)
			break;
		w->now = next > w->now ? next : w->now;
		for (size_t i = 0; nodes[i]; i++)
			s2s_tick(nodes[i]->face, w->now);
		run_all(w, nodes);
	}
	w->now = end;
	run_all(w, nodes);
}

struct wire *script_connect(struct node *n, bool direct_tls)
{
	struct wire *script = plug(n->world, NULL, n, direct_tls);

	script->other->stream = s2s_accept(n->face, script->other, direct_tls, n->world->now);
	assert_non_null(script->other->stream);
	return script;
}

struct wire *script_accept(struct node *n)
{
	struct s2s_stream *s = take_connecting(n);

	assert_non_null(s);
	struct wire *script = plug(n->world, NULL, n, n->direct_tls);
	script->other->stream = s;
	s2s_connected(s, script->other, n->direct_tls, n->world->now);
	world_run(n->world);
	return script;
}

bool script_share(struct node *n, struct wire *script)
{
	struct s2s_stream *s = n->connecting[0];

	assert_non_null(s);
	if (!s2s_join(s, script->other->stream, n->world->now))
		return false;
	take_connecting(n);
	world_run(n->world);
	return true;
}

void script_send(struct wire *script, const char *bytes)
{
	check(buf_append_c(&script->other->in, bytes));
	world_run(script->other->node->world);
}

void script_tls(struct wire *script)
{
	script->wants_tls = true;
	buf_append(&script->seen, buf_bytes(&script->in));
	buf_clear(&script->in, SIZE_MAX);
	world_run(script->other->node->world);
	assert_true(script->tls);
}

void script_hang_up(struct wire *script)
{
	script->dead = true;
	world_run(script->other->node->world);
}

void script_done(struct wire *script)
{
	struct wire *other = script->other;

	assert_true(script->dead && other->dead);
	wire_free(script);
	wire_free(other);
}

static const char *terminated(struct buf *b)
{
	*buf_space(b, 1) = '\0';
	return buf_bytes(b).p;
}

const char *script_look(struct wire *script)
{
	static char text[1 << 20];

	world_run(script->other->node->world);
	snprintf(text, sizeof(text), "%s", terminated(&script->seen));
	buf_clear(&script->seen, SIZE_MAX);
	return text;
}

const char *node_log(struct node *n)
{
	return terminated(&n->log);
}

const char *node_stanzas(struct node *n)
{
	return terminated(&n->stanzas);
}

void world_has(const char *text, const char *part, bool wanted, const char *file, int line)
{
	if ((strstr(text, part) != NULL) == wanted)
		return;
	print_error("%s \"%s\" in:\n%s\n", wanted ? "no" : "unwanted", part, text);
	_fail(file, line);
}

bool node_send(struct node *n, const char *us, const char *them, const char *body, uint64_t channel,
	uint64_t seq)
{
	char xml[20000];

	snprintf(xml, sizeof(xml), "<message from=\"u@%s/r\" to=\"v@%s\"><body>%s</body></message>",
		us, them, body);
	return s2s_send(n->face, str_of(us), str_of(them), str_of(xml),
		(struct s2s_token){ channel, seq }, n->world->now, &n->last_failure, &n->last_text);
}
