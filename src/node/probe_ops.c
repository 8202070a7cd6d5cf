/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of a probe's face: the node's, with some of them overheard. */
#include "node/probe_int.h"

#include <stdio.h>

#include "node/prove.h"

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
			probe_say(n->probe, words[i].step, true, words[i].text);
	}
	n->face_ops.write(n, transport, bytes);
}

static void on_offered(void *user, bool starttls, bool external, bool dialback)
{
	struct node *n = user;

	probe_say_features(n->probe, starttls, external, dialback);
}

static void on_certificate(
	void *user, void *transport, struct str us, struct str them, struct s2s_certified *ret)
{
	struct node *n = user;

	prove_certificate(n, transport, us, them, ret);
	if (ret->cert != S2S_CERT_LATER)
		probe_say_certificate(n->probe, transport, ret);
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

static void on_event(void *user, const struct s2s_event *e)
{
	struct node *n = user;
	struct probe *p = n->probe;

	if (p->done)
		return;
	if (strcmp(e->event, "stream-open") == 0) {
		probe_say_open(p, e);
	} else if (strcmp(e->event, "pair-valid") == 0) {
		probe_say_result(p, true, "they accepted us: stanzas could be sent", NULL, e);
	} else if (strcmp(e->event, "pair-failed") == 0) {
		char text[512];
		snprintf(text, sizeof(text), "%.*s", e->text.len > 500 ? 500 : STR_FMT(e->text));
		probe_say_result(p, false, text, e->cure, e);
	} else if (e->warning) {
		probe_say_event(p, strcmp(e->event, "sasl-failed") == 0 ? "sasl" : "stream", e);
	}
}

void probe_listen(struct probe *p)
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

static void on_late_event(void *user, const struct s2s_event *e)
{
}

void probe_listen_no_more(struct probe *p)
{
	const struct s2s_ops *ops = &p->node->face_ops;

	p->ops.connect = ops->connect;
	p->ops.write = ops->write;
	p->ops.offered = NULL;
	p->ops.certificate = ops->certificate;
	p->ops.event = on_late_event;
}
