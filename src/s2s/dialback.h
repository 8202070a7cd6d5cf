/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server dialback (XEP-0220): our key, their keys, and our answers about keys that
 * somebody showed to others in our name.
 */
#ifndef S2S_DIALBACK_H
#define S2S_DIALBACK_H

#include "s2s/stream.h"

enum { DIALBACK_ID_MAX = 512 };

/* A key is made of fields joined by spaces: an id with a space could be two of them (E5). */
bool dialback_usable_id(struct str id);

/* Outgoing: sends the key for this pair. */
void dialback_send_key(struct s2s_stream *s, struct str us, struct str them);
/* More is known of what the stream's certificate proves. */
void dialback_proved(struct s2s_stream *s);
/* db:result on an outgoing stream: the answer to our key. */
void dialback_on_answer(struct s2s_stream *s, struct xml_node *e);
/* db:result on an incoming stream: a key. */
void dialback_on_key(struct s2s_stream *s, struct xml_node *e);
/* db:verify: a question about our key, or an answer to our question. */
void dialback_on_verify(struct s2s_stream *s, struct xml_node *e);

/* Writes the answer to a key; type is valid, invalid or error, the last with a condition. */
void dialback_answer_key(struct s2s_stream *s, struct str us, struct str them, const char *type,
	const char *condition);
/* Appends the attributes from (us) and to (them). */
void dialback_put_pair(struct buf *out, struct str us, struct str them);

#endif
