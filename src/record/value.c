/* SPDX-License-Identifier: Apache-2.0 */
#include "record/value.h"

#include <stdio.h>

#include "base/base64.h"
#include "base/check.h"
#include "jid/jid.h"

bool value_is_blank(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!value_is_space(s.p[i]))
			return false;
	}
	return true;
}

static struct str trim(struct str s)
{
	while (s.len && value_is_space(s.p[0]))
		s = str_skip(s, 1);
	while (s.len && value_is_space(s.p[s.len - 1]))
		s.len--;
	return s;
}

static bool print_number(struct arena *a, bool negative, uint64_t n, struct str *ret)
{
	char digits[24];
	int len = snprintf(
		digits, sizeof(digits), "%s%llu", negative ? "-" : "", (unsigned long long)n);

	*ret = arena_str(a, str_from(digits, (size_t)len));
	return ret->p;
}

/* A number with leading zeros or a sign that says nothing is written anew. */
static bool fit_number(struct str in, bool with_sign, struct arena *a, struct str *ret)
{
	struct str s = trim(in);
	bool plus = s.len && s.p[0] == '+';
	bool minus = s.len && s.p[0] == '-';
	struct str digits = str_skip(s, plus || minus);
	uint64_t n;

	while (digits.len > 1 && digits.p[0] == '0')
		digits = str_skip(digits, 1);
	if (!str_to_u64(digits, &n))
		return false;
	if (minus && !with_sign && n)
		return false;
	if (with_sign && n > (uint64_t)INT64_MAX + minus)
		return false;
	if (n == 0)
		minus = false;
	if (digits.len + minus != s.len)
		return print_number(a, minus, n, ret);
	*ret = s;
	return true;
}

