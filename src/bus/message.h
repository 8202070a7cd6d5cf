/* SPDX-License-Identifier: Apache-2.0 */
/* The messages on the bus: one CBOR array each, see doc/link.md, Carriers. */
#ifndef BUS_MESSAGE_H
#define BUS_MESSAGE_H

#include "base/buf.h"

enum {
	BUS_VERSION = 1,
	BUS_HEAD_MAX = 64, /* more than everything in a message but its bytes */
	BUS_CHUNK_MAX = 64 * 1024, /* bytes of the stream in one message */
};

/* The numbers are those on the bus. */
enum bus_message_type {
	BUS_OPEN = 0, /* let us have a connection: to is 0 */
	BUS_ACCEPT = 1,
	BUS_DATA = 2,
	BUS_TAKEN = 3,
	BUS_END = 4,
};

struct bus_message {
	enum bus_message_type type;
	uint64_t to; /* number that the receiver drew for the connection */
	uint64_t from; /* that the sender drew; never 0 */
	uint64_t
		window; /* open, accept: bytes that the sender takes beyond what it reported as taken */
	uint64_t offset; /* data: place of the first byte in the stream */
	uint64_t taken; /* data, taken: bytes of the other direction that were taken so far */
	struct str bytes; /* data: 1 to BUS_CHUNK_MAX; of the input */
};

/* False: not a message of this version. */
bool bus_message_read(struct str input, struct bus_message *ret);
/* Writes all but the bytes of data, which follow it as they are. */
struct str bus_message_head(const struct bus_message *m, char ret[BUS_HEAD_MAX]);

#endif
