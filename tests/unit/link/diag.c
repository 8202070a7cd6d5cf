/* SPDX-License-Identifier: Apache-2.0 */
#include "diag.h"

#include <stdlib.h>

#include "base/check.h"
#include "link/frame.h"

static const char *item(struct buf *out, const char *at);

static const char *skip(const char *at)
{
	while (*at == ' ')
		at++;
	return at;
}

/* Items up to the closing bracket or the end. */
static const char *items(struct buf *out, const char *at)
{
	struct buf inner;
	size_t n = 0;

	buf_init(&inner, 1 << 20);
	for (at = skip(at); *at && *at != ']'; at = skip(at)) {
		at = item(&inner, at);
		n++;
	}
	check(cbor_put_array(out, n) && buf_append(out, buf_bytes(&inner)));
	buf_done(&inner);
	return *at ? at + 1 : at;
}

static const char *quoted(const char *at, char end, struct str *ret)
{
	const char *close = strchr(at + 1, end);

	check(close);
	*ret = str_from(at + 1, (size_t)(close - at - 1));
	return close + 1;
}

static const char *pairs(struct buf *out, const char *at)
{
	struct buf inside;
	size_t n = 0;

	buf_init(&inside, 1 << 16);
	for (at += strspn(at, " "); *at != '}'; at += strspn(at, " ")) {
		at = item(&inside, at);
		n++;
	}
	check(n % 2 == 0 && cbor_put_map(out, n / 2) && buf_append(out, buf_bytes(&inside)));
	buf_done(&inside);
	return at + 1;
}

static const char *item(struct buf *out, const char *at)
{
	struct str s;
	char *end;

	switch (*at) {
	case '[':
		return items(out, at + 1);
	case '{': /* keys and values in turn */
		return pairs(out, at + 1);
	case '\'':
		at = quoted(at, '\'', &s);
		check(cbor_put_text(out, s));
		return at;
	case '<':
		at = quoted(at, '>', &s);
		check(cbor_put_bytes(out, s));
		return at;
	case 't':
	case 'f':
		check(cbor_put_bool(out, *at == 't'));
		return at + 1;
	case 'n':
		check(cbor_put_null(out));
		return at + 1;
	default:
		check(cbor_put_uint(out, strtoull(at, &end, 10)) && end > at);
		return end;
	}
}

void diag_encode(struct buf *out, const char *text)
{
	items(out, text);
}

static void put_item(struct buf *out, struct cbor_reader *r)
{
	struct str s;
	size_t n;

	switch (cbor_peek(r)) {
	case CBOR_UINT:
		buf_printf(out, " %lu", cbor_uint(r));
		break;
	case CBOR_BOOL:
		buf_append_c(out, cbor_bool(r) ? " t" : " f");
		break;
	case CBOR_TEXT:
		s = cbor_text(r);
		buf_printf(out, " '%.*s'", STR_FMT(s));
		break;
	case CBOR_BYTES:
		s = cbor_bytes(r);
		buf_printf(out, " <%.*s>", STR_FMT(s));
		break;
	case CBOR_ARRAY:
		buf_append_c(out, " [");
		for (n = cbor_array(r); n; n--)
			put_item(out, r);
		buf_append_c(out, " ]");
		break;
	case CBOR_MAP:
		buf_append_c(out, " {");
		for (n = cbor_map(r); n; n--) {
			put_item(out, r);
			put_item(out, r);
		}
		buf_append_c(out, " }");
		break;
	default:
		check(!"an item that no frame has");
	}
}

void diag_decode(struct buf *out, struct str frame)
{
	static const char *const names[] = {
#define X(id, number, name, ...) [number] = name,
		LINK_FRAMES(X)
#undef X
	};
	struct cbor_reader r;

	cbor_init(&r, frame);
	size_t n = cbor_array(&r);
	uint64_t version = cbor_uint(&r);
	check(version >= LINK_VERSION_LEAST && version <= LINK_VERSION);
	buf_append_c(out, names[cbor_uint_max(&r, FRAME_ABOUT)]);
	for (; n > 2; n--)
		put_item(out, &r);
	check(cbor_end(&r));
}
