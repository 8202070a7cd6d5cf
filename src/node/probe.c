/* SPDX-License-Identifier: Apache-2.0 */
/*
 *	probe_start ─► s2s_open of its own face ─► the node's operations, some of them overheard
 *	                       pair-valid, pair-failed, time ─► result ─► s2s_shutdown ─► no stream left ─► gone
 *
 * What closes is not overheard any more, and the next one may begin.
 */
#include "node/probe.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "node/prove.h"
#include "node/settings.h"
#include "node/transport.h"

enum { PROBE_MS = 60000, LINE_MAX = 65536, TARGETS_SHOWN = 16, CLOSING_MAX = 8 };

struct probe {
	struct node *node;
	struct s2s_ops ops;
	struct s2s_face *face;
	struct str us;
	struct str them;
	uint64_t until;
	bool opened;
	bool done; /* the result was said */
	struct list closing; /* in node->closing_probes */
	struct buf out;
	void (*line)(void *user, struct str json);
	void (*ended)(void *user);
	void *user; /* NULL: nobody listens */
};

/* --- lines --- */

static void begin_line(struct probe *p, struct json *j, const char *step, bool ok)
{
	buf_clear(&p->out, LINE_MAX);
	json_init(j, &p->out);
	json_object(j, NULL);
	json_cstr(j, "step", step);
	json_bool(j, "ok", ok);
}

static void end_line(struct probe *p, struct json *j)
{
	json_end(j);
	buf_append_c(&p->out, "\n");
	if (p->user)
		p->line(p->user, buf_bytes(&p->out));
}

static void put_text(struct json *j, const char *name, const char *text)
{
	if (text)
		json_cstr(j, name, text);
}

static void say(struct probe *p, const char *step, bool ok, const char *text)
{
	struct json j;

	begin_line(p, &j, step, ok);
	put_text(&j, "text", text);
	end_line(p, &j);
}

static void put_proofs(struct json *j, const struct s2s_certified *c)
{
	json_array(j, "proofs");
	for (unsigned i = 0; i < c->n_said; i++) {
		json_object(j, NULL);
		json_cstr(j, "proof", s2s_proof_name(c->said[i].proof));
		json_cstr(j, "said", c->said[i].word);
		put_text(j, "why", c->said[i].why);
		json_end(j);
	}
	json_end(j);
}

/* The first statement that matches decides, before anything is looked up. */
static void say_policy(struct probe *p)
{
	static const struct {
		enum config_proof bit;
		const char *name;
	} words[] = { { CONFIG_PIN, "pin" }, { CONFIG_DANE, "dane" }, { CONFIG_PKIX, "pkix" },
		{ CONFIG_POSH, "posh" }, { CONFIG_DIALBACK, "dialback" } };
	struct node *n = p->node;
	struct config_peer peer = n->role->proofs(n, p->us, p->them);
	struct s2s_rule rule = n->role->rule(n, p->us, p->them);
	struct json j;

	begin_line(p, &j, "policy", rule.allowed);
	json_str(&j, "peer", peer.pattern.len ? peer.pattern : STRL("-"));
	json_u64(&j, "line", peer.at.line);
	json_bool(&j, "tls_required", rule.tls_required);
	json_array(&j, peer.require ? "require" : "accept");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (peer.accept & words[i].bit)
			json_cstr(&j, NULL, words[i].name);
	}
	json_end(&j);
	end_line(p, &j);
}

static void say_result(
	struct probe *p, bool ok, const char *text, const char *cure, const struct s2s_event *e)
{
	struct json j;

	if (p->done)
		return;
	p->done = true;
	begin_line(p, &j, "result", ok);
	put_text(&j, "text", text);
	if (e)
		put_text(&j, "reason", e->reason);
	if (e && ok)
		json_cstr(&j, "proof", s2s_proof_name(e->proof));
	put_text(&j, "cure", cure);
	end_line(p, &j);
}

/* --- what dial.c tells --- */

static void put_target(struct json *j, const struct node_target *t)
{
	char text[64];

	net_addr_print(&t->addr, text);
	if (t->host[0])
		json_cstr(j, "host", t->host);
	json_cstr(j, "address", text);
	json_bool(j, "direct_tls", t->direct_tls);
}

void probe_targets(struct node *n, const struct node_target *targets, size_t count)
{
	struct probe *p = n->probe;
	struct json j;

	if (!p || p->done)
		return;
	begin_line(p, &j, "dns", true);
	json_array(&j, "targets");
	for (size_t i = 0; i < count && i < TARGETS_SHOWN; i++) {
		json_object(&j, NULL);
		put_target(&j, &targets[i]);
		json_end(&j);
	}
	json_end(&j);
	end_line(p, &j);
}

