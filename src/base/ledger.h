/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts by name: what somebody (an address prefix, a domain) holds at present, and token buckets of what it did
 * lately. The number of accounts is bounded, and a full ledger fails closed: an account may be forgotten only when
 * nothing is held and its buckets have drained, and without one there is nothing to take from.
 */
#ifndef BASE_LEDGER_H
#define BASE_LEDGER_H

#include "base/list.h"
#include "base/rate.h"
#include "base/table.h"

enum { LEDGER_RATES = 5 };

struct account {
	struct list idle; /* in ledger.idle while nothing is held */
	struct str key; /* behind the account */
	uint64_t used_at;
	unsigned held;
	struct rate rates[LEDGER_RATES]; /* the owner gives them their meaning */
};

struct ledger {
	struct table accounts;
	struct list idle; /* longest idle first */
	size_t max;
	uint64_t forget_ms; /* how long an idle account is kept at least */
	uint64_t full; /* how often there was no account for somebody */
};

void ledger_init(struct ledger *l, size_t max, uint64_t forget_ms);
void ledger_done(struct ledger *l);
/* NULL: nobody of this name. */
struct account *ledger_find(const struct ledger *l, struct str key);
/* Opens an account when there is none; NULL: the ledger is full. Notes that it was used now. */
struct account *ledger_get(struct ledger *l, struct str key, uint64_t now);
/* One more is held; one less. */
void ledger_hold(struct ledger *l, struct account *a);
void ledger_release(struct ledger *l, struct account *a, uint64_t now);
size_t ledger_count(const struct ledger *l);

#endif
