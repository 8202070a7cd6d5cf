/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/value.h"

#include "base/count.h"
#include "cli/show.h"

void value_str(struct buf *out, const json_t *value)
{
	show_safe(out, str_from(json_string_value(value), json_string_length(value)));
}

void value_plain(struct buf *out, const json_t *row, const char *key)
{
	const json_t *v = json_object_get(row, key);

	if (json_is_string(v)) {
		value_str(out, v);
	} else if (json_is_integer(v)) {
		buf_printf(out, "%lld", (long long)json_integer_value(v));
	} else if (json_is_real(v)) {
		buf_printf(out, "%g", json_real_value(v));
	} else if (json_is_boolean(v)) {
		buf_append_c(out, json_is_true(v) ? "yes" : "no");
	} else {
		buf_append_c(out, "-");
	}
}

bool value_count(const json_t *row, const char *key, uint64_t *ret)
{
	const json_t *v = json_object_get(row, key);

	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return false;
	*ret = (uint64_t)json_integer_value(v);
	return true;
}

void value_ms(struct buf *out, const json_t *row, const char *key)
{
	uint64_t n;

	if (value_count(row, key, &n)) {
		show_ms(out, n);
	} else {
		buf_append_c(out, "-");
	}
}

void value_seconds(struct buf *out, const json_t *row, const char *key)
{
	uint64_t n;

	if (value_count(row, key, &n) && n < UINT64_MAX / 1000) {
		show_ms(out, n * 1000);
	} else {
		buf_append_c(out, "-");
	}
}

void value_bytes(struct buf *out, const json_t *row, const char *key)
{
	uint64_t n;

	if (value_count(row, key, &n)) {
		show_bytes(out, n);
	} else {
		buf_append_c(out, "-");
	}
}

void value_percent(struct buf *out, const json_t *row, const char *key)
{
	uint64_t n;

	if (value_count(row, key, &n))
		buf_printf(out, "%llu.%llu %%", (unsigned long long)(n / 10),
			(unsigned long long)(n % 10));
	else
		buf_append_c(out, "-");
}

void value_up(struct buf *out, const json_t *row, const char *key)
{
	const json_t *v = json_object_get(row, key);

	buf_append_c(out, json_is_true(v) ? "up" : json_is_false(v) ? "DOWN" : "-");
}

/* The members of a stream's object that say something, with spaces between them. */
void value_words(struct buf *out, const json_t *object, const char *const *keys, size_t n)
{
	const char *between = "";

	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_object_get(object, keys[i]);
		if (!json_is_string(v))
			continue;
		buf_append_c(out, between);
		value_str(out, v);
		between = " ";
	}
	if (!between[0])
		buf_append_c(out, "-");
}

/* An object {"state", "proof", "tls"} or an array of them: the first, and how many more. */
void value_streams(struct buf *out, const json_t *row, const char *key)
{
	static const char *const keys[] = { "state", "proof", "tls" };
	const json_t *v = json_object_get(row, key);
	size_t n = json_is_array(v) ? json_array_size(v) : 1;

	if (json_is_string(v)) {
		value_str(out, v);
		return;
	}
	value_words(out, json_is_array(v) ? json_array_get(v, 0) : v, keys, COUNT(keys));
	if (n > 1)
		buf_printf(out, " and %zu more", n - 1);
}

void value_failure(struct buf *out, const json_t *row, const char *key)
{
	static const char *const keys[] = { "failure", "step", "reason", "text", "detail" };
	const json_t *v = json_object_get(row, key);
	uint64_t n;

	value_words(out, v, keys, COUNT(keys));
	if (value_count(v, "seconds_ago", &n)) {
		buf_append_c(out, ", ");
		value_seconds(out, v, "seconds_ago");
		buf_append_c(out, " ago");
	}
	if (value_count(v, "in_a_row", &n) && n > 1)
		buf_printf(out, ", %llu in a row", (unsigned long long)n);
	if (value_count(v, "retry_in_ms", &n) && n) {
		buf_append_c(out, ", next try in ");
		show_ms(out, n);
	}
}
