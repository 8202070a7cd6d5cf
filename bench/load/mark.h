/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the source writes in a message's body and the sink looks for: 32 bytes
 * that start with a tilde, which occurs nowhere else in the generator's
 * traffic and which no XML writer escapes.
 *
 *	~m 00002a 0000ffff 00000a1b2c3d4e5f	(without the blanks)
 *	   stream sequence  CLOCK_MONOTONIC, ns
 *
 * and the message around it, of an exact number of bytes.
 */
#ifndef LOAD_MARK_H
#define LOAD_MARK_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

enum { MARK_LEN = 32, MARK_STREAMS = 1 << 24, LETTER_MAX = 4096 };

struct mark {
	bool measured; /* false: warms up, counts for nothing */
	uint32_t stream;
	uint32_t seq; /* from 0, per stream */
	uint64_t ns;
};

void mark_write(char *p, const struct mark *m);
bool mark_read(const char *p, struct mark *ret_mark);

/* A message with a hole for the mark. */
struct letter {
	size_t len;
	size_t mark_at;
	char bytes[];
};

/*
 * A chat message of len bytes from one domain to the other, as a usual client
 * writes it (chat state and receipt request), or NULL when it cannot be that short or
 * that long. free() it.
 */
struct letter *letter_new(const char *from, const char *to, size_t len);

#endif
