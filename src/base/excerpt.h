/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an answer shows of a long list: the entries of some domains or of all, those that deserve attention first, and
 * never more than EXCERPT_MOST, however many there are. One walk over the list:
 *
 *	excerpt_begin(e);
 *	for each entry: if (excerpt_has(e, entry's domains) && excerpt_now(e, entry, deserves attention)) write it
 *	while ((entry = excerpt_later(e))) write it
 *	write e->total
 */
#ifndef BASE_EXCERPT_H
#define BASE_EXCERPT_H

#include "base/str.h"

enum { EXCERPT_MOST = 300, EXCERPT_DOMAINS = 4 };

struct excerpt {
	struct str domains[EXCERPT_DOMAINS]; /* prepared; the caller's */
	unsigned n_domains; /* 0: entries of all domains */
	size_t total; /* entries so far that are asked for */
	unsigned shown;
	unsigned n_plain;
	unsigned told; /* of the plain ones */
	const void *plain[EXCERPT_MOST];
};

/* All zero is an excerpt of all domains. Before each list. */
void excerpt_begin(struct excerpt *e);

/* Is an entry of these two domains asked for? */
bool excerpt_has(const struct excerpt *e, struct str one, struct str other);

/* Counts the entry. True: it is to be written now; else excerpt_later() has it if there is room. */
bool excerpt_now(struct excerpt *e, const void *entry, bool notable);

/* After the walk: the next entry to write, as the caller gave it, or NULL. */
void *excerpt_later(struct excerpt *e);

#endif
