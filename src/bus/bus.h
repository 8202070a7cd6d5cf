/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams of bytes between this node and others over a message bus. Inner opens them, outer answers. Pure: messages
 * and time come in, messages and events go out.
 *
 * A stream is in order and whole, or it ends: at the first gap, when the other side says so or does not know it (any
 * more), and when nothing is taken for too long. What of it was forged only TLS inside it can tell. Numbers that both
 * sides draw at random name a stream, so that no message of an earlier one counts for it.
 *
 * What waits is bounded: the receiver grants a window of bytes beyond what its owner took (bus_taken()).
 * A node that answers keeps at most one stream of a peer whose identity is not proved yet (bus_proved()).
 *
 * Callbacks run inside bus_input(), bus_tick(), bus_lost() and bus_peer_free(). input, opened and writable may
 * call bus_send() and bus_taken() only, send nothing at all. After closed the stream is gone.
 */
#ifndef BUS_BUS_H
#define BUS_BUS_H

#include "base/list.h"
#include "base/str.h"

struct bus;
struct bus_peer; /* a node that we have streams with */
struct bus_stream;

struct bus_settings {
	bool opens; /* inner; otherwise it answers */
	size_t window; /* bytes that wait with us at most, for each stream: 1 MiB */
	unsigned repeat_ms; /* an `open` that was not answered is repeated: 200 */
	unsigned answer_ms; /* and given up: 1500 */
	unsigned renew_ms; /* a stream that is not proved makes way for another one after it: 50 */
	unsigned tell_ms; /* after which what was taken is told in any case: 100 */
	unsigned stall_ms; /* nothing is taken: 3000 */
	unsigned
		strange_ms; /* between two answers to messages of streams that we do not know: 20 */
};
extern const struct bus_settings bus_settings_default;

struct bus_ops {
	/* One message to this peer, in two parts. */
	void (*send)(void *user, void *peer, struct str head, struct str body);
	/* May data be sent now? False: the bus is congested; bus_flush() when it is not any more. */
	bool (*can_send)(void *user);
	/* The peer opened a stream: returns its owner, or NULL to refuse. */
	void *(*accept)(void *user, void *peer, struct bus_stream *s);
	/* The far node answered: bytes can be sent. Not for accepted streams, which are open at once. */
	void (*opened)(void *owner);
	void (*input)(void *owner, struct str bytes);
	/* bus_room() was 0 and is not any more. */
	void (*writable)(void *owner);
	/* It is over: as the far node said (reason NULL), or broken (static text). Not after bus_close(). */
	void (*closed)(void *owner, const char *reason);
};

struct bus *bus_new(const struct bus_settings *settings, const struct bus_ops *ops, void *user);
/* There must be no peers any more. */
void bus_free(struct bus *b);

/* peer is for ops->send and ops->accept. */
struct bus_peer *bus_peer_new(struct bus *b, void *peer);
/* Its streams end. */
void bus_peer_free(struct bus_peer *p, const char *reason);

/* Only when settings.opens. The stream is for owner's events; answered by opened or closed. */
struct bus_stream *bus_open(struct bus_peer *p, void *owner, uint64_t now);
/* How many bytes bus_send() takes now. */
size_t bus_room(struct bus_stream *s);
/* Sends at most bus_room() bytes; returns how many. */
size_t bus_send(struct bus_stream *s, struct str bytes, uint64_t now);
/* The owner is done with so many bytes of input, in all. */
void bus_taken(struct bus_stream *s, uint64_t total);
/* The far node is who it says: this stream does not make way for a new one. */
void bus_proved(struct bus_stream *s);
/* Tells the far node, and forgets the stream. */
void bus_close(struct bus_stream *s);

/* A message of this peer. */
void bus_input(struct bus_peer *p, struct str message, uint64_t now);
/* ops->can_send() is true again. */
void bus_flush(struct bus *b);
/* Everything ends, and nobody is told: the bus is gone. */
void bus_lost(struct bus *b, const char *reason);
void bus_tick(struct bus *b, uint64_t now);
uint64_t bus_deadline(const struct bus *b);

/* Why a connection ended that was not proved yet; with a broker that makes up requests that can be often. */
#define BUS_REPLACED "nats: the far node opened another connection"

/* X(member, help): counted since the start */
#define BUS_COUNTERS(X)                                                                            \
	X(streams, "connections opened or accepted")                                               \
	X(gaps, "connections that ended at a gap")                                                 \
	X(malformed, "messages that are none")                                                     \
	X(strange, "messages of connections that do not exist (any more)")                         \
	X(repeated, "messages that came again")                                                    \
	X(refused, "requests for a connection that were not answered")                             \
	X(replaced, "connections that were not proved when the next one was opened")

struct bus_counters {
#define X(member, help) uint64_t member;
	BUS_COUNTERS(X)
#undef X
};
const struct bus_counters *bus_counters(const struct bus *b);

#endif
