/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules about addresses and content (policy/address.h, content.h, questions.h, wave.h, loop.h), asked for
 * one record on its way, with the log line and the counter of each rule that did something.
 */
#ifndef NODE_RULES_H
#define NODE_RULES_H

#include "base/json.h"
#include "node/node.h"
#include "policy/content.h"

/*
 * Judges a record that came from the face or from the link, and takes out of it what the rules strip. inbound: it
 * goes from a foreign domain to a local one. With POLICY_REJECT *ret_condition and *ret_text are set.
 */
enum policy_verdict rules_judge(struct node *n, bool inbound, struct record *r, struct arena *a,
	uint64_t trace, enum record_condition *ret_condition, const char **ret_text);

/* An array "waves": fingerprints of texts and links that many sent, or are about to. */
void rules_write_waves(const struct node *n, struct json *j);

/* Is this record (encoded: bytes), that came from the face, one that goes round and round? */
bool rules_loop(struct node *n, const struct record *r, struct str bytes, uint64_t trace);

#endif
