/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/kv.h for a script: kv_drive NODE CERTIFICATE KEY TRUST SERVER...
 *
 *	stdin     put TICKET KEY REVISION OLD [VALUE]    get TICKET KEY    quit    (OLD: what is there, or any word)
 *	stdout    answered TICKET won|lost|unavailable|unasked REVISION VALUE
 *	          told REVISION VALUE    state ready|down TEXT
 *
 * It ends with its stdin.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "net/kv.h"

enum { SERVERS = 8, WORD = 64, POLL_MS = 2 };

struct drive {
	struct net_loop *loop;
	struct net_kv *kv;
	struct net_timer *timer;
	struct buf input;
};

static void on_answered(
	void *user, uint64_t ticket, enum net_kv_answer answer, uint64_t revision, struct str value)
{
	static const char *const names[] = { "won", "lost", "unavailable", "unasked" };

	printf("answered %llu %s %llu %.*s\n", (unsigned long long)ticket, names[answer],
		(unsigned long long)revision, STR_FMT(value));
	fflush(stdout);
}

static void on_told(void *user, const char key[NET_KV_KEY], uint64_t revision, struct str value)
{
	printf("told %llu %.*s\n", (unsigned long long)revision, STR_FMT(value));
	fflush(stdout);
}

static void on_state(void *user, bool ready, const char *text)
{
	printf("state %s %s\n", ready ? "ready" : "down", text);
	fflush(stdout);
}

static void obey(struct drive *d, char *line)
{
	unsigned long long ticket = 0, revision = 0;
	char key[NET_KV_KEY] = "", old[WORD] = "", value[WORD] = "";

	if (sscanf(line, "put %llu %32s %llu %63s %63s", &ticket, key, &revision, old, value) >= 4)
		net_kv_put(
			d->kv, ticket, key, revision, str_of(revision ? old : ""), str_of(value));
	else if (sscanf(line, "get %llu %32s", &ticket, key) == 2)
		net_kv_get(d->kv, ticket, key);
	else
		net_loop_stop(d->loop);
}

static void on_timer(void *user)
{
	struct drive *d = user;
	char *space = buf_space(&d->input, 4096);
	const char *end;

	check(space);
	ssize_t n = read(STDIN_FILENO, space, 4096);
	if (n > 0)
		buf_commit(&d->input, (size_t)n);
	while ((end = memchr(buf_bytes(&d->input).p, '\n', buf_len(&d->input)))) {
		struct str bytes = buf_bytes(&d->input);
		char *line = str_dup_c(str_from(bytes.p, (size_t)(end - bytes.p)));
		buf_consume(&d->input, (size_t)(end - bytes.p) + 1);
		obey(d, line);
		free(line);
	}
	if (n == 0)
		net_loop_stop(d->loop);
	net_timer_set(d->timer, net_now(d->loop) + POLL_MS);
}

int main(int argc, char **argv)
{
	static const struct net_kv_ops ops = { on_answered, on_told, on_state };
	struct str servers[SERVERS];
	char err[300] = "";
	struct drive d = { .loop = net_loop_new() };

	check(argc > 5 && argc - 5 <= SERVERS);
	for (int i = 5; i < argc; i++)
		servers[i - 5] = str_of(argv[i]);
	struct net_kv_settings settings = net_kv_settings_default;
	settings.broker = (struct net_nats_settings){
		.name = argv[1],
		.servers = servers,
		.n_servers = (size_t)argc - 5,
		.certificate = argv[2],
		.key = argv[3],
		.trust = argv[4],
	};
	buf_init(&d.input, 1 << 20);
	fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
	d.kv = net_kv_open(d.loop, &settings, &ops, &d, err, sizeof(err));
	if (!d.kv) {
		fprintf(stderr, "%s\n", err);
		return 1;
	}
	d.timer = net_timer_new(d.loop, on_timer, &d);
	net_timer_set(d.timer, net_now(d.loop));
	net_loop_run(d.loop);
	net_timer_free(d.timer);
	net_kv_close(d.kv);
	net_loop_free(d.loop);
	net_kv_finish();
	net_nats_finish();
	buf_done(&d.input);
	return 0;
}
