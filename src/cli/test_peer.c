/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sallyport test-peer`: outer opens a stream to a domain's server and tells each step in a line of JSON. Here they
 * become one line of text each, as they come; the exit code is that of the last.
 */
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

enum { ANSWER_MAX = 4 << 20, SILENCE_MS = 70000 /* longer than the daemon takes in all */ };

static struct str member(const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);

	return json_is_string(v) ? str_from(json_string_value(v), json_string_length(v)) : STRL("");
}

static void put(struct buf *out, const char *before, struct str text)
{
	if (!text.len)
		return;
	buf_append_c(out, before);
	show_safe(out, text);
}

static void put_list(struct buf *out, const char *before, const json_t *words)
{
	for (size_t i = 0; i < json_array_size(words); i++) {
		const json_t *w = json_array_get(words, i);
		put(out, i ? ", " : before, str_from(json_string_value(w), json_string_length(w)));
	}
}

static void put_policy(struct buf *out, const json_t *o)
{
	put(out, " peer ", member(o, "peer"));
	buf_printf(out, " (line %lld)", (long long)json_integer_value(json_object_get(o, "line")));
	put_list(out, ": accepts ", json_object_get(o, "accept"));
	put_list(out, ": requires ", json_object_get(o, "require"));
	if (json_is_true(json_object_get(o, "tls_required")))
		buf_append_c(out, "; TLS is required");
}

static void put_target(struct buf *out, const char *before, const json_t *o)
{
	put(out, before, member(o, "host"));
	put(out, " ", member(o, "address"));
	if (json_is_true(json_object_get(o, "direct_tls")))
		buf_append_c(out, " direct TLS");
}

static void put_targets(struct buf *out, const json_t *o)
{
	const json_t *targets = json_object_get(o, "targets");

	for (size_t i = 0; i < json_array_size(targets); i++)
		put_target(out, i ? ", " : " ", json_array_get(targets, i));
}

static void put_connect(struct buf *out, const json_t *o)
{
	put_target(out, " ", o);
}

static void put_features(struct buf *out, const json_t *o)
{
	static const char *const names[] = { "starttls", "external", "dialback" };
	const char *before = " their server offers ";

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (json_is_true(json_object_get(o, names[i]))) {
			put(out, before, str_of(names[i]));
			before = ", ";
		}
	}
	if (before[0] == ' ')
		buf_append_c(out, " their server offers nothing that we know");
}

static void put_certificate(struct buf *out, const json_t *o)
{
	const json_t *proofs = json_object_get(o, "proofs");
	const json_t *end = json_object_get(o, "not_after");
	time_t seconds = (time_t)json_integer_value(end);
	char day[16];
	struct tm tm;

	put(out, " ", member(o, "tls"));
	put(out, " ", member(o, "cipher"));
	if (seconds > 0 && gmtime_r(&seconds, &tm) && strftime(day, sizeof(day), "%Y-%m-%d", &tm))
		buf_printf(out, ", certificate to %s", day);
	put(out, ", SHA-256 ", member(o, "sha256"));
	for (size_t i = 0; i < json_array_size(proofs); i++) {
		const json_t *p = json_array_get(proofs, i);
		put(out, "\n             ", member(p, "proof"));
		put(out, ": ", member(p, "said"));
		put(out, ", ", member(p, "why"));
	}
}

static const struct {
	const char *step;
	void (*put)(struct buf *out, const json_t *o);
} views[] = {
	{ "policy", put_policy },
	{ "dns", put_targets },
	{ "connect", put_connect },
	{ "features", put_features },
	{ "certificate", put_certificate },
};

static void put_step(struct buf *out, const json_t *o)
{
	bool ok = json_is_true(json_object_get(o, "ok"));
	struct str step = member(o, "step");

	buf_append_c(out, ok ? "ok  " : "NO  ");
	show_safe(out, step);
	for (size_t n = step.len; n < 11; n++)
		buf_append_c(out, " ");
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
		if (str_is(step, views[i].step))
			views[i].put(out, o);
	}
	if (!str_is(step, "certificate")) /* whose proofs have said it */
		put(out, " ", member(o, "text"));
	if (!ok)
		put(out, " [", member(o, "reason"));
	if (!ok && member(o, "reason").len)
		buf_append_c(out, "]");
	if (ok && str_is(step, "result"))
		put(out, "; they are proved by ", member(o, "proof"));
	put(out, "\n             cure: ", member(o, "cure"));
	buf_append_c(out, "\n");
}

enum outcome { GOES_ON, PASSED, FAILED };

static enum outcome show_line(const struct cli *c, struct str line)
{
	json_error_t error;
	json_t *o = json_loadb(line.p, line.len, JSON_ALLOW_NUL, &error);
	struct str refused = member(o, "error");
	enum outcome result = GOES_ON;
	struct buf out;

	buf_init(&out, ANSWER_MAX);
	if (!o || refused.len) {
		buf_append_c(&out, "sallyport: ");
		show_safe(&out, o ? refused : STRL("not an answer"));
		buf_append_c(&out, "\n");
		result = FAILED;
	} else if (c->json) {
		char *text = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII);
		buf_printf(&out, "%s\n", text ? text : "null");
		free(text);
	} else {
		put_step(&out, o);
	}
	if (result == GOES_ON && str_is(member(o, "step"), "result"))
		result = json_is_true(json_object_get(o, "ok")) ? PASSED : FAILED;
	FILE *to = !o || refused.len ? stderr : stdout;
	fwrite(buf_bytes(&out).p, 1, buf_len(&out), to);
	fflush(to);
	buf_done(&out);
	json_decref(o);
	return result;
}

static enum outcome show_lines(const struct cli *c, struct buf *in)
{
	enum outcome result = GOES_ON;

	while (result == GOES_ON) {
		struct str all = buf_bytes(in);
		const char *end = all.len ? memchr(all.p, '\n', all.len) : NULL;
		if (!end)
			break;
		result = show_line(c, str_from(all.p, (size_t)(end - all.p)));
		buf_consume(in, (size_t)(end - all.p) + 1);
	}
	return result;
}

static enum outcome follow(const struct cli *c, const char *path, int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	enum outcome result = GOES_ON;
	struct buf in;

	buf_init(&in, ANSWER_MAX);
	while (result == GOES_ON) {
		int ready = poll(&wait, 1, SILENCE_MS);
		char *p = buf_space(&in, 65536);
		ssize_t n = ready > 0 && p ? read(fd, p, 65536) : 0;
		if ((ready < 0 || n < 0) && errno == EINTR)
			continue;
		if (n <= 0) {
			fprintf(stderr, "sallyport: %s: the daemon gave no result\n", path);
			result = FAILED;
		} else {
			buf_commit(&in, (size_t)n);
			result = show_lines(c, &in);
		}
	}
	buf_done(&in);
	return result;
}

/* False with a message: not a domain. */
static bool prepare(struct arena *a, const char *word, struct str *ret)
{
	enum jid_error error = jid_parse_domain(a, str_of(word), ret);

	if (error != JID_OK)
		fprintf(stderr, "sallyport: not a domain: %s\n", jid_error_text(error));
	return error == JID_OK;
}

static bool make_request(const struct cli *c, char line[CLIENT_REQUEST_MAX])
{
	struct str from = STR("*"), to;
	struct arena a;

	arena_init(&a, 64 * 1024);
	bool ok = prepare(&a, c->words.word[0], &to) && (!c->from || prepare(&a, c->from, &from));
	if (ok && from.len + to.len > CLIENT_REQUEST_MAX - 16) {
		fprintf(stderr, "sallyport: the domains are too long\n");
		ok = false;
	}
	if (ok)
		snprintf(line, CLIENT_REQUEST_MAX, "test %.*s %.*s\n", STR_FMT(from), STR_FMT(to));
	arena_done(&a);
	return ok;
}

int cmd_test_peer(const struct cli *c)
{
	char request[CLIENT_REQUEST_MAX];
	struct words paths = { 0 };
	enum outcome result = FAILED;

	if (c->words.n != 1)
		return cli_usage("test-peer takes one domain");
	if (!make_request(c, request) || !client_sockets(c, &paths))
		return EXIT_FAILED;
	/* outer's comes first, and only outer does it. */
	int fd = client_ask(paths.word[0], request);
	if (fd >= 0) {
		result = follow(c, paths.word[0], fd);
		close(fd);
	}
	words_free(&paths);
	return result == PASSED ? EXIT_OK : EXIT_FAILED;
}
