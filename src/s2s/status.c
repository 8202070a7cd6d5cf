/* SPDX-License-Identifier: Apache-2.0 */
/* What operators see: pairs, streams, counters. */
#include "s2s/manage.h"
#include "s2s/member.h"

static const char *const failure_names[] = {
	[S2S_NOT_FOUND] = "not-found",
	[S2S_TIMEOUT] = "timeout",
	[S2S_REFUSED] = "refused",
};

static const char *tls_version(const struct s2s_stream *s)
{
	const struct s2s_face *f = s->face;

	return s->tls && s->transport ? f->ops->tls_version(f->user, s->transport) : NULL;
}

static uint64_t seconds(uint64_t now, uint64_t then)
{
	return now > then ? (now - then) / 1000 : 0;
}

/* How the certificate was judged: each proof that was looked at, and what it said. */
static void put_certified(const struct s2s_certified *c, struct json *j)
{
	if (!c->n_said)
		return;
	json_array(j, "proofs");
	for (unsigned i = 0; i < c->n_said; i++) {
		json_object(j, NULL);
		json_cstr(j, "proof", s2s_proof_name(c->said[i].proof));
		json_cstr(j, "said", c->said[i].word);
		if (c->said[i].why)
			json_cstr(j, "why", c->said[i].why);
		json_end(j);
	}
	json_end(j);
}

static void put_failure(const struct s2s_pair *p, uint64_t now, struct json *j)
{
	json_object(j, "failed");
	json_cstr(j, "failure", failure_names[p->failure]);
	json_cstr(j, "step", p->failure_step);
	json_cstr(j, "text", p->failure_text);
	if (p->failure_detail[0])
		json_cstr(j, "detail", p->failure_detail);
	json_cstr(j, "cure", p->failure_cure);
	json_u64(j, "seconds_ago", seconds(now, p->failed_at));
	json_u64(j, "in_a_row", p->failures);
	json_u64(j, "retry_in_ms", p->retry_at > now ? p->retry_at - now : 0);
	put_certified(&p->certified, j);
	json_end(j);
}

static void put_incoming(const struct s2s_pair *p, struct json *j)
{
	json_array(j, "in");
	LIST_EACH (&p->members, it) {
		const struct member *m = LIST_OWNER(it, struct member, in_pair);
		json_object(j, NULL);
		json_u64(j, "stream", m->stream->number);
		json_cstr(j, "proof", s2s_proof_name(m->proof));
		json_cstr(j, "tls", tls_version(m->stream));
		put_certified(&m->certified, j);
		json_end(j);
	}
	json_end(j);
}

static void put_outgoing(const struct s2s_pair *p, struct json *j)
{
	const struct s2s_stream *s = p->via ? p->via : p->out;

	if (!s)
		return;
	json_object(j, "out");
	json_u64(j, "stream", s->number);
	json_cstr(j, "state", stream_state_name(s->state));
	json_cstr(j, "proof", s2s_proof_name(s->proof));
	json_cstr(j, "tls", tls_version(s));
	put_certified(&s->certified, j);
	json_end(j);
}

static void put_pair(const struct s2s_pair *p, uint64_t now, struct json *j)
{
	json_object(j, NULL);
	json_str(j, "us", p->us);
	json_str(j, "them", p->them);
	put_outgoing(p, j);
	put_incoming(p, j);
	json_u64(j, "queued", queue_count(&p->queue));
	json_u64(j, "queued_bytes", buf_len(&p->queue.bytes));
	json_u64(j, "stanzas_in", p->stanzas_in);
	json_u64(j, "stanzas_out", p->stanzas_out);
	json_u64(j, "unsent", p->unsent);
	if (p->failure_text)
		put_failure(p, now, j);
	json_end(j);
}

