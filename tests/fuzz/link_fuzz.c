/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The link engine under frames that nobody honest sends. The first byte chooses our role
 * and how far the far node has come; then the input is a sequence of steps:
 *
 *	0x00-0xdf      a frame of so many bytes, which follow
 *	0xe0-0xff      what the program or time does: see step()
 */
#include <stdlib.h>

#include "cbor_mutate.h"
#include "link/engine.h"

enum { STEP = 0xe0 };

struct world {
	struct link *l;
	struct link_peer *p;
	uint64_t now;
	uint64_t channel, seq;
	unsigned hold;
	size_t sent;
};

static void op_send(void *user, void *carrier, struct str head, struct str body)
{
	((struct world *)user)->sent += head.len + body.len;
}

static void op_close(void *user, void *carrier, const char *reason)
{
}

static uint64_t op_wall(void *user)
{
	return 5;
}

static struct link_peer *op_choose(
	void *user, struct link_pair pair, struct link_peer *const *live, size_t n)
{
	return live[0];
}

static enum link_verdict op_deliver(void *user, const struct link_delivery *d, const char **reason)
{
	struct world *w = user;

	w->channel = d->channel;
	w->seq = d->seq;
	switch (w->hold++ % 8) {
	case 0:
		link_taken(w->l, d->channel, d->seq, w->now);
		break;
	case 1:
		link_reject(w->l, d->channel, d->seq, 4, "no", w->now);
		break;
	case 2:
		return d->record.len ? LINK_ACCEPT : LINK_BAD_RECORD;
	default:
		break;
	}
	return LINK_ACCEPT;
}

static void op_settled(void *user, uint64_t receipt)
{
}

static void op_undelivered(void *user, struct link_pair pair, uint64_t trace, struct str record,
	unsigned condition, struct str text)
{
	struct world *w = user;

	/* A bounce may cause traffic the other way, or even the same. */
	if (condition == 9)
		link_send(
			w->l, pair, &(struct link_out){ .trace = trace, .record = record }, w->now);
}

static void op_pair(void *user, struct link_pair pair)
{
}

static void op_revoke(void *user, struct link_pair pair, uint64_t channel)
{
	struct world *w = user;

	link_taken(w->l, channel, w->seq, w->now);
}

static void op_peer_state(void *user, struct link_peer *peer, bool up, const char *why)
{
}

static void op_alarm(void *user, struct link_peer *peer, const char *reason)
{
}

static const struct link_ops ops = {
	.send = op_send,
	.close = op_close,
	.wall_ms = op_wall,
	.choose = op_choose,
	.deliver = op_deliver,
	.undelivered = op_undelivered,
	.settled = op_settled,
	.writable = op_pair,
	.expect = op_pair,
	.revoke = op_revoke,
	.peer_state = op_peer_state,
	.alarm = op_alarm,
};

static const struct link_pair pairs[2] = { { STR("l"), STR("f") }, { STR("l"), STR("g") } };

static void start(struct world *w, bool outer)
{
	struct link_settings s = link_settings_default;

	s.role = outer ? LINK_OUTER : LINK_INNER;
	s.node = STRL("us");
	s.boot_id = 1;
	if (!outer) {
		s.domains = &pairs[0].local;
		s.n_domains = 1;
	}
	s.window_records = 8;
	s.window_bytes = 256;
	s.frame_bytes = 1024;
	s.channels_max = 4;
	s.ack_records = 2;
	s.idle_ms = 3000;
	s.cond_timeout = s.cond_internal = s.cond_busy = 1;
	w->now = 1000;
	w->l = link_new(&s, &ops, w);
	w->p = link_connected(w->l, STRL("it"), w, w->now);
}

/* A greeting as it should be, so that the fuzzer need not find one. */
static void greet(struct world *w, bool seen)
{
	static const char head[] = "\x90\x01\x00\x01\x01\x62it";
	char frame[64];
	char *at = frame + sizeof(head) - 1;

	memcpy(frame, head, sizeof(head) - 1);
	at = cbor_head(at, CBOR_UINT, w->l->set.role == LINK_OUTER ? LINK_INNER : LINK_OUTER);
	at = cbor_head(at, CBOR_UINT, 77);
	at = cbor_head(at, CBOR_UINT, w->l->set.catalogue);
	at = cbor_head(at, CBOR_UINT, w->now);
	at = cbor_head(at, CBOR_UINT, seen ? w->now : 0);
	*at++ = (char)(seen ? 0xf5 : 0xf4);
	at = cbor_head(at, CBOR_UINT, 4);
	at = cbor_head(at, CBOR_UINT, 8);
	at = cbor_head(at, CBOR_UINT, 256);
	at = cbor_head(at, CBOR_UINT, 1024);
	at = cbor_head(at, CBOR_ARRAY, w->l->set.role == LINK_OUTER);
	if (w->l->set.role == LINK_OUTER) {
		*at++ = 0x61;
		*at++ = 'l';
	}
	link_input(w->l, w->p, str_from(frame, (size_t)(at - frame)), w->now);
}

