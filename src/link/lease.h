/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An entry of the lease table that several inners share (doc/link.md, section 7): which outer owns a pair, and which
 * inners use it there. The table itself is somebody else's (struct link_ops, ask); here is what
 * stands in it, as deterministic CBOR:
 *
 *	lease = [1, epoch: uint, local: tstr, foreign: tstr, owner: tstr, wish: tstr,
 *		holders: [* [node: tstr, boot: uint]]]
 *
 * A program that shows the table reads it with lease_read(); only the engine writes it.
 */
#ifndef LINK_LEASE_H
#define LINK_LEASE_H

#include "base/buf.h"
#include "link/link.h"

enum { LEASE_FORMAT = 1, LEASE_HOLDERS_MAX = 64, LEASE_NODE_MAX = 253 };
/* Room above for as many changes as there will ever be. */
#define LEASE_EPOCH_MAX ((uint64_t)1 << 62)
/* The longest entry. */
enum {
	LEASE_BYTES_MAX =
		2 * 1023 + LEASE_HOLDERS_MAX * (LEASE_NODE_MAX + 16) + 2 * LEASE_NODE_MAX + 64
};

struct lease_holder {
	struct str node;
	uint64_t boot; /* its process */
};

/* The strings belong to whoever made them: after lease_read() they lie in the value. */
struct lease {
	uint64_t epoch; /* of the last change: grows with each */
	struct link_pair pair;
	struct str owner; /* an outer */
	struct str
		wish; /* the outer that somebody wants instead: the holders are to leave; empty: none */
	struct lease_holder
		holders[LEASE_HOLDERS_MAX]; /* the inners whose records the owner may write */
	size_t n_holders;
};

/* False: it is no entry, or one of another format. */
bool lease_read(struct str value, struct lease *ret_lease);
void lease_write(const struct lease *lease, struct buf *out);

/* The row of a node, or NULL. */
const struct lease_holder *lease_holder(const struct lease *lease, struct str node);
/* Removes the row of a node, if there is one. */
void lease_leave(struct lease *lease, struct str node);
/* Its owner, epoch, wish and holders, as members of an object. */
void lease_show(const struct lease *lease, struct json *j);
/* Adds a row, or renews it; false: there are LEASE_HOLDERS_MAX. */
bool lease_join(struct lease *lease, struct str node, uint64_t boot);

#endif
