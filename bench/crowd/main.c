/* SPDX-License-Identifier: Apache-2.0 */
/* The command line, the loop, the messages and the log. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "crowd.h"

static volatile sig_atomic_t quiet; /* no new messages */
static volatile sig_atomic_t ended;

uint64_t crowd_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void crowd_row(struct crowd *w, enum row_kind kind, unsigned pair, uint32_t seq, uint64_t sent,
	unsigned address)
{
	struct row row = { .now = crowd_now(),
		.sent = sent,
		.pair = pair,
		.seq = seq,
		.kind = kind,
		.address = address };

	check(fwrite(&row, sizeof(row), 1, w->log) == 1);
}

/* The number stands in the id, which comes back with an error; the time in the body, which does not. */
size_t crowd_message(const struct pair *p, uint32_t seq, char *bytes, size_t size)
{
	static const char filler[] = "are you coming to the meeting at noon, or shall we take it "
				     "tomorrow when the others "
				     "are back from the field? are you coming to the meeting at "
				     "noon, or shall we take it "
				     "tomorrow when the others are back from the field?";
	int n = snprintf(bytes, size,
		"<message from='alice@%s/desk' to='bob@%s' type='chat' "
		"id='q%u-%u'><body>~%016" PRIx64 " ",
		p->own, p->peer, p->index, seq, p->born[seq % RING]);
	int room = MESSAGE - n - (int)sizeof("</body></message>") + 1;

	check(n > 0 && (size_t)n < size);
	if (room < 0)
		room = 0;
	if (room > (int)sizeof(filler) - 1)
		room = (int)sizeof(filler) - 1;
	n += snprintf(bytes + n, size - (size_t)n, "%.*s</body></message>", room, filler);
	return (size_t)n;
}

void crowd_take(struct crowd *w, const struct element *e, unsigned from)
{
	struct str id = scan_attr(e->head, "id");
	unsigned pair, seq;
	char text[40];
	uint64_t sent = 0;
	bool error = str_is(scan_attr(e->head, "type"), "error");

	snprintf(text, sizeof(text), "%.*s", (int)(id.len < 30 ? id.len : 30), id.p);
	if (sscanf(text, "q%u-%u", &pair, &seq) != 2) {
		fprintf(stderr, "unknown: %.*s\n", (int)(e->len < 400 ? e->len : 400), e->head.p);
		return;
	}
	if (error) {
		if (w->bounced++ < 5)
			fprintf(stderr, "bounced: %.*s%.*s\n", STR_FMT(e->head),
				(int)(e->body.len < 300 ? e->body.len : 300), e->body.p);
		crowd_row(w, ROW_BOUNCED, pair, seq, 0, from);
		return;
	}
	const char *at = memchr(e->body.p, '~', e->body.len);
	if (at) {
		snprintf(text, sizeof(text), "%.16s", at + 1);
		sent = strtoull(text, NULL, 16);
	}
	w->arrived++;
	crowd_row(w, ROW_ARRIVED, pair, seq, sent, from);
}

/* The number of the pair in place of the %. */
static char *name_of(const char *pattern, unsigned n)
{
	const char *hole = strchr(pattern, '%');
	char *name;

	if (!hole)
		return strdup(pattern);
	check(asprintf(&name, "%.*s%04u%s", (int)(hole - pattern), pattern, n, hole + 1) > 0);
	return name;
}

static void prepare(struct crowd *w)
{
	struct address at;
	int on = 1, fd;
	char *list = strdup(w->connect);
	struct rlimit limit = { 65536, 65536 };

	setrlimit(RLIMIT_NOFILE, &limit);
	for (char *word = strtok(list, ","); word; word = strtok(NULL, ",")) {
		check(w->addresses < ADDRESSES && address_parse(word, &w->to[w->addresses]));
		w->addresses++;
	}
	free(list);
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	w->client = tls_context(false, w->certificate, w->key, false);
	w->server = tls_context(true, w->certificate, w->key, true);
	w->log = fopen(w->log_path, "wb");
	check(w->epoll >= 0 && w->client && w->server && w->log && w->addresses);
	check(address_parse(w->listen, &at));
	fd = socket(at.sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&at.sa, at.len) || listen(fd, 4096)) {
		perror(w->listen);
		exit(1);
	}
	conn_open(&w->listener, w->epoll, fd);
	w->pair = calloc(w->pairs, sizeof(*w->pair));
	check(w->pair);
	for (unsigned i = 0; i < w->pairs; i++) {
		struct pair *p = &w->pair[i];

		p->crowd = w;
		p->index = i;
		p->c.fd = -1;
		p->address = w->spread ? i % w->addresses : 0;
		p->own = name_of(w->own, i);
		p->peer = name_of(w->peer, i);
		/* When the other crowd listens, too, and not all at once. */
		p->retry_at = crowd_now() + 1000000000u + i * 2000000u;
	}
}

bool crowd_may_shake(struct crowd *w)
{
	if (w->handshakes == 0)
		return false;
	w->handshakes--;
	return true;
}

