/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport-load: an s2s load generator. `source` sends, `sink` receives, `run`
 * does both in one process with a thread each, so that the phases and the
 * measured window can be told apart without a protocol between the two.
 * Prints events and, last, the result as one JSON object a line.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/check.h"
#include "meter.h"
#include "sink.h"
#include "source.h"

static struct meter meter;

static void on_signal(int signal)
{
	atomic_store(&meter.stop, true);
}

static void raise_file_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void catch_signals(void)
{
	struct sigaction act = { .sa_handler = on_signal };
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* The first or last processor of those that this process may use. */
static void keep_to_one(pthread_attr_t *attr, bool last)
{
	cpu_set_t may, one;
	int chosen = -1;

	check(sched_getaffinity(0, sizeof(may), &may) == 0);
	for (int i = 0; i < CPU_SETSIZE && (last || chosen < 0); i++)
		chosen = CPU_ISSET(i, &may) ? i : chosen;
	CPU_ZERO(&one);
	CPU_SET(chosen, &one);
	check(pthread_attr_setaffinity_np(attr, sizeof(one), &one) == 0);
}

static void start(pthread_t *thread, const struct options *o, void *(*main)(void *), bool sink)
{
	pthread_attr_t attr;

	check(pthread_attr_init(&attr) == 0);
	if (o->hops)
		keep_to_one(&attr, sink && o->hops % 2);
	check(pthread_create(thread, &attr, main, &meter) == 0);
	pthread_attr_destroy(&attr);
}

int main(int argc, char **argv)
{
	static void *(*const mains[])(void *) = { source_main, sink_main };
	struct options options;
	pthread_t threads[2];
	int status;

	if (!options_parse(argc, argv, &options, &status))
		return status;
	raise_file_limit();
	meter_init(&meter, &options);
	catch_signals();
	for (int i = 1; i >= 0; i--) {
		if (options.role & 1 << i)
			start(&threads[i], &options, mains[i], i == 1);
	}
	for (int i = 0; i < 2; i++) {
		if (options.role & 1 << i)
			pthread_join(threads[i], NULL);
	}
	meter_print(&meter);
	return atomic_load(&meter.failed);
}
