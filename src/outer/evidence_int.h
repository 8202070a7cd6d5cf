/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of evidence: what is known of a domain, and who waits for it. */
#ifndef OUTER_EVIDENCE_INT_H
#define OUTER_EVIDENCE_INT_H

#include "base/table.h"
#include "net/dane.h"
#include "outer/evidence.h"
#include "outer/share.h"

enum state { UNKNOWN, ASKED, KNOWN };

struct entry {
	struct list used; /* in evidence.used */
	struct evidence *owner;
	struct str domain;
	struct list waiters;
	struct {
		enum state state;
		bool outdated; /* while it was looked up, the resolver was exchanged */
		uint64_t until;
		struct net_dane_lookup *lookup;
		struct share *share; /* of the look-up */
		struct net_dane *answer;
	} dane;
	struct {
		enum state state;
		bool outdated; /* while it was fetched, the resolver or the anchors were exchanged */
		uint64_t until;
		struct net_posh_fetch *fetch;
		struct share *share; /* of the fetch */
		const char *error;
		struct net_posh_doc *doc;
	} posh;
};

struct waiter {
	struct list in_entry;
	struct waiter *next; /* of the same transport */
	struct entry *entry;
	struct transport *transport;
};

struct evidence {
	struct node *node;
	struct net_resolver *resolver;
	struct net_tls *https;
	struct table entries;
	struct list used; /* longest unused first */
	struct shares *shares;
};

/* evidence.c */
/* Waits for what was asked; once for an entry. */
void entry_wait(struct entry *x, struct transport *t);
/* The waiters are told, each once; they may ask for more. */
void entry_tell(struct entry *x);
void entry_end_share(struct entry *x, struct share **share);

/* evidence_look.c: is the answer there? Asks for it when it is not, or too old. */
enum state look_for_dane(struct entry *x, const struct share_user *user, const char **ret_why);
struct proof_answer look_dane(struct entry *x, struct transport *t, struct str us);
struct proof_answer look_posh(struct entry *x, struct transport *t, struct str us);

#endif