void probe_attempt(struct node *n, const struct node_target *target, const char *trouble)
{
	struct probe *p = n->probe;
	struct json j;

	if (!p || p->done)
		return;
	begin_line(p, &j, "connect", false);
	put_target(&j, target);
	json_cstr(&j, "text", trouble);
	end_line(p, &j);
}

/* --- operations that are overheard; all others are the node's --- */

static void on_connect(void *user, struct s2s_stream *s, struct str us, struct str them)
{
	struct node *n = user;

	n->observing = true;
	n->face_ops.connect(n, s, us, them);
	n->observing = false;
}

/* What we say begins each step of the negotiation. */
static void on_write(void *user, void *transport, struct str bytes)
{
	static const struct {
		struct str start;
		const char *step;
		const char *text;
	} words[] = {
		{ STR("<starttls"), "starttls", "TLS is asked for" },
		{ STR("<auth"), "sasl", "our certificate is shown by SASL EXTERNAL" },
		{ STR("<db:result"), "dialback",
			"our dialback key is sent: their server asks ours about it" },
	};
	struct node *n = user;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (str_starts(bytes, words[i].start))
			say(n->probe, words[i].step, true, words[i].text);
	}
	n->face_ops.write(n, transport, bytes);
}

static void on_offered(void *user, bool starttls, bool external, bool dialback)
{
	struct node *n = user;
	struct json j;

	begin_line(n->probe, &j, "features", true);
	json_bool(&j, "starttls", starttls);
	json_bool(&j, "external", external);
	json_bool(&j, "dialback", dialback);
	end_line(n->probe, &j);
}

static void on_certificate(
	void *user, void *transport, struct str us, struct str them, struct s2s_certified *ret)
{
	struct node *n = user;
	struct probe *p = n->probe;
	const struct net_conn *conn = transport_conn(transport);
	char hash[65];
	struct json j;

	prove_certificate(n, transport, us, them, ret);
	if (ret->cert == S2S_CERT_LATER)
		return;
	net_conn_cert_hash(conn, hash);
	begin_line(p, &j, "certificate", ret->cert == S2S_CERT_VALID);
	put_text(&j, "tls", net_conn_tls_version(conn));
	put_text(&j, "cipher", net_conn_cipher(conn));
	json_cstr(&j, "sha256", hash);
	json_u64(&j, "not_after", (uint64_t)net_conn_cert_end(conn));
	put_text(&j, "text", ret->why);
	put_proofs(&j, ret);
	if (n->role->describe)
		n->role->describe(n, them, &j);
	end_line(p, &j);
}

static void on_named(void *user, struct str us, struct str them)
{
}

/* Nothing may come back on this stream: there is nobody behind it to take a stanza. */
static struct s2s_rule one_way(void *user, struct str us, struct str them)
{
	struct node *n = user;
	struct s2s_rule rule = n->role->rule(n, us, them);

	rule.bidi = rule.share = false;
	return rule;
}

static bool on_stanza(void *user, const struct s2s_stanza *stanza)
{
	return true;
}

static void on_sent(void *user, struct str us, struct str them, struct s2s_token token)
{
}

static void on_unsent(void *user, struct str us, struct str them, struct s2s_token token,
	enum s2s_failure failure, const char *text)
{
}

static void say_open(struct probe *p, const struct s2s_event *e)
{
	const struct node_target *target = e->transport ? transport_target(e->transport) : NULL;
	struct json j;

	begin_line(p, &j, "connect", true);
	if (target)
		put_target(&j, target);
	end_line(p, &j);
}

static void say_event(struct probe *p, const char *step, const struct s2s_event *e)
{
	struct json j;

	begin_line(p, &j, step, false);
	put_text(&j, "reason", e->reason);
	if (e->text.len)
		json_str(&j, "text", e->text);
	put_text(&j, "cure", e->cure);
	end_line(p, &j);
}

static void on_event(void *user, const struct s2s_event *e)
{
	struct node *n = user;
	struct probe *p = n->probe;

	if (p->done)
		return;
	if (strcmp(e->event, "stream-open") == 0) {
		say_open(p, e);
	} else if (strcmp(e->event, "pair-valid") == 0) {
		say_result(p, true, "they accepted us: stanzas could be sent", NULL, e);
	} else if (strcmp(e->event, "pair-failed") == 0) {
		char text[512];
		snprintf(text, sizeof(text), "%.*s", e->text.len > 500 ? 500 : STR_FMT(e->text));
		say_result(p, false, text, e->cure, e);
	} else if (e->warning) {
		say_event(p, strcmp(e->event, "sasl-failed") == 0 ? "sasl" : "stream", e);
	}
}

/* --- life --- */

static void listen_in(struct probe *p)
{
	p->ops = p->node->face_ops;
	p->ops.rule = one_way;
	p->ops.connect = on_connect;
	p->ops.write = on_write;
	p->ops.offered = on_offered;
	p->ops.certificate = on_certificate;
	p->ops.pair_named = on_named;
	p->ops.stanza = on_stanza;
	p->ops.sent = on_sent;
	p->ops.unsent = on_unsent;
	p->ops.event = on_event;
}

