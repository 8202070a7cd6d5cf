/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the source's and the sink's thread share: counters, and the clock and
 * CPU readings at the first measured message sent and the last one received.
 * Each field has one writer.
 */
#ifndef LOAD_METER_H
#define LOAD_METER_H

#include <pthread.h>
#include <stdatomic.h>

#include "hist.h"
#include "options.h"

/* The first two readings are the source's and the sink's own threads. */
enum { READING_SOURCE, READING_SINK, READING_WATCHED };

struct reading {
	uint64_t ns;
	uint64_t cpu_ns[READING_WATCHED + WATCH_MAX];
};

struct meter {
	const struct options *o;
	atomic_bool stop; /* a signal, a failure or the end: both threads leave */
	atomic_bool failed;
	clockid_t clock[READING_WATCHED + WATCH_MAX];
	bool has_clock[READING_WATCHED + WATCH_MAX];

	/* written by the source */
	atomic_uint ready;
	atomic_uint broken;
	atomic_ulong sent_warm, sent;
	struct reading started;
	double setup_seconds;

	/* written by the sink */
	atomic_bool listening;
	atomic_uint accepted;
	atomic_ulong warm, received; /* without duplicates */
	uint64_t duplicates, reordered, errors, verified;
	struct reading ended;
	struct hist latency;
};

uint64_t now_ns(void);

void meter_init(struct meter *m, const struct options *o);

/* The calling thread is the source or the sink. */
void meter_join(struct meter *m, unsigned slot);
void meter_read(const struct meter *m, struct reading *ret_reading);

/* Ends the run as failed and says why on stderr (the first few times). */
void meter_fail(struct meter *m, const char *who, const char *why);

/* The result: one JSON object on one line. */
void meter_print(const struct meter *m);

#endif
