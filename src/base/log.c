/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"

static enum log_level threshold = LOG_INFO;
static char node_name[128];

static const char *const level_names[] = { "debug", "info", "warning", "error", "alarm" };

void log_init(enum log_level level, struct str node)
{
	threshold = level;
	size_t n = node.len < sizeof(node_name) - 1 ? node.len : sizeof(node_name) - 1;
	if (n)
		memcpy(node_name, node.p, n);
	node_name[n] = '\0';
}

enum log_level log_threshold(void)
{
	return threshold;
}

struct str log_cstr(const char *s)
{
	return s ? str_of(s) : (struct str){ NULL, 0 };
}

const char *log_level_name(enum log_level level)
{
	return level_names[level];
}

bool log_level_parse(struct str word, enum log_level *ret_level)
{
	for (unsigned i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
		if (str_is(word, level_names[i])) {
			*ret_level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

static void append_time(struct buf *line)
{
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	buf_printf(line, "{\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ\"", tm.tm_year + 1900,
		tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, now.tv_nsec / 1000000);
}

static void append_field(struct buf *line, const struct log_field *f)
{
	if (f->kind == LOG_FIELD_STR && !f->str.p)
		return;
	if (f->kind == LOG_FIELD_TRACE && f->u64 == 0)
		return;
	buf_printf(line, ",\"%s\":", f->name);
	if (f->kind == LOG_FIELD_STR)
		json_escape(line, f->str, LOG_STR_CAP);
	else if (f->kind == LOG_FIELD_TRACE)
		buf_printf(line, "\"%016llx\"", (unsigned long long)f->u64);
	else
		buf_printf(line, "%llu", (unsigned long long)f->u64);
}

void log_event(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
	struct buf line;

	buf_init(&line, 64 * 1024);
	append_time(&line);
	buf_printf(&line, ",\"level\":\"%s\",\"node\":", level_names[level]);
	json_escape(&line, str_of(node_name), sizeof(node_name));
	buf_printf(&line, ",\"event\":\"%s\"", event);
	for (size_t i = 0; i < n; i++)
		append_field(&line, &fields[i]);
	buf_append_c(&line, "}\n");
	struct str bytes = buf_bytes(&line);
	/* A full pipe or disk must not stop the traffic; the line is lost then. */
	ssize_t written = write(STDERR_FILENO, bytes.p, bytes.len);
	(void)written;
	buf_done(&line);
}