static size_t count_closing(const struct node *n)
{
	size_t count = 0;

	LIST_EACH (&n->closing_probes, it)
		count++;
	return count;
}

struct probe *probe_start(struct node *n, struct str us, struct str them,
	void (*line)(void *user, struct str json), void (*ended)(void *user), void *user,
	const char **ret_error)
{
	struct s2s_settings settings;

	*ret_error = NULL;
	if (n->probe || count_closing(n) >= CLOSING_MAX)
		*ret_error = "another test is running: try again in a minute";
	else if (n->draining)
		*ret_error = "the node is shutting down";
	else if (!n->role->plays(n, us))
		*ret_error = "this node does not play the domain that the test shall come from";
	if (*ret_error)
		return NULL;
	struct probe *p = calloc(1, sizeof(*p));
	check(p);
	p->node = n;
	list_init(&p->closing);
	p->us = str_dup(us);
	p->them = str_dup(them);
	p->until = n->now + PROBE_MS;
	p->line = line;
	p->ended = ended;
	p->user = user;
	buf_init(&p->out, LINE_MAX);
	listen_in(p);
	settings_face(n, &settings);
	settings.manage_in = settings.manage_out = false;
	p->face = s2s_face_new(&settings, &p->ops, n);
	n->probe = p;
	return p;
}

void probe_leave(struct probe *p)
{
	p->user = NULL;
	p->done = true;
}

/* Said from the loop: nothing is called inside probe_start(). */
static void open_stream(struct probe *p)
{
	struct node *n = p->node;

	p->opened = true;
	say_policy(p);
	struct s2s_rule rule = n->role->rule(n, p->us, p->them);
	if (rule.component.len)
		say_result(p, false, "they come by a component: its stream is open always",
			"`sallyport status` tells the state of that stream", NULL);
	else if (rule.allowed)
		s2s_open(p->face, p->us, p->them, n->now);
	else
		say_result(p, false, "the configuration refuses these domains",
			"a `peer` statement for this domain, before the one that refuses it, lets "
			"it in",
			NULL);
}

static void destroy(struct probe *p)
{
	list_remove(&p->closing);
	s2s_tick(p->face, p->node->now); /* frees the streams that have ended */
	s2s_face_free(p->face);
	buf_done(&p->out);
	str_free(&p->us);
	str_free(&p->them);
	free(p);
}

static void on_late_event(void *user, const struct s2s_event *e)
{
}

static void listen_no_more(struct probe *p)
{
	const struct s2s_ops *ops = &p->node->face_ops;

	p->ops.connect = ops->connect;
	p->ops.write = ops->write;
	p->ops.offered = NULL;
	p->ops.certificate = ops->certificate;
	p->ops.event = on_late_event;
}

static void finish(struct probe *p)
{
	struct node *n = p->node;
	void *user = p->user;

	n->probe = NULL;
	list_append(&n->closing_probes, &p->closing);
	listen_no_more(p);
	p->user = NULL;
	if (user)
		p->ended(user);
	s2s_shutdown(p->face, n->now);
}

static void sweep(struct node *n)
{
	LIST_EACH_SAFE (&n->closing_probes, it) {
		struct probe *p = LIST_OWNER(it, struct probe, closing);
		if (s2s_streams(p->face) == 0)
			destroy(p);
	}
}

void probe_turn(struct node *n)
{
	struct probe *p = n->probe;

	if (p && !p->opened && !p->done)
		open_stream(p);
	if (p && !p->done && (n->now >= p->until || n->draining))
		say_result(p, false, "the test took too long", NULL, NULL);
	if (p && p->done)
		finish(p);
	sweep(n);
}

void probe_tick(struct node *n)
{
	if (n->probe)
		s2s_tick(n->probe->face, n->now);
	LIST_EACH_SAFE (&n->closing_probes, it)
		s2s_tick(LIST_OWNER(it, struct probe, closing)->face, n->now);
}

uint64_t probe_deadline(const struct node *n)
{
	const struct probe *p = n->probe;
	uint64_t at = UINT64_MAX;

	if (p)
		at = p->opened ? s2s_deadline(p->face) : 0;
	if (p && p->until < at)
		at = p->until;
	LIST_EACH (&n->closing_probes, it) {
		uint64_t face = s2s_deadline(LIST_OWNER(it, struct probe, closing)->face);
		at = face < at ? face : at;
	}
	return at;
}

void probe_free(struct node *n)
{
	if (n->probe)
		destroy(n->probe);
	n->probe = NULL;
	LIST_EACH_SAFE (&n->closing_probes, it)
		destroy(LIST_OWNER(it, struct probe, closing));
}
