/* SPDX-License-Identifier: Apache-2.0 */
/* What cannot be delivered, on its way back to its sender. */
#ifndef NODE_BOUNCE_H
#define NODE_BOUNCE_H

#include "node/node.h"

/* The stanza error for a pair that cannot be reached (RFC 6120 section 10.4.3). */
enum record_condition bounce_condition(enum s2s_failure failure);

/* A stanza that came from the face, and whose refusal is logged: it is answered with an error, unless it may not be.
 * reason is static or NULL. */
void bounce_stanza(struct node *n, const struct s2s_stanza *st, enum record_condition cond,
	const char *reason);

/* A record (bytes) that this node sent on the link and that no far node delivers; for struct link_ops. */
void bounce_record(void *user, struct link_pair pair, uint64_t trace, struct str bytes,
	unsigned condition, struct str text);

/* What the face could not send; for struct s2s_ops. */
void bounce_unsent(void *user, struct str us, struct str them, struct s2s_token token,
	enum s2s_failure failure, const char *text);
/* The next hop of a channel cannot be reached: the link learns it from bounce_turn(). text is static. */
void bounce_channel(struct node *n, uint64_t channel, enum record_condition cond, const char *text);

/* Once per loop turn, outside of all callbacks. */
void bounce_turn(struct node *n);
/* Frees what is still put off. */
void bounce_done(struct node *n);

#endif