static void put_stream(const struct s2s_stream *s, uint64_t now, struct json *j)
{
	json_object(j, NULL);
	json_u64(j, "stream", s->number);
	json_cstr(j, "direction", s->component ? "component" : s->incoming ? "in" : "out");
	json_str(j, "us", s->us);
	json_str(j, "them", s->them);
	json_cstr(j, "state", stream_state_name(s->state));
	json_cstr(j, "tls", tls_version(s));
	json_bool(j, "direct_tls", s->direct_tls);
	json_u64(j, "seconds", seconds(now, s->opened_at));
	json_u64(j, "stanzas", s->stanzas);
	json_u64(j, "pairs", s->n_members - s->n_verifies);
	json_u64(j, "verifying", s->n_verifies);
	json_bool(j, "bidi", s->bidi);
	json_bool(j, "acknowledgements", s->manage.state == MANAGE_ON);
	json_u64(j, "unacknowledged", manage_unacknowledged(s));
	json_bool(j, "paused", stream_is_paused(s));
	json_u64(j, "unwritten_bytes", s->written - s->taken);
	json_end(j);
}

static void put_closes(const struct s2s_face *f, struct json *j)
{
	json_object(j, "closed");
	for (size_t i = 0; i < CLOSE_REASONS; i++) {
		if (f->counts.closes[i])
			json_u64(j, close_rows[i].name, f->counts.closes[i]);
	}
	json_end(j);
}

static void put_counters(const struct s2s_face *f, struct json *j)
{
	json_object(j, "counters");
#define PUT(name) json_u64(j, #name, f->counts.name)
	PUT(streams_in);
	PUT(streams_out);
	PUT(refused_streams);
	PUT(stanzas_in);
	PUT(stanzas_out);
	PUT(bytes_in);
	PUT(bytes_out);
	PUT(unsent);
	PUT(revoked);
	PUT(keys_valid);
	PUT(keys_invalid);
	PUT(keys_error);
	PUT(keys_refused);
	PUT(verifies_answered);
	PUT(unsolicited);
	PUT(shared);
	PUT(pings);
	PUT(pings_answered);
	PUT(slowed);
	PUT(destinations_refused);
	PUT(strangers);
#undef PUT
	for (int i = S2S_EXCESS_NONE + 1; i < S2S_EXCESS_COUNT; i++)
		json_u64(j, face_excess_name((enum s2s_excess)i), f->counts.excesses[i]);
	json_u64(j, "verifying", f->n_verifies);
	json_u64(j, "pending", f->pending);
	put_closes(f, j);
	json_end(j);
}

static void put_pairs(const struct s2s_face *f, uint64_t now, struct excerpt *e, struct json *j)
{
	const struct s2s_pair *p;
	size_t at = 0;

	excerpt_begin(e);
	json_array(j, "pairs");
	while ((p = table_next(&f->pairs, &at))) {
		bool notable = p->failures || queue_count(&p->queue);
		if (excerpt_has(e, p->us, p->them) && excerpt_now(e, p, notable))
			put_pair(p, now, j);
	}
	while ((p = excerpt_later(e)))
		put_pair(p, now, j);
	json_end(j);
	json_u64(j, "pairs_total", e->total);
}

static void put_streams(const struct s2s_face *f, uint64_t now, struct excerpt *e, struct json *j)
{
	const struct s2s_stream *s;

	excerpt_begin(e);
	json_array(j, "streams");
	LIST_EACH (&f->streams, it) {
		s = LIST_OWNER(it, struct s2s_stream, link);
		bool notable = s->state != ST_READY || s->written != s->taken;
		if (excerpt_has(e, s->us, s->them) && excerpt_now(e, s, notable))
			put_stream(s, now, j);
	}
	while ((s = excerpt_later(e)))
		put_stream(s, now, j);
	json_end(j);
	json_u64(j, "streams_total", e->total);
}

void s2s_status(const struct s2s_face *f, uint64_t now, struct excerpt *e, struct json *j)
{
	put_pairs(f, now, e, j);
	put_streams(f, now, e, j);
	put_counters(f, j);
}
