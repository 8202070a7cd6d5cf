/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record from the far node, under this node's own profile and limits. The nodes are configured apart: what the
 * other may send within the protocol and we do not take is our policy's matter (stripped or rejected), not a
 * violation of the link.
 */
#ifndef NODE_ADMIT_H
#define NODE_ADMIT_H

#include "node/node.h"

enum admit {
	ADMIT_PASS,
	ADMIT_REJECT, /* *ret_text and *ret_condition say why */
	ADMIT_DROP, /* without an answer: only our rules say so */
	ADMIT_BAD, /* no record of the protocol at all: *ret_text says why */
};

/*
 * Decodes bytes into node->arena. report tells what was stripped. With a payload that was stripped the record is
 * written anew into scratch; it must stay as long as ret_record.
 */
enum admit admit_record(struct node *n, struct str bytes, struct buf *scratch,
	struct record *ret_record, struct record_report *report,
	enum record_condition *ret_condition, const char **ret_text);

/* Decodes a record that this node made itself. */
bool admit_own(struct node *n, struct str bytes, struct record *ret_record);

#endif
