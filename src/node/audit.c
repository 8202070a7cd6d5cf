/* SPDX-License-Identifier: Apache-2.0 */
#include "node/audit.h"

#include <stdio.h>

#include "base/log.h"
#include "node/transport.h"

/* How the certificate was judged: "dane: yes; pkix: no, self-signed certificate". Static words only. */
static void put_proofs(char *text, size_t size, const struct s2s_certified *c)
{
	size_t at = 0;

	text[0] = '\0';
	for (unsigned i = 0; c && i < c->n_said && at < size; i++) {
		const struct s2s_said *s = &c->said[i];
		at += (size_t)snprintf(text + at, size - at, "%s%s: %s%s%s", i ? "; " : "",
			s2s_proof_name(s->proof), s->word, s->why ? ", " : "",
			s->why ? s->why : "");
	}
}

void audit_event(const struct s2s_event *e)
{
	struct str text = e->text;
	char proofs[600], hash[65] = "";
	const struct net_conn *conn =
		e->transport && e->certified ? transport_conn(e->transport) : NULL;

	if (text.len == 0)
		text.p = NULL;
	put_proofs(proofs, sizeof(proofs), e->certified);
	if (conn)
		net_conn_cert_hash(conn, hash);
	LOG(e->warning ? LOG_WARNING : LOG_INFO, e->event,
		LF_CSTR("direction", e->incoming ? "incoming" : "outgoing"), LF_STR("us", e->us),
		LF_STR("them", e->them), LF_CSTR("reason", e->reason), LF_STR("text", text),
		LF_CSTR("cure", e->cure),
		LF_CSTR("proof", e->proof ? s2s_proof_name(e->proof) : NULL),
		LF_CSTR("proofs", proofs[0] ? proofs : NULL), LF_CSTR("tls", e->tls),
		LF_CSTR("cipher",
			e->transport && e->tls ? net_conn_cipher(transport_conn(e->transport))
					       : NULL),
		LF_CSTR("certificate", hash[0] ? hash : NULL), LF_U64("stream", e->stream));
}
