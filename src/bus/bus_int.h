/* SPDX-License-Identifier: Apache-2.0 */
/* For the files of this folder: bus.c (peers, who may open), stream.c (one stream). */
#ifndef BUS_BUS_INT_H
#define BUS_BUS_INT_H

#include "bus/bus.h"
#include "bus/message.h"

struct bus {
	struct bus_settings set;
	struct bus_ops ops;
	void *user;
	struct list peers;
	struct bus_counters counters;
};

struct bus_peer {
	struct list link; /* in bus->peers */
	struct bus *bus;
	void *user;
	struct list streams;
	size_t n_streams;
	uint64_t strange_at; /* when the next answer to a message of an unknown stream may go */
};

enum bus_state { BUS_OPENING, BUS_UP };

struct bus_stream {
	struct list link; /* in peer->streams */
	struct bus_peer *peer;
	void *owner;
	enum bus_state state;
	bool proved;
	bool blocked; /* bus_room() said 0 */
	uint64_t ours; /* the number that we drew */
	uint64_t theirs; /* 0: not known yet */
	uint64_t born;
	uint64_t repeat_at; /* opening */
	/* out */
	uint64_t window; /* what they take beyond acked */
	uint64_t sent;
	uint64_t acked; /* what they took */
	uint64_t stall_since; /* nothing was acked since, and something is out */
	/* in */
	uint64_t received;
	uint64_t taken;
	uint64_t told; /* of taken */
	uint64_t tell_at; /* at the latest; UINT64_MAX: nothing came since */
};

/* --- stream.c --- */
struct bus_stream *bus_stream_new(struct bus_peer *p, void *owner, uint64_t now);
void bus_stream_free(struct bus_stream *s);
/* Frees it, and tells the owner. */
void bus_stream_end(struct bus_stream *s, const char *reason);
void bus_stream_say(struct bus_stream *s, enum bus_message_type type);
/* A message of this very stream. */
void bus_stream_input(struct bus_stream *s, const struct bus_message *m, uint64_t now);
void bus_stream_wake(struct bus_stream *s);
void bus_stream_tick(struct bus_stream *s, uint64_t now);
uint64_t bus_stream_deadline(const struct bus_stream *s);

#endif
