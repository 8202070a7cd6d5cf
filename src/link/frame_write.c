/* SPDX-License-Identifier: Apache-2.0 */
/* The way of a frame out: a small array on the stack, or the engine's scratch buffer for lists. */
#include "base/check.h"
#include "link/engine.h"
#include "link/frame.h"

static const unsigned char items[] = {
#define X(id, number, name, since, from, when, items, read, handle) [number] = items,
	LINK_FRAMES(X)
#undef X
};

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
	p = cbor_head(p, CBOR_ARRAY, items[type]);
	p = put(p, frame_is_versionless(type) ? LINK_VERSION_HELLO : to->version);
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
