/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of a probe: one JSON object for each step. */
#include "node/probe_int.h"

#include "node/transport.h"

enum { TARGETS_SHOWN = 16 };

static void begin_line(struct probe *p, struct json *j, const char *step, bool ok)
{
	buf_clear(&p->out, PROBE_LINE_MAX);
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

void probe_say(struct probe *p, const char *step, bool ok, const char *text)
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
void probe_say_policy(struct probe *p)
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

void probe_say_result(
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

void probe_say_open(struct probe *p, const struct s2s_event *e)
{
	const struct node_target *target = e->transport ? transport_target(e->transport) : NULL;
	struct json j;

	begin_line(p, &j, "connect", true);
	if (target)
		put_target(&j, target);
	end_line(p, &j);
}

void probe_say_event(struct probe *p, const char *step, const struct s2s_event *e)
{
	struct json j;

	begin_line(p, &j, step, false);
	put_text(&j, "reason", e->reason);
	if (e->text.len)
		json_str(&j, "text", e->text);
	put_text(&j, "cure", e->cure);
	end_line(p, &j);
}

void probe_say_features(struct probe *p, bool starttls, bool external, bool dialback)
{
	struct json j;

	begin_line(p, &j, "features", true);
	json_bool(&j, "starttls", starttls);
	json_bool(&j, "external", external);
	json_bool(&j, "dialback", dialback);
	end_line(p, &j);
}

void probe_say_certificate(
	struct probe *p, const struct transport *transport, const struct s2s_certified *c)
{
	const struct net_conn *conn = transport_conn(transport);
	struct node *n = p->node;
	char hash[65];
	struct json j;

	net_conn_cert_hash(conn, hash);
	begin_line(p, &j, "certificate", c->cert == S2S_CERT_VALID);
	put_text(&j, "tls", net_conn_tls_version(conn));
	put_text(&j, "cipher", net_conn_cipher(conn));
	json_cstr(&j, "sha256", hash);
	json_u64(&j, "not_after", (uint64_t)net_conn_cert_end(conn));
	put_text(&j, "text", c->why);
	put_proofs(&j, c);
	if (n->role->describe)
		n->role->describe(n, p->them, &j);
	end_line(p, &j);
}
