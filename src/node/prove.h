/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a peer's certificate is worth: asks each proof that the configuration wants, and lets policy/proof.h
 * decide.
 */
#ifndef NODE_PROVE_H
#define NODE_PROVE_H

#include "node/node.h"

/* The certificate member of struct s2s_ops. */
void prove_certificate(struct node *n, struct transport *t, struct str us, struct str them,
	struct s2s_certified *ret);

#endif