static bool fit_token(struct str in)
{
	for (size_t i = 0; i < in.len; i++) {
		if (value_is_space(in.p[i]))
			return false;
	}
	return in.len > 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Matches a pattern: 9 is a digit, other characters are themselves. The rest, or p == NULL. */
static struct str match(struct str s, const char *pattern)
{
	for (; *pattern; pattern++, s = str_skip(s, 1)) {
		if (s.len == 0 || (*pattern == '9' ? !is_digit(s.p[0]) : s.p[0] != *pattern))
			return (struct str){ NULL, 0 };
	}
	return s;
}

/* CCYY-MM-DDThh:mm:ss[.sss](Z|+hh:mm|-hh:mm), or CCYYMMDDThh:mm:ss. */
static bool fit_time(struct str in)
{
	struct str rest = match(in, "9999-99-99T99:99:99");

	if (!rest.p) {
		rest = match(in, "99999999T99:99:99");
		return rest.p && rest.len == 0;
	}
	if (rest.len && rest.p[0] == '.') {
		size_t n = 1;
		while (n < rest.len && is_digit(rest.p[n]))
			n++;
		if (n == 1)
			return false;
		rest = str_skip(rest, n);
	}
	struct str zone = match(rest, "Z");
	if (!zone.p)
		zone = match(rest, "+99:99");
	if (!zone.p)
		zone = match(rest, "-99:99");
	return zone.p && zone.len == 0;
}

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A scheme, a colon, and nothing that a URI may not hold unescaped (IRIs may pass). */
static bool fit_uri(struct str in)
{
	size_t i = 0;

	while (i < in.len && in.p[i] != ':') {
		if (!is_alpha(in.p[i]) &&
			(i == 0 ||
				(!is_digit(in.p[i]) && in.p[i] != '+' && in.p[i] != '-' &&
					in.p[i] != '.')))
			return false;
		i++;
	}
	if (i == 0 || i == in.len)
		return false;
	for (; i < in.len; i++) {
		if (value_is_space(in.p[i]) || strchr("\"<>\\^`{|}\x7f", in.p[i]))
			return false;
	}
	return true;
}

static bool fit_lang(struct str in)
{
	size_t part = 0;

	if (in.len > 100)
		return false;
	for (size_t i = 0; i < in.len; i++) {
		if (in.p[i] == '-') {
			if (part == 0)
				return false;
			part = 0;
		} else if ((!is_alpha(in.p[i]) && !is_digit(in.p[i])) || ++part > 8) {
			return false;
		}
	}
	return part > 0 || in.len == 0;
}

static bool fit_jid(struct str in, struct arena *a, struct str *ret)
{
	struct jid jid;

	if (jid_parse(a, in, &jid) != JID_OK)
		return false;
	*ret = jid.full;
	return true;
}

/* White space goes when what remains is base64; otherwise the text stays as it is. */
static bool fit_base64(struct str in, struct arena *a, struct str *ret)
{
	size_t n = 0;

	*ret = in;
	for (size_t i = 0; i < in.len; i++)
		n += !value_is_space(in.p[i]);
	if (n == in.len)
		return true;
	char *text = arena_alloc(a, n + 1);
	if (!text)
		return false;
	n = 0;
	for (size_t i = 0; i < in.len; i++) {
		if (!value_is_space(in.p[i]))
			text[n++] = in.p[i];
	}
	if (base64_is(str_from(text, n)))
		*ret = str_from(text, n);
	return true;
}

static int find_word(enum value_type type, struct str in)
{
	size_t n;
	const struct str *words = catalogue_words(type, &n);

	for (size_t i = 0; i < n; i++) {
		if (str_eq(words[i], in))
			return (int)i;
	}
	return -1;
}

bool value_fit(enum value_type type, struct str in, struct arena *a, struct str *ret_value)
{
	*ret_value = in;
	switch (type) {
	case TYPE_TEXT:
		return true;
	case TYPE_TOKEN:
		return fit_token(in);
	case TYPE_BOOL:
		*ret_value = trim(in);
		return str_is(*ret_value, "true") || str_is(*ret_value, "false") ||
			str_is(*ret_value, "1") || str_is(*ret_value, "0");
	case TYPE_UINT:
		return fit_number(in, false, a, ret_value);
	case TYPE_INT:
		return fit_number(in, true, a, ret_value);
	case TYPE_TIME:
		return fit_time(in);
	case TYPE_JID:
		return fit_jid(in, a, ret_value);
	case TYPE_BASE64:
		return fit_base64(in, a, ret_value);
	case TYPE_URI:
		return fit_uri(in);
	case TYPE_LANG:
		return fit_lang(in);
	default:
		return type >= TYPE_FIRST_WORDS && find_word(type, in) >= 0;
	}
}

static bool encode_base64(struct buf *out, struct str value)
{
	char head[CBOR_HEAD_MAX];
	size_t n = base64_size(value);
	size_t head_len = (size_t)(cbor_head(head, CBOR_BYTES, n) - head);
	char *p = buf_space(out, head_len + n);

	if (!p)
		return false;
	memcpy(p, head, head_len);
	base64_decode(value, p + head_len);
	buf_commit(out, head_len + n);
	return true;
}

static bool encode_number(struct buf *out, struct str value)
{
	bool minus = value.len && value.p[0] == '-';
	uint64_t n = 0;

	check(str_to_u64(str_skip(value, minus), &n));
	return minus ? cbor_put_int(out, -(int64_t)(n - 1) - 1) : cbor_put_uint(out, n);
}

bool value_encode(struct buf *out, enum value_type type, struct str value)
{
	int word;

	switch (type) {
	case TYPE_BOOL:
		if (value.len > 1)
			return cbor_put_bool(out, value.p[0] == 't');
		return encode_number(out, value);
	case TYPE_UINT:
	case TYPE_INT:
		return encode_number(out, value);
	case TYPE_BASE64:
		if (base64_is(value))
			return encode_base64(out, value);
		return cbor_put_text(out, value);
	case TYPE_TEXT:
	case TYPE_TOKEN:
	case TYPE_TIME:
	case TYPE_JID:
	case TYPE_URI:
	case TYPE_LANG:
		return cbor_put_text(out, value);
	default:
		word = find_word(type, value);
		check(word >= 0);
		return cbor_put_uint(out, (uint64_t)word);
	}
}

static struct str decode_bool(struct cbor_reader *r)
{
	if (cbor_peek(r) == CBOR_UINT)
		return cbor_uint_max(r, 1) ? STRL("1") : STRL("0");
	return cbor_bool(r) ? STRL("true") : STRL("false");
}

static struct str decode_number(struct cbor_reader *r, bool with_sign, struct arena *a)
{
	bool minus = with_sign && cbor_peek(r) == CBOR_NEG;
	uint64_t n = with_sign ? (uint64_t)cbor_int(r) : cbor_uint(r);
	struct str text;

	if (!print_number(a, minus, minus ? -n : n, &text)) {
		cbor_fail(r, "record too big in memory");
		return STRL("");
	}
	return text;
}

static struct str decode_base64(struct cbor_reader *r, struct arena *a)
{
	struct str s;

	if (cbor_peek(r) == CBOR_BYTES) {
		s = base64_text(cbor_bytes(r), a);
		if (!s.p)
			cbor_fail(r, "record too big in memory");
		return s.p ? s : STRL("");
	}
	struct str text = cbor_text(r);
	if (!r->error && (base64_is(text) || !fit_base64(text, a, &s) || s.p != text.p))
		cbor_fail(r, "text where bytes are due");
	return text;
}

static struct str decode_jid(struct cbor_reader *r)
{
	struct str text = cbor_text_unchecked(r);
	struct jid jid;

	if (!r->error && jid_parse_prepared(text, &jid) != JID_OK)
		cbor_fail(r, "address not in prepared form");
	return text;
}

static struct str decode_word(struct cbor_reader *r, enum value_type type)
{
	size_t n;
	const struct str *words = catalogue_words(type, &n);

	return words[cbor_uint_max(r, n - 1)];
}

struct str value_decode(struct cbor_reader *r, enum value_type type, struct arena *a)
{
	struct str text;

	switch (type) {
	case TYPE_BOOL:
		return decode_bool(r);
	case TYPE_UINT:
	case TYPE_INT:
		return decode_number(r, type == TYPE_INT, a);
	case TYPE_BASE64:
		return decode_base64(r, a);
	case TYPE_JID:
		return decode_jid(r);
	case TYPE_TEXT:
		return cbor_text(r);
	case TYPE_TOKEN:
	case TYPE_TIME:
	case TYPE_URI:
	case TYPE_LANG:
		text = cbor_text(r);
		if (!r->error && !value_fit(type, text, a, &text))
			cbor_fail(r, "value not of its type");
		return text;
	default:
		return decode_word(r, type);
	}
}
