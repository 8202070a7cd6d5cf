/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inbound to this node's face (stanza), and from the link (deliver):
 *
 *	face stanza ─► record_from_stanza ─► record_encode ─► link_send
 *	                     └► refused: error stanza to its sender
 *	link deliver ─► record_decode ─► pair, rule, proof ─► record_write ─► s2s_send
 *	                     └► LINK_BAD_RECORD      └► link_reject
 *	face sent ─► link_taken
 *
 * What comes back of both is in bounce.c.
 */
#include "node/relay.h"

#include "base/log.h"
#include "node/admit.h"
#include "node/audit.h"
#include "node/bounce.h"
#include "node/carrier.h"
#include "node/expect.h"
#include "node/gate.h"
#include "node/rules.h"
#include "node/trace.h"
#include "policy/peer.h"

/* The proof travels as the face's number and is judged as the policy's. */
_Static_assert((int)S2S_PROOF_NONE == (int)POLICY_PROOF_NONE &&
		(int)S2S_PROOF_PKIX == (int)POLICY_PROOF_PKIX &&
		(int)S2S_PROOF_DIALBACK == (int)POLICY_PROOF_DIALBACK &&
		(int)S2S_PROOF_DANE == (int)POLICY_PROOF_DANE &&
		(int)S2S_PROOF_POSH == (int)POLICY_PROOF_POSH &&
		(int)S2S_PROOF_PIN == (int)POLICY_PROOF_PIN &&
		(int)S2S_PROOF_SECRET == (int)POLICY_PROOF_SECRET,
	"one numbering of proofs");

/* --- face to link --- */

static void log_stripped(struct node *n, const struct jid *from, const struct jid *to,
	const struct record_report *r, uint64_t trace)
{
	n->counters.stripped += r->stripped;
	for (unsigned i = 0; i < r->stripped && i < RECORD_STRIPPED_MAX; i++) {
		LOG(LOG_INFO, "payload-stripped", LF_TRACE(trace), LF_STR("from", from->full),
			LF_STR("to", to->full), LF_STR("namespace", r->what[i].ns),
			LF_STR("element", r->what[i].name),
			LF_STR("attribute", r->what[i].attribute), LF_U64("stripped", r->stripped));
	}
}

static void refuse(struct node *n, const struct s2s_stanza *st, enum record_condition cond,
	const char *reason, uint64_t trace)
{
	LOG(LOG_INFO, "stanza-refused", LF_TRACE(trace), LF_STR("from", st->from.full),
		LF_STR("to", st->to.full), LF_CSTR("condition", record_condition_name(cond)),
		LF_CSTR("reason", reason));
	bounce_stanza(n, st, cond, reason);
}

/* True: the rules let it pass. They have logged what they did. */
static bool ask_rules(
	struct node *n, const struct s2s_stanza *st, uint64_t trace, struct record *record)
{
	enum record_condition cond = COND_NONE;
	const char *reason = NULL;
	enum policy_verdict verdict = rules_judge(
		n, n->role->link == LINK_OUTER, record, st->arena, trace, &cond, &reason);

	if (verdict == POLICY_REJECT)
		bounce_stanza(n, st, cond, reason);
	return verdict != POLICY_REJECT && verdict != POLICY_DROP;
}

/* The stanza as a record in n->scratch; false: it goes no further, and is answered or dropped. */
static bool take_stanza(
	struct node *n, const struct s2s_stanza *st, uint64_t trace, struct record *ret_record)
{
	enum record_profile profile = n->config->open_profile ? PROFILE_OPEN : PROFILE_STANDARD;
	struct record_report report = { 0 };

	const char *over = n->memory_short ? "memory is short"
		: st->excess               ? s2s_excess_text(st->excess)
					   : NULL;
	if (over) {
		refuse(n, st, COND_RESOURCE_CONSTRAINT, over, trace);
		return false;
	}
	enum record_condition cond = record_for_catalogue(st->node, &st->from, &st->to, st->lang,
		profile, link_catalogue(n->link), st->arena, ret_record, &report);
	if (report.stripped)
		log_stripped(n, &st->from, &st->to, &report, trace);
	if (cond == COND_NONE && !ask_rules(n, st, trace, ret_record))
		return false;
	buf_clear(&n->scratch, 65536);
	if (cond == COND_NONE && !record_encode(ret_record, &n->scratch)) {
		cond = COND_POLICY_VIOLATION;
		report.reason = "larger than the link's limit";
	}
	if (cond != COND_NONE)
		refuse(n, st, cond, report.reason, trace);
	return cond == COND_NONE && !rules_loop(n, ret_record, buf_bytes(&n->scratch), trace);
}

