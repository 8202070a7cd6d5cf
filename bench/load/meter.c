/* SPDX-License-Identifier: Apache-2.0 */
#include "meter.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"

static uint64_t read_clock(clockid_t clock)
{
	struct timespec t = { 0 };
	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t now_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

void meter_init(struct meter *m, const struct options *o)
{
	memset(m, 0, sizeof(*m));
	m->o = o;
	hist_init(&m->latency);
	for (unsigned i = 0; i < o->watches; i++) {
		unsigned slot = READING_WATCHED + i;
		m->has_clock[slot] = clock_getcpuclockid((pid_t)o->watch[i], &m->clock[slot]) == 0;
	}
}

void meter_join(struct meter *m, unsigned slot)
{
	m->has_clock[slot] = pthread_getcpuclockid(pthread_self(), &m->clock[slot]) == 0;
}

void meter_read(const struct meter *m, struct reading *ret_reading)
{
	for (unsigned i = 0; i < READING_WATCHED + m->o->watches; i++)
		ret_reading->cpu_ns[i] = m->has_clock[i] ? read_clock(m->clock[i]) : 0;
	ret_reading->ns = now_ns();
}

void meter_fail(struct meter *m, const char *who, const char *why)
{
	if (!atomic_exchange(&m->failed, true))
		fprintf(stderr, "sallyport-load: %s: %s\n", who, why);
	atomic_store(&m->stop, true);
}

static double cpu_us(const struct meter *m, unsigned slot)
{
	uint64_t from = m->started.cpu_ns[slot], to = m->ended.cpu_ns[slot];
	return to > from ? (double)(to - from) / 1e3 : 0; /* a clock that has ended reads 0 */
}

static void print_latency(const struct meter *m, struct json *j)
{
	static const struct {
		const char *name;
		double share;
	} rows[] = { { "p10", 0.1 }, { "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 },
		{ "p999", 0.999 } };
	const struct hist *h = &m->latency;
	if (!h->count)
		return;
	json_object(j, "latency_us");
	json_real(j, "min", (double)h->min / 1e3);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		json_real(j, rows[i].name, (double)hist_percentile(h, rows[i].share) / 1e3);
	json_real(j, "max", (double)h->max / 1e3);
	json_real(j, "mean", (double)h->sum / (double)h->count / 1e3);
	json_end(j);
}

static void print_cpu(const struct meter *m, struct json *j)
{
	json_object(j, "cpu_us");
	json_real(j, "source", cpu_us(m, READING_SOURCE));
	json_real(j, "sink", cpu_us(m, READING_SINK));
	json_array(j, "watched");
	for (unsigned i = 0; i < m->o->watches; i++) {
		json_object(j, NULL);
		json_u64(j, "pid", m->o->watch[i]);
		json_real(j, "us", cpu_us(m, READING_WATCHED + i));
		json_end(j);
	}
	json_end(j);
	json_end(j);
}

static void print_counts(const struct meter *m, struct json *j)
{
	uint64_t sent = atomic_load(&m->sent) + atomic_load(&m->sent_warm);
	uint64_t got = atomic_load(&m->received) + atomic_load(&m->warm);
	json_u64(j, "pairs", m->o->pairs);
	json_u64(j, "streams", m->o->streams);
	json_u64(j, "bytes", m->o->bytes);
	json_u64(j, "ready", atomic_load(&m->ready));
	json_u64(j, "broken", atomic_load(&m->broken));
	json_real(j, "setup_seconds", m->setup_seconds);
	json_u64(j, "sent", atomic_load(&m->sent));
	json_u64(j, "received", atomic_load(&m->received));
	json_u64(j, "missing", m->o->role == ROLE_RUN && sent > got ? sent - got : 0);
	json_u64(j, "duplicates", m->duplicates);
	json_u64(j, "reordered", m->reordered);
	json_u64(j, "errors", m->errors);
	json_u64(j, "verified", m->verified);
	json_u64(j, "accepted", atomic_load(&m->accepted));
}

void meter_print(const struct meter *m)
{
	struct buf out;
	struct json j;
	uint64_t received = atomic_load(&m->received);
	double seconds = (double)(m->ended.ns - m->started.ns) / 1e9;
	buf_init(&out, 65536);
	json_init(&j, &out);
	json_object(&j, NULL);
	json_cstr(&j, "event", "result");
	json_bool(&j, "complete", !atomic_load(&m->failed));
	print_counts(m, &j);
	if (m->ended.ns && m->started.ns) {
		json_real(&j, "seconds", seconds);
		json_real(&j, "rate", seconds > 0 ? (double)received / seconds : 0);
		print_cpu(m, &j);
	}
	print_latency(m, &j);
	json_end(&j);
	printf("%.*s\n", STR_FMT(buf_bytes(&out)));
	fflush(stdout);
	buf_done(&out);
}
