/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libldns parses the question and makes the answer; the decisions are a few comparisons of names.
 */
#include "inner/steer.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>

enum { HEADER = 12, NAME_MAX_TEXT = 256, QUESTION_MAX = 4096 };

enum kind { KIND_ADDRESS, KIND_SRV, KIND_SRV_TLS, KIND_NOTHING };

struct question {
	char name[NAME_MAX_TEXT]; /* lower case, no trailing dot */
	struct str domain; /* name without _xmpp-server._tcp. and sallyport-inner-N. */
	unsigned only; /* N: the address of this inner; 0: of all */
	enum kind kind; /* KIND_NOTHING: a service that nobody has */
};

static const struct str inner_label = STR("sallyport-inner-");

/* The name in text, lower case; false when it does not fit or holds what no host name holds. */
static bool name_text(const ldns_rdf *owner, char ret[NAME_MAX_TEXT])
{
	char *text = ldns_rdf2str(owner);
	size_t len = text ? strlen(text) : 0;
	bool ok = len > 1 && len < NAME_MAX_TEXT;

	if (ok && text[len - 1] == '.')
		len--;
	for (size_t i = 0; ok && i < len; i++) {
		char c = str_lower(text[i]);
		ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
			c == '_';
		ret[i] = c;
	}
	if (ok)
		ret[len] = '\0';
	free(text);
	return ok;
}

/* Takes sallyport-inner-N. off a name, if that is one of the targets. */
static unsigned take_number(struct str *name, unsigned n_targets)
{
	if (n_targets < 2 || !str_starts(*name, inner_label) || name->len < inner_label.len + 3 ||
		name->p[inner_label.len + 1] != '.')
		return 0;
	unsigned n = (unsigned)(name->p[inner_label.len] - '0');
	if (n < 1 || n > n_targets)
		return 0;
	*name = str_skip(*name, inner_label.len + 2);
	return n;
}

static void classify(const struct steer *s, struct question *q)
{
	static const struct str service = STR("_xmpp-server._tcp.");
	static const struct str tls_service = STR("_xmpps-server._tcp.");
	struct str name = str_of(q->name);

	q->domain = name;
	q->kind = KIND_ADDRESS;
	if (str_starts(name, service)) {
		q->domain = str_skip(name, service.len);
		q->kind = KIND_SRV;
	} else if (str_starts(name, tls_service)) {
		q->domain = str_skip(name, tls_service.len);
		q->kind = KIND_SRV_TLS;
	}
	q->only = q->kind == KIND_ADDRESS ? take_number(&q->domain, s->n_targets) : 0;
	for (size_t i = 0; i < q->domain.len; i++) {
		if (q->domain.p[i] == '_')
			q->kind = KIND_NOTHING;
	}
}

static ldns_rr *new_record(const struct steer *s, const ldns_rdf *owner, ldns_rr_type type)
{
	ldns_rr *rr = ldns_rr_new();

	ldns_rr_set_owner(rr, ldns_rdf_clone(owner));
	ldns_rr_set_type(rr, type);
	ldns_rr_set_ttl(rr, s->ttl);
	return rr;
}

static void push_address(ldns_pkt *answer, const struct steer *s, const ldns_rdf *owner,
	const struct steer_target *t)
{
	ldns_rr_type type = t->is_v6 ? LDNS_RR_TYPE_AAAA : LDNS_RR_TYPE_A;
	ldns_rdf_type rdf = t->is_v6 ? LDNS_RDF_TYPE_AAAA : LDNS_RDF_TYPE_A;
	ldns_rr *rr = new_record(s, owner, type);

	ldns_rr_push_rdf(rr, ldns_rdf_new_frm_data(rdf, t->is_v6 ? 16 : 4, t->addr));
	ldns_pkt_push_rr(answer, LDNS_SECTION_ANSWER, rr);
}

static void push_addresses(
	ldns_pkt *answer, const struct steer *s, const ldns_rr *question, const struct question *q)
{
	bool v6 = ldns_rr_get_type(question) == LDNS_RR_TYPE_AAAA;

	for (unsigned i = 0; i < s->n_targets; i++) {
		if (s->targets[i].is_v6 == v6 && (q->only == 0 || q->only == i + 1))
			push_address(answer, s, ldns_rr_owner(question), &s->targets[i]);
	}
}

/* The name of the i-th inner below the domain; the domain itself where there is one inner, or no room for a label. */
static ldns_rdf *target_name(const struct steer *s, struct str domain, unsigned i)
{
	char text[NAME_MAX_TEXT + 32];

	if (s->n_targets > 1 && domain.len + inner_label.len + 4 < NAME_MAX_TEXT)
		snprintf(text, sizeof(text), "%.*s%u.%.*s.", STR_FMT(inner_label), i + 1,
			STR_FMT(domain));
	else
		snprintf(text, sizeof(text), "%.*s.", STR_FMT(domain));
	return ldns_dname_new_frm_str(text);
}

