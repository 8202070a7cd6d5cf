/* SPDX-License-Identifier: Apache-2.0 */
/* `sallyport trace`: the records of a pair as they pass, from one daemon or from both. */
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/show.h"
#include "jid/jid.h"

enum { SOURCES = 2, LINE_MOST = 32 << 20 };

struct source {
	const char *path;
	int fd;
	struct buf in;
};

static struct str member(const json_t *record, const char *name)
{
	const json_t *value = json_object_get(record, name);

	return value && json_is_string(value)
		? str_from(json_string_value(value), json_string_length(value))
		: STRL("");
}

static void put_time(struct buf *out, const json_t *record)
{
	const json_t *ms = json_object_get(record, "time_ms");
	struct str text = member(record, "time");
	char clock[32];
	struct tm tm;

	if (!json_is_integer(ms)) {
		show_safe(out, text);
		return;
	}
	time_t s = (time_t)(json_integer_value(ms) / 1000);
	if (localtime_r(&s, &tm) && strftime(clock, sizeof(clock), "%H:%M:%S", &tm))
		buf_printf(out, "%s.%03d", clock, (int)(json_integer_value(ms) % 1000));
}

static void put_line(struct buf *out, const char *before, struct str text)
{
	if (!text.len)
		return;
	buf_append_c(out, before);
	show_safe(out, text);
	buf_append_c(out, "\n");
}

/*
 *	14:49:46.123 inner-a in  message alice@example.com/x -> bob@example.se  a1b2c3d4e5f60718
 *	    {1: ...}
 *	    <message ...>
 */
static void put_record(struct buf *out, const json_t *record)
{
	put_time(out, record);
	buf_append_c(out, " ");
	show_safe(out, member(record, "node"));
	buf_append_c(out, str_is(member(record, "direction"), "in") ? " in  " : " out ");
	show_safe(out, member(record, "kind"));
	buf_append_c(out, " ");
	show_safe(out, member(record, "from"));
	buf_append_c(out, " -> ");
	show_safe(out, member(record, "to"));
	buf_append_c(out, "  ");
	show_safe(out, member(record, "trace"));
	buf_append_c(out, "\n");
	put_line(out, "    ", member(record, "diag"));
	put_line(out, "    ", member(record, "xml"));
}

/* False when the daemon refused. */
static bool show_line(const struct cli *c, const char *path, struct str line)
{
	json_error_t error;
	json_t *record = json_loadb(line.p, line.len, JSON_ALLOW_NUL, &error);
	struct str refused = member(record, "error");
	struct buf out;

	if (!record) {
		fprintf(stderr, "sallyport: %s: not a record\n", path);
		return true;
	}
	buf_init(&out, 4 * (size_t)LINE_MOST);
	if (refused.len) {
		buf_printf(&out, "sallyport: %s: ", path);
		show_safe(&out, refused);
		buf_append_c(&out, "\n");
	} else if (c->json) {
		char *text = json_dumps(record, JSON_COMPACT | JSON_ENSURE_ASCII);
		buf_printf(&out, "%s\n", text ? text : "null");
		free(text);
	} else {
		put_record(&out, record);
	}
	FILE *to = refused.len ? stderr : stdout;
	fwrite(buf_bytes(&out).p, 1, buf_len(&out), to);
	fflush(to);
	buf_done(&out);
	json_decref(record);
	return refused.len == 0;
}

static bool show_lines(const struct cli *c, struct source *s)
{
	bool ok = true;

	for (;;) {
		struct str all = buf_bytes(&s->in);
		const char *end = memchr(all.p, '\n', all.len);
		if (!end)
			return ok;
		ok = show_line(c, s->path, str_from(all.p, (size_t)(end - all.p))) && ok;
		buf_consume(&s->in, (size_t)(end - all.p) + 1);
	}
}

static void source_close(struct source *s)
{
	close(s->fd);
	s->fd = -1;
}

static bool read_source(const struct cli *c, struct source *s)
{
	char *p = buf_space(&s->in, 65536);
	ssize_t n = p ? read(s->fd, p, 65536) : 0;

	if (n < 0 && errno == EINTR)
		return true;
	if (n > 0) {
		buf_commit(&s->in, (size_t)n);
		return show_lines(c, s);
	}
	fprintf(stderr, "sallyport: %s: %s\n", s->path,
		p ? "the daemon closed the trace" : "a line that is too long");
	source_close(s);
	return true;
}

/* Until all daemons have closed: each trace ends that way or with Ctrl-C. */
static bool follow(const struct cli *c, struct source *sources, size_t n)
{
	struct pollfd waits[SOURCES];
	bool ok = true;

	for (;;) {
		bool open = false;
		for (size_t i = 0; i < n; i++) {
			waits[i] = (struct pollfd){ .fd = sources[i].fd, .events = POLLIN };
			open = open || sources[i].fd >= 0;
		}
		if (!open)
			return ok;
		if (poll(waits, n, -1) < 0 && errno != EINTR)
			return false;
		for (size_t i = 0; i < n; i++) {
			if (waits[i].revents)
				ok = read_source(c, &sources[i]) && ok;
		}
	}
}

/* The prepared form, which is what the daemon compares with. */
static bool prepare(struct arena *a, const char *word, struct str *ret_domain)
{
	if (strcmp(word, "*") == 0) {
		*ret_domain = str_of(word);
		return true;
	}
	enum jid_error error = jid_parse_domain(a, str_of(word), ret_domain);
	if (error != JID_OK)
		fprintf(stderr, "sallyport: not a domain: %s\n", jid_error_text(error));
	return error == JID_OK;
}

static bool make_request(const struct cli *c, char line[CLIENT_REQUEST_MAX])
{
	struct arena a;
	struct str local = STR("*"), foreign = STR("*");

	arena_init(&a, 64 * 1024);
	bool ok = c->words.n == 0 ||
		(prepare(&a, c->words.word[0], &local) && prepare(&a, c->words.word[1], &foreign));
	if (ok && local.len + foreign.len > CLIENT_REQUEST_MAX - 16) {
		fprintf(stderr, "sallyport: the domains are too long\n");
		ok = false;
	}
	if (ok)
		snprintf(line, CLIENT_REQUEST_MAX, "trace %.*s %.*s\n", STR_FMT(local),
			STR_FMT(foreign));
	arena_done(&a);
	return ok;
}

int cmd_trace(const struct cli *c)
{
	struct source sources[SOURCES];
	struct words paths = { 0 };
	char request[CLIENT_REQUEST_MAX];
	size_t n = 0;

	if (c->words.n != 0 && c->words.n != 2)
		return cli_usage("trace takes a local and a foreign domain, or nothing");
	if (!make_request(c, request) || !client_sockets(c, &paths))
		return EXIT_FAILED;
	for (size_t i = 0; i < paths.n && n < SOURCES; i++) {
		struct source s = { paths.word[i], client_ask(paths.word[i], request), { 0 } };
		buf_init(&s.in, LINE_MOST);
		if (s.fd >= 0)
			sources[n++] = s;
	}
	bool ok = n > 0 && follow(c, sources, n);
	for (size_t i = 0; i < n; i++)
		buf_done(&sources[i].in);
	words_free(&paths);
	return ok ? EXIT_OK : EXIT_FAILED;
}
