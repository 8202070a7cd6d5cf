/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a frame in: size, CBOR array, version, type, the row of the table, the reader of
 * the row, all bytes used, and only then the handler. The way out is in frame_write.c.
 */
#include "link/frame.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/least.h"
#include "link/engine.h"

const char *link_fault_text(uint64_t code)
{
	static const char *const texts[] = {
#define X(id, code, text) [code] = text,
		LINK_FAULTS(X)
#undef X
	};

	return code < sizeof(texts) / sizeof(texts[0]) ? texts[code]
						       : "closed for an unknown reason";
}

/* Readers. A fault of the CBOR itself is in the reader; what they return is beyond it. */

static enum link_fault read_hello(struct link *l, struct cbor_reader *r, union frame *f)
{
	struct frame_hello *h = &f->hello;

	h->version_min = cbor_uint(r);
	h->version_max = cbor_uint(r);
	h->node = cbor_text(r);
	h->role = cbor_uint(r);
	h->boot = cbor_uint(r);
	h->catalogue = cbor_uint(r);
	h->time = cbor_uint(r);
	h->echo = cbor_uint(r);
	h->seen = cbor_bool(r);
	h->limits.channels = cbor_uint(r);
	h->limits.window_records = cbor_uint(r);
	h->limits.window_bytes = cbor_uint(r);
	h->limits.frame_bytes = cbor_uint(r);
	h->n_domains = cbor_array(r);
	h->domains = *r;
	if (h->n_domains > DOMAINS_MAX)
		return FAULT_DOMAINS;
	for (size_t i = 0; i < h->n_domains; i++) {
		struct str domain = cbor_text(r);
		if (!r->error && (domain.len == 0 || domain.len > DOMAIN_BYTES_MAX))
			return FAULT_DOMAINS;
	}
	return FAULT_NONE;
}

static enum link_fault read_open(struct link *l, struct cbor_reader *r, union frame *f)
{
	f->open.channel = cbor_uint(r);
	f->open.epoch = cbor_uint(r);
	f->open.base = cbor_uint(r);
	f->open.expect = cbor_bool(r);
	f->open.local = cbor_text(r);
	f->open.foreign = cbor_text(r);
	return FAULT_NONE;
}

static enum link_fault read_data(struct link *l, struct cbor_reader *r, union frame *f)
{
	f->data.channel = cbor_uint(r);
	f->data.epoch = cbor_uint(r);
	f->data.seq = cbor_uint(r);
	f->data.una = cbor_uint(r);
	f->data.proof = cbor_uint_max(r, UINT8_MAX);
	f->data.trace = cbor_uint(r);
	f->data.record = cbor_bytes(r);
	return FAULT_NONE;
}

static struct str read_text(struct cbor_reader *r)
{
	struct str text = cbor_text(r);

	if (text.len > TEXT_BYTES_MAX)
		cbor_fail(r, "text is too long");
	return text;
}

static enum link_fault read_rejects(struct link *l, struct cbor_reader *r, struct frame_report *rep)
{
	size_t n = cbor_array(r);
	uint64_t least = 1;

	if (n > l->set.window_records)
		return FAULT_ACK;
	if (n > l->cap_rejects) {
		l->rejects = realloc(l->rejects, n * sizeof(*l->rejects));
		check(l->rejects);
		l->cap_rejects = n;
	}
	for (size_t i = 0; i < n; i++) {
		if (cbor_array(r) != 3)
			cbor_fail(r, "reject has the wrong number of items");
		l->rejects[i].seq = cbor_uint(r);
		l->rejects[i].condition = (unsigned)cbor_uint_max(r, UINT16_MAX);
		l->rejects[i].text = read_text(r);
		if (r->error)
			return FAULT_CBOR;
		if (l->rejects[i].seq < least || l->rejects[i].seq > rep->taken)
			return FAULT_ACK;
		least = l->rejects[i].seq + 1;
	}
	rep->rejects = l->rejects;
	rep->n_rejects = n;
	return FAULT_NONE;
}

static enum link_fault read_ack(struct link *l, struct cbor_reader *r, union frame *f)
{
	f->report.channel = cbor_uint(r);
	f->report.epoch = cbor_uint(r);
	f->report.taken = cbor_uint(r);
	f->report.have = cbor_uint(r);
	f->report.why = NAK_GAP;
	return read_rejects(l, r, &f->report);
}

static enum link_fault read_nak(struct link *l, struct cbor_reader *r, union frame *f)
{
	enum link_fault fault = read_ack(l, r, f);

	f->report.why = (enum nak_why)cbor_uint_max(r, NAK_FORGOTTEN);
	return fault;
}

static enum link_fault read_reach(struct link *l, struct cbor_reader *r, union frame *f)
{
	enum link_fault fault = read_ack(l, r, f);

	f->report.condition = (unsigned)cbor_uint_max(r, UINT16_MAX);
	f->report.text = read_text(r);
	return fault;
}

static enum link_fault read_time(struct link *l, struct cbor_reader *r, union frame *f)
{
	f->time = cbor_uint(r);
	return FAULT_NONE;
}

