/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `leases shared`: the link's lease table (struct link_ops, ask) is the one that the inners share through the brokers.
 * Without it each inner holds its own leases, and nothing here is used.
 */
#ifndef INNER_LEASES_H
#define INNER_LEASES_H

#include "node/node.h"

struct leases;

/* *ret_leases: NULL unless the configuration says `shared`. False and a message when a file cannot be used. */
bool leases_open(struct node *n, struct leases **ret_leases, char *err, size_t err_size);
/* Neither brokers nor key files have changed: it need not be opened anew. */
bool leases_still_good(const struct leases *leases);
void leases_close(struct leases *leases);
/* The threads of those that were closed end; before the process does. */
void leases_finish(void);

/* Answered by link_answered(), sooner or later. */
void leases_ask(struct leases *leases, uint64_t ticket, struct link_pair pair, uint64_t revision,
	struct str old, struct str value);

#endif
