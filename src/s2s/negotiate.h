/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes before the first stanza: header, features, STARTTLS, SASL EXTERNAL. The functions
 * take an element in a state that input.c allows for it.
 */
#ifndef S2S_NEGOTIATE_H
#define S2S_NEGOTIATE_H

#include "s2s/stream.h"

/* The element ends the stream with the peer's own reason; both directions. */
void negotiate_on_error(struct s2s_stream *s, struct xml_node *e);

/* --- incoming: negotiate_in.c --- */
void negotiate_on_header_in(struct s2s_stream *s, struct xml_node *root);
void negotiate_on_starttls(struct s2s_stream *s, struct xml_node *e);
void negotiate_on_bidi(struct s2s_stream *s, struct xml_node *e);
void negotiate_on_auth(struct s2s_stream *s, struct xml_node *e);
void negotiate_on_response(struct s2s_stream *s, struct xml_node *e);
/* The wait for what the certificate proves has ended, or took too long. */
void negotiate_proved_in(struct s2s_stream *s);
void negotiate_without_proof(struct s2s_stream *s);
void negotiate_on_abort(struct s2s_stream *s, struct xml_node *e);

/* --- outgoing: negotiate_out.c --- */
/* The connection stands, in clear or with TLS. */
void negotiate_begin_out(struct s2s_stream *s);
/* TLS is done: judges the certificate, begins anew. */
void negotiate_on_tls_out(struct s2s_stream *s);
void negotiate_on_header_out(struct s2s_stream *s, struct xml_node *root);
void negotiate_on_features(struct s2s_stream *s, struct xml_node *e);
void negotiate_on_proceed(struct s2s_stream *s, struct xml_node *e);
void negotiate_on_tls_failure(struct s2s_stream *s, struct xml_node *e);
void negotiate_on_success(struct s2s_stream *s, struct xml_node *e);
void negotiate_on_challenge(struct s2s_stream *s, struct xml_node *e);
void negotiate_on_sasl_failure(struct s2s_stream *s, struct xml_node *e);
/* They accepted us. */
void negotiate_ready_out(struct s2s_stream *s);

#endif
