/* SPDX-License-Identifier: Apache-2.0 */
/*
 *	open   [1, 0, from, window]
 *	accept [1, 1, to, from, window]
 *	data   [1, 2, to, from, offset, taken, bytes]
 *	taken  [1, 3, to, from, taken]
 *	end    [1, 4, to, from]
 */
#include "bus/message.h"

#include "base/cbor.h"
#include "base/check.h"
#include "base/count.h"

enum field {
	FIELD_TO = 1,
	FIELD_FROM = 2,
	FIELD_WINDOW = 4,
	FIELD_PLACE = 8,
	FIELD_TAKEN = 16,
	FIELD_BYTES = 32
};

static const struct row {
	unsigned fields; /* in the order of enum field */
	size_t items;
} rows[] = {
	[BUS_OPEN] = { FIELD_FROM | FIELD_WINDOW, 4 },
	[BUS_ACCEPT] = { FIELD_TO | FIELD_FROM | FIELD_WINDOW, 5 },
	[BUS_DATA] = { FIELD_TO | FIELD_FROM | FIELD_PLACE | FIELD_TAKEN | FIELD_BYTES, 7 },
	[BUS_TAKEN] = { FIELD_TO | FIELD_FROM | FIELD_TAKEN, 5 },
	[BUS_END] = { FIELD_TO | FIELD_FROM, 4 },
};

/* A number that a node drew. */
static uint64_t get_number(struct cbor_reader *r)
{
	uint64_t n = cbor_uint(r);

	if (n == 0)
		cbor_fail(r, "zero as the number of a connection");
	return n;
}

bool bus_message_read(struct str input, struct bus_message *ret)
{
	struct cbor_reader r;
	struct bus_message m = { 0 };

	cbor_init(&r, input);
	size_t items = cbor_array(&r);
	if (cbor_uint(&r) != BUS_VERSION)
		cbor_fail(&r, "another version");
	uint64_t type = cbor_uint_max(&r, COUNT(rows) - 1);
	const struct row *row = &rows[type];
	if (items != row->items)
		cbor_fail(&r, "number of items");
	m.type = (enum bus_message_type)type;
	if (row->fields & FIELD_TO)
		m.to = get_number(&r);
	if (row->fields & FIELD_FROM)
		m.from = get_number(&r);
	if (row->fields & FIELD_WINDOW)
		m.window = cbor_uint(&r);
	if (row->fields & FIELD_PLACE)
		m.offset = cbor_uint(&r);
	if (row->fields & FIELD_TAKEN)
		m.taken = cbor_uint(&r);
	if (row->fields & FIELD_BYTES) {
		m.bytes = cbor_bytes(&r);
		if (m.bytes.len == 0 || m.bytes.len > BUS_CHUNK_MAX)
			cbor_fail(&r, "number of bytes");
	}
	if (!cbor_end(&r))
		return false;
	*ret = m;
	return true;
}

struct str bus_message_head(const struct bus_message *m, char ret[BUS_HEAD_MAX])
{
	const struct row *row = &rows[m->type];
	char *p = cbor_head(ret, CBOR_ARRAY, row->items);

	p = cbor_head(p, CBOR_UINT, BUS_VERSION);
	p = cbor_head(p, CBOR_UINT, m->type);
	if (row->fields & FIELD_TO)
		p = cbor_head(p, CBOR_UINT, m->to);
	if (row->fields & FIELD_FROM)
		p = cbor_head(p, CBOR_UINT, m->from);
	if (row->fields & FIELD_WINDOW)
		p = cbor_head(p, CBOR_UINT, m->window);
	if (row->fields & FIELD_PLACE)
		p = cbor_head(p, CBOR_UINT, m->offset);
	if (row->fields & FIELD_TAKEN)
		p = cbor_head(p, CBOR_UINT, m->taken);
	if (row->fields & FIELD_BYTES)
		p = cbor_head(p, CBOR_BYTES, m->bytes.len);
	check(p - ret <= BUS_HEAD_MAX);
	return str_from(ret, (size_t)(p - ret));
}
