/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One epoll loop and four phases, each ends when its condition holds:
 *
 *	set up    every stream is authenticated
 *	warm up   the sink has one message (--warmup) of each stream
 *	measure   the sink has --messages messages
 *	hold      --hold seconds with idle streams instead of measuring
 *
 * A stream in set-up reacts to elements by the table at the bottom of its part.
 * When measuring without a rate every writable stream gets one TLS record of messages
 * per turn; with a rate, messages leave one by one at their time, streams taking turns.
 */
#include "source.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/check.h"
#include "conn.h"
#include "mark.h"
#include "scan.h"

struct stream {
	struct conn c; /* first: the epoll's pointer */
	struct source *s;
	struct letter *letter;
	char *from, *to;
	unsigned index;
	uint32_t seq;
	bool connecting, secure, authenticated, ready, dead;
	uint64_t began;
};

struct source {
	struct meter *m;
	const struct options *o;
	int epoll;
	SSL_CTX *tls;
	struct address peer, own;
	struct stream *streams;
	unsigned opened, ready, broken;
	unsigned turn; /* whose turn it is when paced */
	bool blasting;
	uint64_t sent, began;
	char *record; /* scratch for one write */
};

static void stream_fail(struct stream *st, const char *why)
{
	char text[400];
	struct source *s = st->s;
	if (st->dead)
		return;
	snprintf(text, sizeof(text), "%s to %s%s: %s", st->from, st->to,
		st->ready ? "" : " (in set-up)", why);
	st->dead = true;
	conn_close(&st->c);
	atomic_store(&s->m->broken, ++s->broken);
	meter_fail(s->m, "source", text);
}

static void send_text(struct stream *st, struct str s)
{
	if (!conn_write(&st->c, s))
		stream_fail(st, "cannot send");
}

#define SAY(st, ...)                                                                               \
	do {                                                                                       \
		char say_[2048];                                                                   \
		int n_ = snprintf(say_, sizeof(say_), __VA_ARGS__);                                \
		send_text(st, str_from(say_, n_ < 0 ? 0 : (size_t)n_));                            \
	} while (0)

static void say_header(struct stream *st)
{
	SAY(st,
		"<?xml version='1.0'?><stream:stream xmlns='jabber:server' "
		"xmlns:db='jabber:server:dialback' "
		"xmlns:stream='http://etherx.jabber.org/streams' from='%s' to='%s' version='1.0'>",
		st->from, st->to);
}

static void stream_ready(struct stream *st)
{
	if (st->ready)
		return;
	st->ready = true;
	atomic_store(&st->s->m->ready, ++st->s->ready);
}

static void on_handshake(struct stream *st)
{
	int done = conn_handshake(&st->c);
	if (done < 0)
		stream_fail(st, "TLS handshake failed");
	else if (done)
		say_header(st);
}

static void start_tls(struct stream *st)
{
	st->secure = true;
	conn_start_tls(&st->c, st->s->tls, false, st->to);
	on_handshake(st);
}

/* What the peer may say, and what follows. */

