/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One JSON object per line on stderr, one line per event. Every string is
 * escaped (base/json.h) and capped, so that a peer's text stays data.
 *
 *	LOG(LOG_INFO, "pair-valid", LF_STR("local", us), LF_STR("foreign", them));
 *
 * Each line also carries time (RFC 3339, UTC, milliseconds), level, node, event. A peer can cause lines, so
 * each event has a budget: LOG_BURST lines at once, LOG_PER_S a second. What is over it is counted, and the event's
 * next line says how many are missing ("suppressed"). Nothing ever waits for the log: a line that stderr does not take
 * is dropped, and before the next one a line "log-dropped" says how many. A line is at most SINK_LINE_MAX bytes long.
 * Programs log, parts do not: parts return what happened.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR, LOG_ALARM };

enum log_field_kind { LOG_FIELD_STR, LOG_FIELD_U64, LOG_FIELD_TRACE };

struct log_field {
	const char *name;
	enum log_field_kind kind;
	struct str str; /* capped at LOG_STR_CAP bytes; left out when p is NULL */
	uint64_t u64;
};

enum { LOG_FIELDS_MAX = 31, LOG_STR_CAP = 512, LOG_BURST = 1000, LOG_PER_S = 200 };

#define LF_STR(name, value) ((struct log_field){ (name), LOG_FIELD_STR, (value), 0 })
#define LF_CSTR(name, value) ((struct log_field){ (name), LOG_FIELD_STR, log_cstr(value), 0 })
#define LF_U64(name, value) ((struct log_field){ (name), LOG_FIELD_U64, { 0, 0 }, (value) })
/* A trace id, as 16 hexadecimal digits; left out when 0. */
#define LF_TRACE(value) ((struct log_field){ "trace", LOG_FIELD_TRACE, { 0, 0 }, (value) })

#define LOG(level, event, ...)                                                                     \
	do {                                                                                       \
		if ((level) >= log_threshold()) {                                                  \
			const struct log_field log_fields_[] = { __VA_ARGS__ };                    \
			_Static_assert(                                                            \
				sizeof(log_fields_) / sizeof(log_fields_[0]) <= LOG_FIELDS_MAX,    \
				"room for each field");                                            \
			log_event((level), (event), log_fields_,                                   \
				sizeof(log_fields_) / sizeof(log_fields_[0]));                     \
		}                                                                                  \
	} while (0)

/* The node's name appears in every line. It is copied. */
void log_init(enum log_level threshold, struct str node);
enum log_level log_threshold(void);
void log_event(enum log_level level, const char *event, const struct log_field *fields, size_t n);

/* NULL becomes an absent field. */
struct str log_cstr(const char *s);

/* The word for a level. */
const char *log_level_name(enum log_level level);

#endif
