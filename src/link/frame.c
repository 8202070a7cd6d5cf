/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a frame in: size, CBOR array, version, type, the row of the table, the reader of
 * the row, all bytes used, and only then the handler. Out: a small array on the stack,
 * or the engine's scratch buffer for lists.
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
	ABOUT_RELEASE = 1,
	ABOUT_LOAD = 2,
	ABOUT_OTHERS = 3,
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

static bool has_form_of_hello(uint64_t type)
{
	return type == FRAME_HELLO || type == FRAME_CLOSE;
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
	} else if (version != (has_form_of_hello(type) ? LINK_VERSION_HELLO : p->version)) {
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

/* Writers. */

static char *put(char *p, uint64_t n)
{
	return cbor_head(p, CBOR_UINT, n);
}

static char *put_bool(char *p, bool b)
{
	*p = (char)(b ? 0xf5 : 0xf4);
	return p + 1;
}

static char *put_start(const struct link_peer *to, char *p, enum frame_type type)
{
	p = cbor_head(p, CBOR_ARRAY, rows[type].items);
	p = put(p, has_form_of_hello(type) ? LINK_VERSION_HELLO : to->version);
	return put(p, type);
}

static void send_small(struct link_peer *p, const char *head, const char *end)
{
	peer_send(p, str_from(head, (size_t)(end - head)), STRL(""));
}

static void scratch_put(const struct link_peer *p, struct buf *b, enum frame_type type)
{
	char head[3 * CBOR_HEAD_MAX];

	buf_clear(b, 4096);
	check(buf_append(b, str_from(head, (size_t)(put_start(p, head, type) - head))));
}

void frame_hello(struct link_peer *p, const struct frame_hello *h, const struct str *domains)
{
	struct buf *b = &p->l->scratch;

	scratch_put(p, b, FRAME_HELLO);
	bool ok = cbor_put_uint(b, h->version_min) && cbor_put_uint(b, h->version_max) &&
		cbor_put_text(b, h->node) && cbor_put_uint(b, h->role) &&
		cbor_put_uint(b, h->boot) && cbor_put_uint(b, h->catalogue) &&
		cbor_put_uint(b, h->time) && cbor_put_uint(b, h->echo) &&
		cbor_put_bool(b, h->seen) && cbor_put_uint(b, h->limits.channels) &&
		cbor_put_uint(b, h->limits.window_records) &&
		cbor_put_uint(b, h->limits.window_bytes) &&
		cbor_put_uint(b, h->limits.frame_bytes) && cbor_put_array(b, h->n_domains);
	for (size_t i = 0; i < h->n_domains; i++)
		ok = ok && cbor_put_text(b, domains[i]);
	check(ok);
	peer_send(p, buf_bytes(b), STRL(""));
}

void frame_open(struct link_peer *p, uint64_t channel, uint64_t epoch, uint64_t base, bool expect,
	struct str local, struct str foreign)
{
	char space[8 * CBOR_HEAD_MAX + 2 * DOMAIN_BYTES_MAX];
	char *at = put_start(p, space, FRAME_OPEN);

	at = put(at, channel);
	at = put(at, epoch);
	at = put(at, base);
	at = put_bool(at, expect);
	at = cbor_head(at, CBOR_TEXT, local.len);
	memcpy(at, local.p, local.len);
	at = cbor_head(at + local.len, CBOR_TEXT, foreign.len);
	memcpy(at, foreign.p, foreign.len);
	send_small(p, space, at + foreign.len);
}

void frame_data(struct link_peer *p, uint64_t channel, uint64_t epoch, uint64_t seq, uint64_t una,
	uint8_t proof, uint64_t trace, struct str record)
{
	char head[10 * CBOR_HEAD_MAX];
	char *at = put_start(p, head, FRAME_DATA);

	at = put(at, channel);
	at = put(at, epoch);
	at = put(at, seq);
	at = put(at, una);
	at = put(at, proof);
	at = put(at, trace);
	at = cbor_head(at, CBOR_BYTES, record.len);
	peer_send(p, str_from(head, (size_t)(at - head)), record);
}

static void put_rejects(struct buf *b, const struct frame_report *r)
{
	bool ok = cbor_put_array(b, r->n_rejects);

	for (size_t i = 0; i < r->n_rejects; i++) {
		ok = ok && cbor_put_array(b, 3) && cbor_put_uint(b, r->rejects[i].seq) &&
			cbor_put_uint(b, r->rejects[i].condition) &&
			cbor_put_text(b, r->rejects[i].text);
	}
	check(ok);
}

void frame_report(struct link_peer *p, enum frame_type type, const struct frame_report *r)
{
	struct buf *b = &p->l->scratch;
	char head[8 * CBOR_HEAD_MAX];
	char *at = put_start(p, head, type);

	at = put(at, r->channel);
	at = put(at, r->epoch);
	at = put(at, r->taken);
	at = put(at, r->have);
	if (type == FRAME_ACK && r->n_rejects == 0) {
		send_small(p, head, cbor_head(at, CBOR_ARRAY, 0));
		return;
	}
	buf_clear(b, 4096);
	check(buf_append(b, str_from(head, (size_t)(at - head))));
	put_rejects(b, r);
	if (type == FRAME_NAK)
		check(cbor_put_uint(b, r->why));
	if (type == FRAME_REACH)
		check(cbor_put_uint(b, r->condition) && cbor_put_text(b, r->text));
	peer_send(p, buf_bytes(b), STRL(""));
}

void frame_time(struct link_peer *p, enum frame_type type, uint64_t time)
{
	char head[4 * CBOR_HEAD_MAX];

	send_small(p, head, put(put_start(p, head, type), time));
}

void frame_drain(struct link_peer *p)
{
	char head[3 * CBOR_HEAD_MAX];

	send_small(p, head, put_start(p, head, FRAME_DRAIN));
}

void frame_close(
	struct link_peer *p, enum link_fault code, uint64_t channel, uint64_t epoch, uint64_t seq)
{
	char head[7 * CBOR_HEAD_MAX];
	char *at = put_start(p, head, FRAME_CLOSE);

	at = put(at, code);
	at = put(at, channel);
	at = put(at, epoch);
	send_small(p, head, put(at, seq));
}

void frame_about(struct link_peer *p, struct str release, uint64_t load, uint64_t others)
{
	struct buf *b = &p->l->scratch;

	scratch_put(p, b, FRAME_ABOUT);
	check(cbor_put_map(b, 3) && cbor_put_uint(b, ABOUT_RELEASE) && cbor_put_text(b, release) &&
		cbor_put_uint(b, ABOUT_LOAD) && cbor_put_uint(b, load) &&
		cbor_put_uint(b, ABOUT_OTHERS) && cbor_put_uint(b, others));
	peer_send(p, buf_bytes(b), STRL(""));
}