enum {
	ABOUT_MEMBERS_MAX = 32,
	RELEASE_BYTES_MAX = 64,
	OTHERS_MAX = 1000,
	LOAD_MAX = 1000000, /* a thousand processors: what is above is taken for that */
};

/* A member of a later release: one value that is not nested. */
static void skip_value(struct cbor_reader *r)
{
	switch (cbor_peek(r)) {
	case CBOR_UINT:
		cbor_uint(r);
		break;
	case CBOR_TEXT:
		cbor_text(r);
		break;
	case CBOR_BYTES:
		cbor_bytes(r);
		break;
	case CBOR_BOOL:
		cbor_bool(r);
		break;
	default:
		cbor_fail(r, "member of another type");
		break;
	}
}

static enum link_fault read_about(struct link *l, struct cbor_reader *r, union frame *f)
{
	size_t n = cbor_map(r);
	uint64_t next = 0;

	f->about.release = STRL("");
	f->about.load = f->about.others = 0;
	if (n > ABOUT_MEMBERS_MAX)
		cbor_fail(r, "too many members");
	for (size_t i = 0; i < n && !r->error; i++) {
		switch (cbor_key(r, &next)) {
		case ABOUT_RELEASE:
			f->about.release = cbor_text(r);
			if (f->about.release.len > RELEASE_BYTES_MAX)
				cbor_fail(r, "text is too long");
			break;
		case ABOUT_LOAD:
			f->about.load = least(cbor_uint(r), LOAD_MAX);
			break;
		case ABOUT_OTHERS:
			f->about.others = least(cbor_uint(r), OTHERS_MAX);
			break;
		default:
			skip_value(r);
			break;
		}
	}
	return FAULT_NONE;
}

static enum link_fault read_nothing(struct link *l, struct cbor_reader *r, union frame *f)
{
	return FAULT_NONE;
}

static enum link_fault read_close(struct link *l, struct cbor_reader *r, union frame *f)
{
	f->close.code = cbor_uint(r);
	f->close.channel = cbor_uint(r);
	f->close.epoch = cbor_uint(r);
	f->close.seq = cbor_uint(r);
	return FAULT_NONE;
}

static const struct frame_row {
	unsigned since;
	unsigned from;
	unsigned when;
	unsigned items;
	enum link_fault (*read)(struct link *l, struct cbor_reader *r, union frame *f);
	enum link_fault (*handle)(struct link_peer *p, const union frame *f, uint64_t now);
} rows[] = {
#define X(id, number, name, since, from, when, items, read, handle)                                \
	[number] = { since, from, when, items, read, handle },
	LINK_FRAMES(X)
#undef X
};

static unsigned when_bit(enum peer_state state)
{
	return state == PEER_UP ? WHEN_UP : state == PEER_GREETED ? WHEN_GREETED : WHEN_CONNECTED;
}

/* The row of a frame that this peer may send now; otherwise NULL and the fault. */
static const struct frame_row *permitted(
	const struct link_peer *p, uint64_t version, uint64_t type, enum link_fault *ret_fault)
{
	unsigned far_role = p->l->set.role == LINK_OUTER ? FROM_INNER : FROM_OUTER;

	if (version < LINK_VERSION_LEAST || version > LINK_VERSION) {
		*ret_fault = FAULT_VERSION;
	} else if (type >= sizeof(rows) / sizeof(rows[0])) {
		*ret_fault = FAULT_TYPE;
	} else if (!(rows[type].from & far_role)) {
		*ret_fault = FAULT_SENDER;
	} else if (!(rows[type].when & when_bit(p->state))) {
		*ret_fault = FAULT_STATE;
	} else if (version != (frame_is_versionless(type) ? LINK_VERSION_HELLO : p->version)) {
		*ret_fault = FAULT_VERSION;
	} else if (rows[type].since > version) {
		*ret_fault = FAULT_TYPE;
	} else {
		return &rows[type];
	}
	return NULL;
}

enum link_fault frame_input(struct link_peer *p, struct str bytes, uint64_t now)
{
	struct cbor_reader r;
	union frame f;
	enum link_fault fault = FAULT_CBOR;

	if (bytes.len == 0 || bytes.len > p->l->set.frame_bytes)
		return FAULT_SIZE;
	cbor_init(&r, bytes);
	size_t items = cbor_array(&r);
	uint64_t version = cbor_uint(&r);
	uint64_t type = cbor_uint(&r);
	if (!r.error) {
		const struct frame_row *row = permitted(p, version, type, &fault);
		if (!row)
			return fault;
		if (items != row->items)
			cbor_fail(&r, "frame has the wrong number of items");
		fault = row->read(p->l, &r, &f);
		/* Also where the reader stopped early: the CBOR's own fault says more. */
		if (!r.error && fault)
			return fault;
		if (cbor_end(&r)) {
			if (row->when == WHEN_HEARD)
				peer_confirmed(p, now);
			return row->handle(p, &f, now);
		}
	}
	p->l->fault.detail = r.error;
	return FAULT_CBOR;
}
