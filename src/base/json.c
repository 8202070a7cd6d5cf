/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/check.h"
#include "base/utf8.h"

static bool escape_code(struct buf *out, uint32_t c)
{
	if (c >= 0x10000) {
		c -= 0x10000;
		return buf_printf(out, "\\u%04x\\u%04x", 0xd800 + (c >> 10), 0xdc00 + (c & 0x3ff));
	}
	return buf_printf(out, "\\u%04x", c);
}

/* The number of bytes at the front of s that need no escape. */
static size_t plain_run(struct str s)
{
	size_t i = 0;

	while (i < s.len && s.p[i] >= 0x20 && s.p[i] < 0x7f && s.p[i] != '"' && s.p[i] != '\\')
		i++;
	return i;
}

static bool escape_one(struct buf *out, struct str *s)
{
	unsigned char c = (unsigned char)s->p[0];
	size_t len = 1;
	bool ok;

	if (c == '"' || c == '\\')
		ok = buf_printf(out, "\\%c", c);
	else if (c == '\n')
		ok = buf_append_c(out, "\\n");
	else if (c < 0x80)
		ok = escape_code(out, c);
	else {
		/* One character of at most four bytes, if it is whole and valid. */
		struct str head = { s->p, s->len < 4 ? s->len : 4 };
		if (utf8_xml_prefix(head) > 0)
			ok = escape_code(out, utf8_decode(*s, &len));
		else
			ok = buf_append_c(out, "\\ufffd");
	}
	*s = str_skip(*s, len);
	return ok;
}

bool json_escape(struct buf *out, struct str s, size_t cap)
{
	bool cut = s.len > cap;
	bool ok = buf_append_c(out, "\"");

	if (cut)
		s.len = cap;
	while (ok && s.len) {
		size_t n = plain_run(s);
		ok = buf_append(out, (struct str){ s.p, n });
		s = str_skip(s, n);
		if (ok && s.len)
			ok = escape_one(out, &s);
	}
	return ok && buf_append_c(out, cut ? "\\u2026\"" : "\"");
}

void json_init(struct json *j, struct buf *out)
{
	*j = (struct json){ .out = out };
}

static void fail_unless(struct json *j, bool ok)
{
	if (!ok)
		j->failed = true;
}

static bool start(struct json *j, const char *key)
{
	if (j->failed)
		return false;
	if (j->comma)
		fail_unless(j, buf_append_c(j->out, ","));
	j->comma = true;
	if (key) {
		fail_unless(j, json_escape(j->out, str_of(key), SIZE_MAX));
		fail_unless(j, buf_append_c(j->out, ":"));
	}
	return !j->failed;
}

static void nest(struct json *j, const char *key, const char *open, char closing)
{
	check(j->depth < JSON_DEPTH);
	if (start(j, key))
		fail_unless(j, buf_append_c(j->out, open));
	j->closing[j->depth++] = closing;
	j->comma = false;
}

void json_object(struct json *j, const char *key)
{
	nest(j, key, "{", '}');
}

void json_array(struct json *j, const char *key)
{
	nest(j, key, "[", ']');
}

void json_end(struct json *j)
{
	check(j->depth > 0);
	char closing = j->closing[--j->depth];
	if (!j->failed)
		fail_unless(j, buf_append(j->out, (struct str){ &closing, 1 }));
	j->comma = true;
}

void json_str(struct json *j, const char *key, struct str value)
{
	if (start(j, key))
		fail_unless(j, json_escape(j->out, value, SIZE_MAX));
}

void json_cstr(struct json *j, const char *key, const char *value)
{
	if (value)
		json_str(j, key, str_of(value));
	else if (start(j, key))
		fail_unless(j, buf_append_c(j->out, "null"));
}

void json_u64(struct json *j, const char *key, uint64_t value)
{
	const char *quote = value > INT64_MAX ? "\"" : "";

	if (start(j, key))
		fail_unless(
			j, buf_printf(j->out, "%s%llu%s", quote, (unsigned long long)value, quote));
}

void json_bool(struct json *j, const char *key, bool value)
{
	if (start(j, key))
		fail_unless(j, buf_append_c(j->out, value ? "true" : "false"));
}

void json_real(struct json *j, const char *key, double value)
{
	if (start(j, key))
		fail_unless(j, buf_printf(j->out, "%.3f", value));
}