static void push_srv(ldns_pkt *answer, const struct steer *s, const ldns_rdf *owner,
	const struct question *q, unsigned i)
{
	const struct steer_target *t = &s->targets[i];
	/* Who asks for both takes direct TLS first, of inners that are equal. */
	unsigned base = t->priority < (UINT16_MAX - 1) / 2 ? t->priority * 2u : UINT16_MAX - 1;
	uint16_t priority = (uint16_t)(base + (q->kind == KIND_SRV));
	ldns_rr *rr = new_record(s, owner, LDNS_RR_TYPE_SRV);

	ldns_rr_push_rdf(rr, ldns_native2rdf_int16(LDNS_RDF_TYPE_INT16, priority));
	ldns_rr_push_rdf(rr, ldns_native2rdf_int16(LDNS_RDF_TYPE_INT16, t->weight));
	ldns_rr_push_rdf(rr, ldns_native2rdf_int16(LDNS_RDF_TYPE_INT16, s->port));
	ldns_rr_push_rdf(rr, target_name(s, q->domain, i));
	ldns_pkt_push_rr(answer, LDNS_SECTION_ANSWER, rr);
}

static ldns_pkt_rcode decide(
	const struct steer *s, const struct question *q, const ldns_rr *rr, ldns_pkt *answer)
{
	ldns_rr_type type = ldns_rr_get_type(rr);

	if (type == LDNS_RR_TYPE_ANY || type == LDNS_RR_TYPE_AXFR || type == LDNS_RR_TYPE_IXFR)
		return LDNS_RCODE_REFUSED;
	if (q->kind == KIND_NOTHING || s->is_local(s->user, q->domain))
		return LDNS_RCODE_NXDOMAIN;
	if (q->kind == KIND_SRV || q->kind == KIND_SRV_TLS) {
		if (q->kind == KIND_SRV ? !s->srv : !s->srv_tls)
			return LDNS_RCODE_NXDOMAIN;
		for (unsigned i = 0; type == LDNS_RR_TYPE_SRV && i < s->n_targets; i++)
			push_srv(answer, s, ldns_rr_owner(rr), q, i);
	} else if (type == LDNS_RR_TYPE_A || type == LDNS_RR_TYPE_AAAA) {
		push_addresses(answer, s, rr, q);
	}
	return LDNS_RCODE_NOERROR;
}

static bool put(ldns_pkt *answer, struct buf *out)
{
	uint8_t *wire = NULL;
	size_t len = 0;
	bool ok = ldns_pkt2wire(&wire, answer, &len) == LDNS_STATUS_OK &&
		buf_append(out, str_from(wire, len));

	free(wire);
	return ok;
}

/* Answers with a bare header: the question could not be read or is of no kind that we know. */
static bool put_header(uint16_t id, ldns_pkt_rcode rcode, struct buf *out)
{
	char head[HEADER] = { (char)(id >> 8), (char)id, (char)0x80, (char)rcode };

	return buf_append(out, (struct str){ head, HEADER });
}

static bool answer_question(const struct steer *s, const ldns_pkt *query, struct buf *out)
{
	const ldns_rr *rr = ldns_rr_list_rr(ldns_pkt_question(query), 0);
	struct question q;

	if (ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN || !name_text(ldns_rr_owner(rr), q.name))
		return put_header(ldns_pkt_id(query), LDNS_RCODE_REFUSED, out);
	classify(s, &q);
	ldns_pkt *answer = ldns_pkt_new();
	ldns_pkt_set_id(answer, ldns_pkt_id(query));
	ldns_pkt_set_qr(answer, true);
	ldns_pkt_set_aa(answer, true);
	ldns_pkt_set_rd(answer, ldns_pkt_rd(query));
	ldns_pkt_set_ra(answer, true);
	ldns_pkt_push_rr(answer, LDNS_SECTION_QUESTION, ldns_rr_clone(rr));
	ldns_pkt_set_rcode(answer, decide(s, &q, rr, answer));
	bool ok = put(answer, out);
	if (!ok) { /* no room: over TCP there is */
		ldns_rr_list_deep_free(ldns_pkt_answer(answer));
		ldns_pkt_set_answer(answer, ldns_rr_list_new());
		ldns_pkt_set_ancount(answer, 0);
		ldns_pkt_set_tc(answer, true);
		ok = put(answer, out);
	}
	ldns_pkt_free(answer);
	return ok;
}

bool steer_answer(const struct steer *s, struct str question, struct buf *out)
{
	const unsigned char *p = (const unsigned char *)question.p;
	ldns_pkt *query = NULL;
	bool ok;

	if (question.len < HEADER || question.len > QUESTION_MAX || (p[2] & 0x80))
		return false; /* too short, too long, or itself an answer */
	uint16_t id = (uint16_t)(p[0] << 8 | p[1]);
	if ((p[2] & 0x78) != 0)
		return put_header(id, LDNS_RCODE_NOTIMPL, out);
	if (p[4] != 0 || p[5] != 1)
		return put_header(id, LDNS_RCODE_FORMERR, out);
	if (ldns_wire2pkt(&query, p, question.len) != LDNS_STATUS_OK)
		return put_header(id, LDNS_RCODE_FORMERR, out);
	if (ldns_rr_list_rr_count(ldns_pkt_question(query)) == 1)
		ok = answer_question(s, query, out);
	else
		ok = put_header(id, LDNS_RCODE_FORMERR, out);
	ldns_pkt_free(query);
	return ok;
}