static void events(struct crowd *w)
{
	struct epoll_event got[256];
	int n = epoll_wait(w->epoll, got, 256, 1);

	w->handshakes = HANDSHAKES;

	for (int i = 0; i < n; i++) {
		struct pair *p = got[i].data.ptr;

		if (got[i].data.ptr == &w->listener)
			guest_accept(w);
		else if (p >= w->pair && p < w->pair + w->pairs)
			pair_event(p, got[i].events);
		else
			guest_event(got[i].data.ptr, got[i].events);
	}
}

static bool settled(const struct crowd *w)
{
	for (unsigned i = 0; i < w->pairs; i++) {
		if (!pair_settled(&w->pair[i]))
			return false;
	}
	return true;
}

/* Messages are made at the rate until we are told to be quiet; what is under way may end then, for --settle seconds. */
static void serve(struct crowd *w)
{
	uint64_t began = crowd_now(), quiet_at = 0, due = 0;

	while (!ended) {
		uint64_t now = crowd_now();

		if (!quiet) {
			for (due = (now - began) * w->rate / 1000000000u;
				w->made + w->overrun < due;) {
				pair_make(&w->pair[w->turn]);
				w->turn = (w->turn + 1) % (unsigned)w->pairs;
			}
		} else if (!quiet_at) {
			quiet_at = now;
		} else if (settled(w) || now - quiet_at > w->settle * 1000000000u) {
			if (quiet_at)
				printf("{\"event\": \"quiet\", \"settled\": %s}\n",
					settled(w) ? "true" : "false");
			fflush(stdout);
			quiet_at = UINT64_MAX / 2; /* said once; it goes on listening */
			w->settle = UINT64_MAX / 4000000000u;
		}
		events(w);
		for (unsigned i = 0; i < w->pairs; i++)
			pair_tick(&w->pair[i]);
	}
}

static void report(struct crowd *w)
{
	fclose(w->log);
	printf("{\"event\": \"end\", \"overrun\": %" PRIu64 ", \"arrived\": %" PRIu64
	       ", \"made\": [",
		w->overrun, w->arrived);
	for (unsigned i = 0; i < w->pairs; i++)
		printf("%s%" PRIu32, i ? ", " : "", w->pair[i].made);
	printf("], \"unsettled\": [");
	for (unsigned i = 0; i < w->pairs; i++)
		printf("%s%" PRIu32, i ? ", " : "", w->pair[i].made - w->pair[i].base);
	printf("]}\n");
	fflush(stdout);
}

static void on_signal(int signum)
{
	if (signum == SIGUSR1)
		quiet = 1;
	else
		ended = 1;
}

static void parse(int argc, char **argv, struct crowd *w)
{
	static const struct option options[] = {
		{ "listen", 1, NULL, 'l' },
		{ "connect", 1, NULL, 'c' },
		{ "own", 1, NULL, 'o' },
		{ "peer", 1, NULL, 'p' },
		{ "certificate", 1, NULL, 't' },
		{ "key", 1, NULL, 'k' },
		{ "log", 1, NULL, 'f' },
		{ "pairs", 1, NULL, 'n' },
		{ "rate", 1, NULL, 'r' },
		{ "settle", 1, NULL, 's' },
		{ "patience", 1, NULL, 'w' },
		{ "acks", 0, NULL, 'a' },
		{ "spread", 0, NULL, 'd' },
		{ NULL, 0, NULL, 0 },
	};
	const char **texts[256] = { ['l'] = &w->listen,
		['c'] = &w->connect,
		['o'] = &w->own,
		['p'] = &w->peer,
		['t'] = &w->certificate,
		['k'] = &w->key,
		['f'] = &w->log_path };
	uint64_t *numbers[256] = { ['n'] = &w->pairs,
		['r'] = &w->rate,
		['s'] = &w->settle,
		['w'] = &w->patience,
		['a'] = &w->acks,
		['d'] = &w->spread };

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (texts[c & 255])
			*texts[c & 255] = optarg;
		else if (numbers[c & 255])
			*numbers[c & 255] = optarg ? strtoull(optarg, NULL, 10) : 1;
		else
			exit(2);
	}
	if (!w->listen || !w->connect || !w->own || !w->peer || !w->certificate || !w->key ||
		!w->log_path || !w->pairs) {
		fputs("usage: sallyport-crowd --listen A:P --connect A:P[,A:P...] --own f%.example "
		      "--peer example.se --pairs N\n"
		      "         --rate N --certificate F --key F --log F [--acks] [--spread] "
		      "[--settle SECONDS] [--patience SECONDS]\n"
		      "SIGUSR1: make no more messages, end what is under way; SIGTERM: end\n",
			stderr);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct crowd w = { .rate = 100, .settle = 10, .patience = 2 };
	struct sigaction act = { .sa_handler = on_signal };

	parse(argc, argv, &w);
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGUSR1, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	prepare(&w);
	printf("{\"event\": \"listening\"}\n");
	fflush(stdout);
	serve(&w);
	report(&w);
	return 0;
}
