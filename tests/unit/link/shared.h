/* SPDX-License-Identifier: Apache-2.0 */
/* One inner of several that share a lease table: the test answers for the table, and is the other inner. */
#ifndef TESTS_LINK_SHARED_H
#define TESTS_LINK_SHARED_H

#include "lab.h"

enum { ALL = 7, OTHER_BOOT = 9 };

/* An entry as another inner would write it: inners are "inner" (its boot) and "other". Epochs grow, as revisions do. */
void write_entry(struct buf *b, uint64_t revision, const char *owner, const char *wish,
	uint64_t inner, bool other);
/* The last question is answered. */
void win(struct lab *lab, uint64_t revision);
void lose(struct lab *lab, uint64_t revision, const char *owner, const char *wish, uint64_t inner,
	bool other);
void fail_to_answer(struct lab *lab);
/* The watch tells of an entry; nth: of those that stood there. */
void tell(struct lab *lab, uint64_t revision, const char *owner, const char *wish, uint64_t inner,
	bool other);
void tell_nth(struct lab *lab, uint64_t nth, uint64_t revision, const char *owner, const char *wish,
	uint64_t inner, bool other);
/* The inner (boot 2) has the pair at a, alone or with the other inner, at revision 5. */
void hold(struct lab *lab, bool other);

#endif