static bool on_stanza(void *user, const struct s2s_stanza *st)
{
	struct node *n = user;
	struct link_pair pair = node_pair(n, st->us, st->them);
	uint64_t trace = n->next_trace++;
	struct record rec;

	if (!take_stanza(n, st, trace, &rec)) {
		s2s_handled(n->face, st->receipt);
		return true;
	}
	n->counters.stanzas_in++;
	if (trace_wanted(n))
		trace_record(n, "out", pair, trace, &rec, buf_bytes(&n->scratch));
	struct link_out out = { .trace = trace,
		.receipt = st->receipt,
		.proof = (uint8_t)st->proof,
		.record = buf_bytes(&n->scratch) };
	return link_send(n->link, pair, &out, n->now);
}

static void on_sent(void *user, struct str us, struct str them, struct s2s_token token)
{
	struct node *n = user;

	if (token.channel)
		link_taken(n->link, token.channel, token.seq, n->now);
}

static void on_event(void *user, const struct s2s_event *e)
{
	struct node *n = user;

	if (strcmp(e->event, "pair-valid") == 0)
		gate_prove_domain(n->gate, e->them, n->now);
	audit_event(e);
}

static bool may_write(void *user, struct s2s_token token)
{
	struct node *n = user;

	return link_may_write(n->link, token.channel, n->now);
}

/* The role ends before the last connections do: from then on nothing is played or allowed. */
static bool plays(void *user, struct str us)
{
	struct node *n = user;

	return n->role_state && n->role->plays(n, us);
}

static struct s2s_rule rule(void *user, struct str us, struct str them)
{
	struct node *n = user;

	return n->role_state ? n->role->rule(n, us, them) : (struct s2s_rule){ 0 };
}

void relay_fill_face_ops(struct s2s_ops *ops)
{
	ops->plays = plays;
	ops->rule = rule;
	ops->may_write = may_write;
	ops->pair_named = expect_named;
	ops->stanza = on_stanza;
	ops->sent = on_sent;
	ops->unsent = bounce_unsent;
	ops->event = on_event;
}

/* --- link to face --- */

/* The record's own addresses must be those of the channel's pair, in its direction. */
static bool in_pair(const struct node *n, struct link_pair pair, const struct record *rec)
{
	return str_eq(rec->from.domain, node_us(n, pair)) &&
		str_eq(rec->to.domain, node_them(n, pair));
}

static bool proof_accepted(const struct node *n, const struct link_delivery *d)
{
	if (n->role->link == LINK_OUTER)
		return true; /* the foreign side is ours to prove, not inner's */
	return policy_accepts_proof(n->config, d->pair.foreign, d->proof);
}

static void reject(struct node *n, const struct link_delivery *d, const struct record *rec,
	enum record_condition cond, const char *text)
{
	n->counters.rejected++;
	LOG(LOG_WARNING, "record-rejected", LF_TRACE(d->trace), LF_STR("from", rec->from.full),
		LF_STR("to", rec->to.full), LF_STR("peer", link_peer_id(d->from)),
		LF_CSTR("reason", text));
	link_reject(n->link, d->channel, d->seq, cond, text, n->now);
}

/* No honest node sends these, but one may be configured apart from us: an alarm, and the link stays. */
static bool on_one_side(struct node *n, const struct link_delivery *d, const struct record *rec)
{
	if (n->role->plays(n, node_us(n, d->pair)) != n->role->plays(n, node_them(n, d->pair)))
		return false;
	n->counters.alarms++;
	LOG(LOG_ALARM, "record-astray", LF_TRACE(d->trace), LF_STR("from", rec->from.full),
		LF_STR("to", rec->to.full), LF_STR("peer", link_peer_id(d->from)));
	return true;
}

/* What this node says to the record: its form, its pair, our profile and limits, our rules. */
static enum admit judge(struct node *n, const struct link_delivery *d, struct record *ret_record,
	enum record_condition *ret_condition, const char **ret_text)
{
	struct record_report report = { 0 };
	enum admit admit = admit_record(
		n, d->record, &n->scratch2, ret_record, &report, ret_condition, ret_text);

