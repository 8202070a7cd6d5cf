/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/json.h"
#include "base/sink.h"

static enum log_level threshold = LOG_INFO;
static char node_name[128];

/* The budget of one event. Events are literals, so a slot is found by their address. */
struct budget {
	const char *event;
	time_t second;
	unsigned left;
	uint64_t suppressed;
};

enum { BUDGETS = 128 };

static struct budget budgets[BUDGETS + 1]; /* the last: all events that found no slot */

static const char *const level_names[] = { "debug", "info", "warning", "error", "alarm" };

void log_init(enum log_level level, struct str node)
{
	threshold = level;
	size_t n = node.len < sizeof(node_name) - 1 ? node.len : sizeof(node_name) - 1;
	if (n)
		memcpy(node_name, node.p, n);
	node_name[n] = '\0';
	sink_use(STDERR_FILENO);
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

static void append_time(struct buf *line)
{
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	buf_printf(line, "{\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ\"", tm.tm_year + 1900,
		tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, now.tv_nsec / 1000000);
}

static void append_field(struct buf *line, const struct log_field *f, size_t cap)
{
	if (f->kind == LOG_FIELD_STR && !f->str.p)
		return;
	if (f->kind == LOG_FIELD_TRACE && f->u64 == 0)
		return;
	buf_printf(line, ",\"%s\":", f->name);
	if (f->kind == LOG_FIELD_STR)
		json_escape(line, f->str, cap);
	else if (f->kind == LOG_FIELD_TRACE)
		buf_printf(line, "\"%016llx\"", (unsigned long long)f->u64);
	else
		buf_printf(line, "%llu", (unsigned long long)f->u64);
}

static struct budget *budget_of(const char *event)
{
	size_t at = ((uintptr_t)event >> 3) % BUDGETS;

	for (size_t i = 0; i < BUDGETS; i++, at = (at + 1) % BUDGETS) {
		if (!budgets[at].event) {
			budgets[at].event = event;
			budgets[at].left = LOG_BURST;
		}
		if (budgets[at].event == event)
			return &budgets[at];
	}
	return &budgets[BUDGETS];
}

/* One line of this event may be written now. */
static bool take(struct budget *b)
{
	time_t now = time(NULL);

	if (now != b->second) {
		uint64_t earned =
			now > b->second ? (uint64_t)(now - b->second) * LOG_PER_S : LOG_PER_S;
		b->left = earned + b->left < LOG_BURST ? (unsigned)earned + b->left : LOG_BURST;
		b->second = now;
	}
	if (b->left == 0) {
		b->suppressed++;
		return false;
	}
	b->left--;
	return true;
}

static void compose(struct buf *line, enum log_level level, const char *event,
	const struct log_field *fields, size_t n, size_t cap)
{
	append_time(line);
	buf_printf(line, ",\"level\":\"%s\",\"node\":", level_names[level]);
	json_escape(line, str_of(node_name), sizeof(node_name));
	buf_printf(line, ",\"event\":\"%s\"", event);
	for (size_t i = 0; i < n; i++)
		append_field(line, &fields[i], cap);
	buf_append_c(line, "}\n");
}

/* Strings are cut further when the line would not be taken in one piece: peers' texts can be all escapes. */
static bool put_line(
	enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
	struct buf line;

	buf_init(&line, 64 * 1024);
	for (size_t cap = LOG_STR_CAP;; cap /= 4) {
		buf_clear(&line, SIZE_MAX);
		compose(&line, level, event, fields, n, cap);
		if (buf_len(&line) <= SINK_LINE_MAX || cap == 0)
			break;
	}
	bool taken = sink_put(buf_bytes(&line));
	buf_done(&line);
	return taken;
}

/* Lines that the target did not take: neither a full disk nor a full pipe may stop the traffic. */
static uint64_t dropped;

static bool tell_dropped(void)
{
	const struct log_field lines = LF_U64("lines", dropped);

	if (dropped && put_line(LOG_WARNING, "log-dropped", &lines, 1))
		dropped = 0;
	return dropped == 0;
}

void log_event(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
	struct budget *budget = budget_of(event);
	struct log_field all[LOG_FIELDS_MAX + 1];

	if (!take(budget))
		return;
	check(n <= LOG_FIELDS_MAX);
	if (n)
		memcpy(all, fields, n * sizeof(*fields));
	if (budget->suppressed)
		all[n++] = LF_U64("suppressed", budget->suppressed);
	if (tell_dropped() && put_line(level, event, all, n))
		budget->suppressed = 0;
	else
		dropped++;
}
