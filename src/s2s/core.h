/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: the face itself, close reasons, timers, events. */
#ifndef S2S_CORE_H
#define S2S_CORE_H

#include "base/buf.h"
#include "base/heap.h"
#include "base/ledger.h"
#include "base/list.h"
#include "base/spares.h"
#include "base/table.h"
#include "s2s/face.h"

enum close_reason {
#define X(id, name, condition, text, failure, cure) id,
#include "s2s/close_reason.def"
#undef X
	CLOSE_REASONS
};

struct close_row {
	const char *name;
	const char *condition;
	const char *text;
	enum s2s_failure failure;
	const char *cure;
};
extern const struct close_row close_rows[CLOSE_REASONS];

/* A deadline in the face's heap. It may fire early: fire() looks at the time again. */
struct timer {
	struct heap_node node;
	void (*fire)(struct s2s_face *f, struct timer *t);
};

struct inbox;
struct inbox_slot {
	struct inbox *inbox; /* NULL: free */
	uint64_t next; /* where the next one counts on */
};

struct s2s_face {
	struct s2s_settings settings;
	const struct s2s_ops *ops;
	void *user;
	uint64_t now; /* of the call that is being served */
	struct heap timers;
	struct list streams;
	struct list garbage; /* streams to be freed by the next tick */
	size_t n_streams;
	uint64_t stream_numbers;
	struct table pairs;
	struct list idle_pairs; /* longest idle first */
	size_t n_idle_pairs;
	struct s2s_pair *last_pair; /* of the latest lookup, or NULL */
	size_t pending;
	struct ledger senders; /* our domains, for new destinations */
	size_t n_verifies; /* open ones */
	struct list components; /* struct component */
	struct list flush_due; /* streams on which stanzas were written in this turn: flush.h */
	struct list manage_due; /* streams with acknowledgements to write or to ask for */
	struct list unheard; /* streams that asked and were not answered yet: silence.h */
	struct inbox_slot *slots; /* see inbox.h */
	size_t *free_slots;
	size_t n_slots, n_free_slots, cap_slots;
	bool memory_short;
	bool draining; /* s2s_drain() was called */
	bool stopping; /* s2s_shutdown() was */
	struct buf out; /* what is being composed */
	struct spares spares; /* memory for the queues of pairs */
	struct buf key; /* of the pair that is being looked up */
	struct {
		uint64_t closes[CLOSE_REASONS];
		uint64_t streams_in, streams_out, refused_streams;
		uint64_t stanzas_in, stanzas_out, bytes_in, bytes_out;
		uint64_t unsent, revoked;
		uint64_t keys_valid, keys_invalid, keys_error, keys_refused;
		uint64_t verifies_answered, unsolicited;
		uint64_t pings, pings_answered;
		uint64_t shared; /* pairs that became guests of another pair's stream */
		uint64_t slowed, destinations_refused;
		uint64_t
			strangers; /* stanzas that came by a component from no domain of its server */
		uint64_t excesses[S2S_EXCESS_COUNT];
	} counts;
};

/* Sets the deadline; UINT64_MAX takes the timer out. */
void timer_set(struct s2s_face *f, struct timer *t, uint64_t at);
/* Makes sure that the timer fires at or before this time: cheap when it does already. */
static inline void timer_before(struct s2s_face *f, struct timer *t, uint64_t at)
{
	if (!heap_holds(&t->node) || t->node.key > at)
		timer_set(f, t, at);
}

const char *face_excess_name(enum s2s_excess e);

static inline void face_event(struct s2s_face *f, const struct s2s_event *e)
{
	f->ops->event(f->user, e);
}

static inline uint64_t after(uint64_t now, uint64_t ms)
{
	return now > UINT64_MAX - ms ? UINT64_MAX : now + ms;
}

#endif
