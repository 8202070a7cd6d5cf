/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log on pipes and sockets that nobody reads. A test that waits for room is ended by an alarm.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"
#include "base/sink.h"
#include "rows.h"

enum { PAGE = 4096, FIELD = 512, SECONDS = 60 };

enum kind { PIPE, PIPE_OF_OTHERS, SOCKET };

struct target {
	int reader;
	int writer; /* of the one who shares it */
	int saved;
};

/* A pipe that cannot be opened a second time: like one of another user. */
static void use_without_opening(void)
{
	struct rlimit old, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	log_init(LOG_INFO, STRL("n"));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
}

static struct target begin(enum kind kind)
{
	int ends[2];

	if (kind == SOCKET)
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	else
		assert_int_equal(pipe(ends), 0);
	struct target t = { ends[0], ends[1], dup(STDERR_FILENO) };
	assert_int_equal(fcntl(t.reader, F_SETFL, O_NONBLOCK), 0);
	dup2(t.writer, STDERR_FILENO);
	if (kind == PIPE_OF_OTHERS)
		use_without_opening();
	else
		log_init(LOG_INFO, STRL("n"));
	alarm(SECONDS);
	return t;
}

static void end(struct target t)
{
	alarm(0);
	dup2(t.saved, STDERR_FILENO);
	log_init(LOG_INFO, STRL("n"));
	close(t.saved);
	close(t.reader);
	close(t.writer);
}

/* Others fill it up to one page; what they wrote is one line each. */
static void fill(struct target t)
{
	char page[PAGE];

	memset(page, 'x', sizeof(page));
	page[sizeof(page) - 1] = '\n';
	assert_int_equal(fcntl(t.writer, F_SETPIPE_SZ, 4 * PAGE), 4 * PAGE);
	for (int i = 0; i < 3; i++)
		assert_int_equal(write(t.writer, page, sizeof(page)), sizeof(page));
}

/* Everything that is there; every line is whole, and ours or one of others. */
static void read_lines(struct target t, char *text, size_t size)
{
	size_t n = 0;

	for (ssize_t got; (got = read(t.reader, text + n, size - 1 - n)) > 0;)
		n += (size_t)got;
	text[n] = '\0';
	for (char *at = text, *next; *at; at = next + 1) {
		next = strchr(at, '\n');
		assert_non_null(next);
		if (*at == 'x')
			continue;
		assert_true(strncmp(at, "{\"time\"", 7) == 0 && next[-1] == '}');
	}
}

static unsigned count(const char *text, const char *part)
{
	unsigned n = 0;

	for (const char *at = text; (at = strstr(at, part)); at++)
		n++;
	return n;
}

/* How many lines are said to be missing. */
static unsigned dropped(const char *text)
{
	static const char told[] = "\"event\":\"log-dropped\",\"lines\":";
	unsigned n = 0;

	for (const char *at = text; (at = strstr(at, told)); at++)
		n += (unsigned)strtoul(at + strlen(told), NULL, 10);
	return n;
}

static void log_long(const char *fill_with)
{
	char value[FIELD];

	memset(value, *fill_with, sizeof(value));
	struct str s = str_from(value, sizeof(value));
	LOG(LOG_INFO, "long", LF_STR("a", s), LF_STR("b", s), LF_STR("c", s));
}

static const struct row {
	const char *name;
	enum kind kind;
} rows[] = {
	{ "threats H18 a pipe", PIPE },
	{ "threats H18 a pipe that we may not open again", PIPE_OF_OTHERS },
};

/* Room for one page, and a line of escapes that would be longer; then none, then all. */
static void test_nearly_full(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static char text[1 << 20];
		name_row(rows[i].name);
		struct target t = begin(rows[i].kind);
		int flags = fcntl(t.writer, F_GETFL);
		fill(t);
		log_long("\x01");
		log_long("\x01");
		log_long("\x01");
		bool same = flags == fcntl(t.writer, F_GETFL);
		read_lines(t, text, sizeof(text));
		unsigned written = count(text, "\"event\":\"long\"");
		unsigned told = dropped(text);
		LOG(LOG_INFO, "after");
		read_lines(t, text, sizeof(text));
		end(t);
		assert_true(same);
		assert_int_equal(written, 1);
		assert_int_equal(told + dropped(text), 2);
		assert_int_equal(count(text, "\"event\":\"after\"}"), 1);
	}
}

/* A line is cut in its strings, not at its end. */
static void test_length(void **state)
{
	static char text[1 << 20];
	struct target t = begin(PIPE);

	log_long("\x01");
	read_lines(t, text, sizeof(text));
	size_t escaped = strlen(text);
	log_long("y");
	read_lines(t, text, sizeof(text));
	end(t);
	assert_in_range(escaped, 1000, SINK_LINE_MAX);
	assert_true(strlen(text) > 3 * FIELD);
}

static void test_socket(void **state)
{
	static char text[1 << 22];
	struct target t = begin(SOCKET);
	int flags = fcntl(t.writer, F_GETFL);

	for (int i = 0; i < 900; i++)
		log_long("z");
	bool same = flags == fcntl(t.writer, F_GETFL);
	read_lines(t, text, sizeof(text));
	unsigned written = count(text, "\"event\":\"long\""), told = dropped(text);
	LOG(LOG_INFO, "after");
	read_lines(t, text, sizeof(text));
	end(t);
	assert_true(same);
	assert_in_range(written, 10, 899);
	assert_int_equal(written + told + dropped(text), 900);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "threats H18 a line for which there is not quite room", test_nearly_full, NULL,
			NULL, NULL },
		{ "a line of escapes", test_length, NULL, NULL, NULL },
		{ "threats H18 a socket that nobody reads", test_socket, NULL, NULL, NULL },
	};
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
