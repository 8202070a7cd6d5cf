/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dialback secrets (XEP-0185). All outers of an organisation share a file; each of its lines is a secret: the
 * first makes keys, all are accepted, so that a new one can be put first and the old one removed later.
 */
#ifndef NODE_SECRETS_H
#define NODE_SECRETS_H

#include "node/node.h"

/* Reads the file of node->config, or keeps (at first: makes) a random secret when there is none. */
bool secrets_load(struct node *n, char *err, size_t err_size);
void secrets_free(struct node *n);

/* Reads a file of secrets, the first most of them; each is to be freed. False, with a message: none. */
bool secrets_read(const char *path, struct str secrets[], unsigned most, unsigned *ret_n, char *err,
	size_t err_size);

/* The members of struct s2s_ops for dialback and components; user is the node. */
void secrets_fill_ops(struct s2s_ops *ops);

#endif