static void on_features(struct stream *st, const struct element *e)
{
	const struct options *o = st->s->o;
	if (!st->secure && o->tls == TLS_STARTTLS) {
		SAY(st, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	} else if (st->authenticated || o->auth == AUTH_NONE) {
		stream_ready(st);
	} else if (o->auth != AUTH_DIALBACK && o->certificate && scan_has(e->body, "EXTERNAL")) {
		char identity[1400];
		EVP_EncodeBlock((unsigned char *)identity, (const unsigned char *)st->from,
			(int)strlen(st->from));
		SAY(st,
			"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' "
			"mechanism='EXTERNAL'>%s</auth>",
			identity);
	} else if (o->auth != AUTH_EXTERNAL) {
		/* Any key will do: our own sink is the one who is asked about it. */
		SAY(st, "<db:result from='%s' to='%s'>%064x</db:result>", st->from, st->to,
			st->index);
	} else {
		stream_fail(st, "EXTERNAL is not offered");
	}
}

static void on_proceed(struct stream *st, const struct element *e)
{
	start_tls(st);
}

static void on_success(struct stream *st, const struct element *e)
{
	st->authenticated = true;
	say_header(st);
}

static void on_failure(struct stream *st, const struct element *e)
{
	char text[200];
	snprintf(text, sizeof(text), "failure: %.*s", (int)(e->body.len < 150 ? e->body.len : 150),
		e->body.p);
	stream_fail(st, text);
}

static void on_result(struct stream *st, const struct element *e)
{
	if (str_is(scan_attr(e->head, "type"), "valid"))
		stream_ready(st);
	else
		on_failure(st, e);
}

static void on_end(struct stream *st, const struct element *e)
{
	stream_fail(st, "stream closed by the peer");
}

static const struct {
	const char *name;
	void (*on)(struct stream *st, const struct element *e);
} reactions[] = {
	{ "stream:features", on_features },
	{ "proceed", on_proceed },
	{ "success", on_success },
	{ "failure", on_failure },
	{ "db:result", on_result },
	{ "stream:error", on_failure },
	{ "/stream:stream", on_end },
};

static void on_element(struct stream *st, const struct element *e)
{
	for (size_t i = 0; i < sizeof(reactions) / sizeof(reactions[0]); i++) {
		if (str_is(e->name, reactions[i].name)) {
			reactions[i].on(st, e);
			return;
		}
	}
}

static void consume(struct stream *st)
{
	struct element e;
	enum scan got = SCAN_MORE;
	while (!st->dead && (got = scan_element(buf_bytes(&st->c.in), &e)) == SCAN_ELEMENT) {
		bool tls = str_is(e.name, "proceed");
		size_t len = e.len;
		on_element(st, &e);
		if (tls)
			return; /* starting TLS has emptied the buffer */
		if (!st->dead)
			buf_consume(&st->c.in, len);
	}
	if (!st->dead && got == SCAN_BAD)
		stream_fail(st, "answer is not XML");
}

static void on_readable(struct stream *st)
{
	char bytes[4096];
	int n;
	while (!st->dead && !st->c.handshaking && (n = conn_read(&st->c, bytes, sizeof(bytes)))) {
		if (n < 0) {
			stream_fail(st, "connection closed");
			return;
		}
		if (!buf_append(&st->c.in, str_from(bytes, (size_t)n))) {
			stream_fail(st, "answer too long");
			return;
		}
		consume(st);
	}
}

/* Opening. */

static int open_socket(struct source *s, unsigned index)
{
	int fd = socket(s->peer.sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (s->own.len) {
		int on = 1;
		struct address own = s->own;
		struct sockaddr_in *v4 = (struct sockaddr_in *)&own.sa;
		if (s->o->bind_spread && own.sa.ss_family == AF_INET)
			v4->sin_addr.s_addr += htonl((uint32_t)(index % s->o->bind_spread) << 8);
		setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
		if (bind(fd, (struct sockaddr *)&own.sa, own.len)) {
			close(fd);
			return -1;
		}
	}
	if (connect(fd, (struct sockaddr *)&s->peer.sa, s->peer.len) && errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

static void stream_open(struct source *s, struct stream *st, unsigned index)
{
	uint64_t pair = index % s->o->pairs;
	*st = (struct stream){
		.c.fd = -1, .s = s, .index = index, .connecting = true, .began = now_ns()
	};
	st->from = pattern_expand(s->o->from, pair);
	st->to = pattern_expand(s->o->to, pair);
	st->letter = letter_new(st->from, st->to, s->o->bytes);
	if (!st->letter) {
		stream_fail(st, "messages cannot have that length");
		return;
	}
	int fd = open_socket(s, index);
	if (fd < 0) {
		stream_fail(st, strerror(errno));
		return;
	}
	conn_open(&st->c, s->epoll, fd);
	conn_want_out(&st->c, true);
}

static void on_connected(struct stream *st)
{
	int err = 0;
	socklen_t len = sizeof(err);
	getsockopt(st->c.fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (err) {
		stream_fail(st, strerror(err));
		return;
	}
	st->connecting = false;
	conn_want_out(&st->c, false);
	if (st->s->o->tls == TLS_DIRECT)
		start_tls(st);
	else
		say_header(st);
}

/* Sending. */

static void put_message(struct stream *st, char *p, bool measured, uint64_t ns)
{
	struct mark mark = { measured, st->index, st->seq++, ns };
	memcpy(p, st->letter->bytes, st->letter->len);
	mark_write(p + st->letter->mark_at, &mark);
}

/* Up to n messages in one write. */
static void send_messages(struct stream *st, uint64_t n, bool measured, uint64_t ns)
{
	char *p = st->s->record;
	for (uint64_t i = 0; i < n; i++, p += st->letter->len)
		put_message(st, p, measured, ns);
	send_text(st, str_from(st->s->record, (size_t)(p - st->s->record)));
}

static uint64_t messages_per_record(const struct source *s)
{
	uint64_t n = s->o->record / s->o->bytes;
	return n ? n : 1;
}

static void blast(struct stream *st)
{
	struct source *s = st->s;
	uint64_t left = s->o->messages - s->sent, n = messages_per_record(s);
	if (n > left)
		n = left;
	if (n == 0) {
		conn_want_out(&st->c, false);
		return;
	}
	s->sent += n;
	send_messages(st, n, true, now_ns());
}

static void on_event(struct stream *st, uint32_t events)
{
	if (st->dead)
		return;
	if (st->connecting)
		on_connected(st);
	else if (st->c.handshaking)
		on_handshake(st);
	if (st->dead || st->connecting || st->c.handshaking)
		return;
	if (events & ~(uint32_t)EPOLLOUT)
		on_readable(st);
	if (st->dead || st->c.handshaking || !(events & EPOLLOUT))
		return;
	if (!conn_idle(&st->c) && !conn_flush(&st->c))
		stream_fail(st, "cannot send");
	else if (st->s->blasting && st->ready && conn_idle(&st->c))
		blast(st);
}

/* Waits at most ns for events and handles them. */
static void turn(struct source *s, uint64_t ns)
{
	struct epoll_event events[64];
	struct timespec wait = { (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };
	int n = epoll_pwait2(s->epoll, events, 64, &wait, NULL);
	for (int i = 0; i < n; i++)
		on_event(events[i].data.ptr, events[i].events);
	if (now_ns() - s->began > s->o->timeout * 1000000000u)
		meter_fail(s->m, "source", "time is up");
}

static bool stopped(const struct source *s)
{
	return atomic_load_explicit(&s->m->stop, memory_order_relaxed);
}

/* Phases. */

enum { TICK = 5000000 };

static void set_up(struct source *s)
{
	uint64_t began = now_ns();
	while (!stopped(s) && s->ready < s->o->streams) {
		while (s->opened < s->o->streams && s->opened - s->ready < s->o->parallel &&
			!stopped(s)) {
			stream_open(s, &s->streams[s->opened], s->opened);
			s->opened++;
		}
		turn(s, TICK);
	}
	s->m->setup_seconds = (double)(now_ns() - began) / 1e9;
}

static bool all_flushed(const struct source *s)
{
	for (unsigned i = 0; i < s->opened; i++) {
		if (!s->streams[i].dead && !conn_idle(&s->streams[i].c))
			return false;
	}
	return true;
}

/* Until the sink has them, or, without a sink in this process, until the kernel does. */
static void wait_for(struct source *s, atomic_ulong *count, uint64_t wanted)
{
	if (s->o->role == ROLE_RUN) {
		while (!stopped(s) && atomic_load(count) < wanted)
			turn(s, TICK);
		return;
	}
	while (!stopped(s) && !all_flushed(s))
		turn(s, TICK);
}

static void warm_up(struct source *s)
{
	for (uint64_t k = 0; k < s->o->warmup; k++) {
		for (unsigned i = 0; i < s->opened && !stopped(s); i++)
			send_messages(&s->streams[i], 1, false, now_ns());
		atomic_store(&s->m->sent_warm, (k + 1) * s->o->streams);
		wait_for(s, &s->m->warm, (k + 1) * s->o->streams);
	}
	if (s->o->role == ROLE_SOURCE) {
		uint64_t end = now_ns() + 300000000u;
		while (!stopped(s) && now_ns() < end)
			turn(s, TICK);
	}
}

static void send_blasting(struct source *s)
{
	s->blasting = true;
	for (unsigned i = 0; i < s->opened; i++)
		conn_want_out(&s->streams[i].c, true);
	while (!stopped(s) && s->sent < s->o->messages)
		turn(s, TICK);
	s->blasting = false;
	for (unsigned i = 0; i < s->opened; i++) {
		if (!s->streams[i].dead)
			conn_want_out(&s->streams[i].c, false);
	}
}

/* False when every stream has too much waiting. */
static bool send_next(struct source *s)
{
	for (unsigned i = 0; i < s->opened; i++) {
		struct stream *st = &s->streams[s->turn];
		s->turn = (s->turn + 1) % s->opened;
		if (!st->dead && buf_len(&st->c.out) < CONN_RECORD) {
			send_messages(st, 1, true, now_ns());
			s->sent++;
			return true;
		}
	}
	return false;
}

static void send_paced(struct source *s)
{
	uint64_t began = now_ns(), rate = s->o->rate;
	while (!stopped(s) && s->sent < s->o->messages) {
		uint64_t now = now_ns();
		uint64_t due = (uint64_t)((double)(now - began) * (double)rate / 1e9) + 1;
		while (s->sent < due && s->sent < s->o->messages && !stopped(s) && send_next(s))
			;
		uint64_t next = began + (uint64_t)((double)s->sent * 1e9 / (double)rate);
		now = now_ns();
		turn(s, next > now ? next - now : 100000);
	}
}

static void measure(struct source *s)
{
	if (stopped(s))
		return;
	meter_read(s->m, &s->m->started);
	if (s->o->rate)
		send_paced(s);
	else
		send_blasting(s);
	atomic_store(&s->m->sent, s->sent);
	wait_for(s, &s->m->received, s->o->messages);
	if (s->o->role == ROLE_SOURCE)
		meter_read(s->m, &s->m->ended);
}

/* Each stream's message carries the time of its connect(). */
static void measure_cold(struct source *s)
{
	meter_read(s->m, &s->m->started);
	while (!stopped(s) && s->opened < s->o->streams) {
		struct stream *st = &s->streams[s->opened];
		stream_open(s, st, s->opened++);
		while (!stopped(s) && !st->ready)
			turn(s, TICK);
		if (stopped(s))
			return;
		send_messages(st, 1, true, st->began);
		atomic_store(&s->m->sent, ++s->sent);
		wait_for(s, &s->m->received, s->sent);
	}
}

static void hold(struct source *s)
{
	uint64_t end = now_ns() + s->o->hold * 1000000000u;
	printf("{\"event\":\"ready\",\"streams\":%u,\"setup_seconds\":%.3f}\n", s->ready,
		s->m->setup_seconds);
	fflush(stdout);
	while (!stopped(s) && now_ns() < end)
		turn(s, 100000000u);
}

static void close_all(struct source *s)
{
	for (unsigned i = 0; i < s->opened; i++) {
		struct stream *st = &s->streams[i];
		if (!st->dead && st->ready)
			conn_write(&st->c, STRL("</stream:stream>"));
	}
	if (s->o->role == ROLE_SOURCE)
		usleep(500000);
	for (unsigned i = 0; i < s->opened; i++) {
		struct stream *st = &s->streams[i];
		if (!st->dead)
			conn_close(&st->c);
		free(st->letter);
		free(st->from);
		free(st->to);
	}
}

static bool prepare(struct source *s)
{
	if (!address_parse(s->o->connect, &s->peer) ||
		(s->o->bind && !address_parse(s->o->bind, &s->own))) {
		meter_fail(s->m, "source", "bad address");
		return false;
	}
	s->tls = tls_context(false, s->o->certificate, s->o->key, false);
	if (!s->tls) {
		meter_fail(s->m, "source", "no TLS");
		return false;
	}
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->streams = calloc(s->o->streams, sizeof(*s->streams));
	s->record = malloc(messages_per_record(s) * s->o->bytes);
	check(s->epoll >= 0 && s->streams && s->record);
	while (s->o->role == ROLE_RUN && !atomic_load(&s->m->listening) &&
		!atomic_load(&s->m->stop))
		usleep(1000);
	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	return true;
}

void *source_main(void *meter)
{
	struct meter *m = meter;
	struct source s = { .m = m, .o = m->o, .began = now_ns() };
	meter_join(m, READING_SOURCE);
	if (!prepare(&s))
		return NULL;
	if (s.o->cold) {
		measure_cold(&s);
	} else {
		set_up(&s);
		warm_up(&s);
		if (s.o->hold && !stopped(&s))
			hold(&s);
		else if (s.o->messages)
			measure(&s);
	}
	atomic_store(&m->stop, true);
	close_all(&s);
	free(s.streams);
	free(s.record);
	SSL_CTX_free(s.tls);
	close(s.epoll);
	return NULL;
}