	if (admit == ADMIT_BAD)
		return ADMIT_BAD;
	if (!in_pair(n, d->pair, ret_record)) {
		*ret_text = "addresses are not of the channel's pair";
		return ADMIT_BAD;
	}
	if (report.stripped)
		log_stripped(n, &ret_record->from, &ret_record->to, &report, d->trace);
	if (on_one_side(n, d, ret_record) ||
		!n->role->rule(n, node_us(n, d->pair), node_them(n, d->pair)).allowed ||
		!proof_accepted(n, d)) {
		*ret_condition = COND_POLICY_VIOLATION;
		*ret_text = "refused by the policy of the next node";
		return ADMIT_REJECT;
	}
	if (admit != ADMIT_PASS)
		return admit;
	switch (rules_judge(n, n->role->link == LINK_INNER, ret_record, &n->arena, d->trace,
		ret_condition, ret_text)) {
	case POLICY_REJECT:
		return ADMIT_REJECT;
	case POLICY_DROP:
		return ADMIT_DROP;
	default:
		return ADMIT_PASS;
	}
}

/* The record as XML in n->scratch, no larger than a stanza may be here (references make text longer). */
static bool write_xml(struct node *n, const struct record *rec)
{
	buf_clear(&n->scratch, 65536);
	return record_write(rec, &n->scratch) &&
		buf_len(&n->scratch) <= 2 * n->config->limits.stanza_bytes;
}

static enum link_verdict on_deliver(void *user, const struct link_delivery *d, const char **reason)
{
	struct node *n = user;
	struct s2s_token token = { d->channel, d->seq };
	struct record rec;
	enum record_condition cond = COND_NONE;
	enum s2s_failure failure;
	const char *text = NULL;

	switch (judge(n, d, &rec, &cond, &text)) {
	case ADMIT_BAD:
		n->counters.bad_records++;
		*reason = text;
		return LINK_BAD_RECORD;
	case ADMIT_REJECT:
		reject(n, d, &rec, cond, text);
		return LINK_ACCEPT;
	case ADMIT_DROP:
		link_taken(n->link, d->channel, d->seq, n->now);
		return LINK_ACCEPT;
	case ADMIT_PASS:
		break;
	}
	if (trace_wanted(n))
		trace_record(n, "in", d->pair, d->trace, &rec, d->record);
	if (!write_xml(n, &rec)) {
		reject(n, d, &rec, COND_POLICY_VIOLATION, "larger than the next hop's limit");
		return LINK_ACCEPT;
	}
	n->counters.records_in++;
	if (s2s_send(n->face, node_us(n, d->pair), node_them(n, d->pair), buf_bytes(&n->scratch),
		    token, n->now, &failure, &text))
		return LINK_ACCEPT;
	if (failure == S2S_FULL || failure == S2S_TOO_BIG)
		reject(n, d, &rec, bounce_condition(failure), text);
	else
		bounce_channel(n, d->channel, bounce_condition(failure), text);
	return LINK_ACCEPT;
}

static void on_settled(void *user, uint64_t receipt)
{
	struct node *n = user;

	s2s_handled(n->face, receipt);
}

static void on_writable(void *user, struct link_pair pair)
{
	struct node *n = user;

	s2s_resume(n->face, node_us(n, pair), node_them(n, pair), n->now);
}

static void on_alarm(void *user, struct link_peer *peer, const char *reason)
{
	struct node *n = user;

	n->counters.alarms++;
	LOG(LOG_ALARM, "link-violation", LF_STR("peer", peer ? link_peer_id(peer) : STRL("?")),
		LF_CSTR("reason", reason));
}

/* Only records are decoded with their addresses checked; a pair that is merely expected is not. */
static bool prepared(struct str domain)
{
	struct jid jid;

	return jid_parse_prepared(domain, &jid) == JID_OK && str_eq(jid.domain, domain);
}

static void on_expect(void *user, struct link_pair pair)
{
	struct node *n = user;

	if (prepared(pair.local) && prepared(pair.foreign))
		expect_pair(n, pair);
	else
		on_alarm(n, NULL, "a pair that is not in prepared form");
}

static void on_revoke(void *user, struct link_pair pair, uint64_t channel)
{
	struct node *n = user;

	s2s_revoke(n->face, node_us(n, pair), node_them(n, pair), channel);
}

static void on_peer_state(void *user, struct link_peer *peer, bool up, const char *why)
{
	struct node *n = user;

	if (up)
		carrier_peer_up(n->carrier, peer);
	LOG(up || n->draining ? LOG_INFO : LOG_WARNING, up ? "link-up" : "link-down",
		LF_STR("peer", link_peer_id(peer)), LF_CSTR("reason", why));
}

void relay_fill_link_ops(struct link_ops *ops)
{
	ops->deliver = on_deliver;
	ops->undelivered = bounce_record;
	ops->settled = on_settled;
	ops->writable = on_writable;
	ops->expect = on_expect;
	ops->revoke = on_revoke;
	ops->peer_state = on_peer_state;
	ops->alarm = on_alarm;
}
