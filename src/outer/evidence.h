/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What DNS (DANE) and the web (POSH) say about the certificates of foreign domains: looked up when a peer's
 * statement wants it, shared by all streams of the domain, kept for as long as the answer says.
 */
#ifndef OUTER_EVIDENCE_H
#define OUTER_EVIDENCE_H

#include "net/posh.h"
#include "node/node.h"

struct evidence;

/* https: for POSH, counted. */
struct evidence *evidence_new(struct node *n, struct net_resolver *r, struct net_tls *https);
void evidence_free(struct evidence *e);
/* After a reload: what is known is looked up again when it is wanted next. */
void evidence_refresh(struct evidence *e, struct net_tls *https);

/* The parts of struct node_role. */
void evidence_ask(struct evidence *e, struct transport *t, struct str us, struct str them,
	unsigned wanted, struct proof_table *table);
void evidence_forget(struct evidence *e, struct transport *t);
/* DANE will be wanted for this domain: because us dials it, or (us empty) because somebody named it. */
void evidence_expect(struct evidence *e, struct str us, struct str them);

/* Arrays "dane" and "posh" of what is known of this domain, for `sallyport test-peer`. */
void evidence_describe(struct evidence *e, struct str them, struct json *j);

#endif