static void pass(struct world *w, unsigned ms)
{
	w->now += ms;
	for (unsigned i = 0; i < 100 && link_deadline(w->l) <= w->now; i++)
		link_tick(w->l, w->now);
	link_flush(w->l, w->now);
}

static void step(struct world *w, uint8_t what)
{
	const struct link_pair pair = pairs[what & 1];

	switch (what >> 1 & 15) {
	case 0:
		pass(w, 1);
		break;
	case 1:
		pass(w, 150);
		break;
	case 2:
		pass(w, 900);
		break;
	case 3:
		pass(w, 5000);
		break;
	case 4:
		link_taken(w->l, w->channel, w->seq, w->now);
		break;
	case 5:
		link_reject(w->l, w->channel, w->seq, 4, NULL, w->now);
		break;
	case 6:
		link_unreachable(w->l, w->channel, 5, "gone", w->now);
		break;
	case 7:
		link_expect(w->l, pair, w->now);
		break;
	case 8:
		w->p = link_connected(w->l, STRL("it"), w, w->now);
		break;
	case 9:
		w->p = link_connected(w->l, STRL("it"), w, w->now);
		greet(w, true);
		break;
	case 10:
		link_disconnected(w->l, w->p, w, w->now);
		break;
	case 11:
		if (what & 1)
			link_drain(w->l, w->now);
		break;
	case 12:
		w->seq--;
		break;
	default:
		link_send(w->l, pair,
			&(struct link_out){
				.trace = 3, .receipt = 3, .proof = 1, .record = STR("record") },
			w->now);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern const char *const fuzz_proves;
const char *const fuzz_proves = "threats L20 frames and steps of any kind";

#ifdef FUZZING
enum { FRAME_MOST = STEP - 1 };

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

/* Where the frame begins whose number is in the sequence of steps, or 0. */
static size_t find_frame(const uint8_t *data, size_t size, unsigned number)
{
	for (size_t i = 1; i < size; i++) {
		if (data[i] >= STEP)
			continue;
		if (data[i] > size - i - 1)
			return 0;
		if (number-- == 0)
			return i;
		i += data[i];
	}
	return 0;
}

/* Half of the time one frame is changed as CBOR, else all blindly. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	uint8_t frame[FRAME_MOST];
	size_t at = seed % 2 ? find_frame(data, size, seed / 2 % 8) : 0;

	if (at == 0)
		return LLVMFuzzerMutate(data, size, max);
	size_t n = data[at];
	memcpy(frame, data + at + 1, n);
	size_t changed = cbor_mutate(frame, n, sizeof(frame), seed / 16);
	if (size - n + changed > max)
		return LLVMFuzzerMutate(data, size, max);
	memmove(data + at + 1 + changed, data + at + 1 + n, size - at - 1 - n);
	memcpy(data + at + 1, frame, changed);
	data[at] = (uint8_t)changed;
	return size - n + changed;
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = { 0 };

	if (size == 0)
		return 0;
	start(&w, *data & 1);
	if (*data & 2)
		greet(&w, *data & 4);
	if (*data & 8) {
		link_send(w.l, pairs[0],
			&(struct link_out){
				.trace = 1, .receipt = 1, .proof = 1, .record = STR("a") },
			w.now);
		link_send(w.l, pairs[0],
			&(struct link_out){
				.trace = 2, .receipt = 2, .proof = 1, .record = STR("b") },
			w.now);
	}
	for (size_t i = 1; i < size;) {
		uint8_t what = data[i++];
		if (what >= STEP) {
			step(&w, what);
			continue;
		}
		size_t n = what < size - i ? what : size - i;
		/* Its own block, so that each byte read beyond it is seen. */
		char *frame = malloc(n ? n : 1);
		memcpy(frame, data + i, n);
		link_input(w.l, w.p, str_from(frame, n), w.now);
		free(frame);
		i += n;
	}
	struct buf b;
	struct json j;
	buf_init(&b, 1 << 20);
	json_init(&j, &b);
	json_object(&j, NULL);
	link_status(w.l, w.now, &(struct excerpt){ 0 }, &j);
	json_end(&j);
	buf_done(&b);
	link_free(w.l);
	return 0;
}
