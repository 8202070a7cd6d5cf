/* SPDX-License-Identifier: Apache-2.0 */
/* The stream that we open for a pair. What fails is tried again at the next address. */
#include "crowd.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define MS 1000000ull
#define NS_SM "urn:xmpp:sm:3"

static const uint64_t connect_max = 1500 * MS, setup_max = 8000 * MS, ask_after = 20 * MS;

static void enter(struct pair *p, int state)
{
	p->state = state;
	p->since = crowd_now();
}

static void fail(struct pair *p, const char *why)
{
	static unsigned told;

	if (p->state == PAIR_DOWN)
		return;
	if (told++ < 200)
		fprintf(stderr, "%s to %s: %s\n", p->own, p->peer, why);
	if (p->state == PAIR_READY) {
		p->failures = 0;
		crowd_row(p->crowd, ROW_DOWN, p->index, p->next, 0, p->address);
	}
	conn_close(&p->c);
	enter(p, PAIR_DOWN);
	p->address = (p->address + 1) % p->crowd->addresses;
	/* Twenty per cent of chance, as servers have it; the first retry is at once. */
	uint64_t wait = p->failures ? 50u << (p->failures < 5 ? p->failures : 5) : 0;
	p->retry_at = p->since + wait * MS * (80 + (uint64_t)rand() % 40) / 100;
	p->failures++;
	p->next = p->base;
}

static void say(struct pair *p, const char *text, size_t n)
{
	if (!conn_write(&p->c, str_from(text, n)))
		fail(p, "cannot send");
}

#define SAY(p, ...)                                                                                \
	do {                                                                                       \
		char say_[2048];                                                                   \
		int n_ = snprintf(say_, sizeof(say_), __VA_ARGS__);                                \
		say(p, say_, n_ < 0 ? 0 : (size_t)n_);                                             \
	} while (0)

static void say_header(struct pair *p)
{
	SAY(p,
		"<?xml version='1.0'?><stream:stream xmlns='jabber:server' "
		"xmlns:db='jabber:server:dialback' "
		"xmlns:stream='http://etherx.jabber.org/streams' from='%s' to='%s' version='1.0'>",
		p->own, p->peer);
}

static void handshake(struct pair *p)
{
	int done = conn_handshake(&p->c);

	if (done < 0)
		fail(p, "TLS handshake failed");
	else if (done)
		say_header(p);
}

/* Sending. */

/* As many as there are, one write each, as long as the kernel takes them. */
static void pump(struct pair *p)
{
	char bytes[MESSAGE + 1024];

	while (p->state == PAIR_READY && conn_idle(&p->c) && p->next != p->made &&
		(!p->acks || p->next - p->base < UNACKED_MAX)) {
		size_t n = crowd_message(p, p->next, bytes, sizeof(bytes));

		p->next++;
		say(p, bytes, n);
		/* Without acknowledgements what the kernel has is gone. One that it has not whole is sent again. */
		if (p->state == PAIR_READY && !p->acks && conn_idle(&p->c))
			p->base = p->next;
	}
	if (p->state == PAIR_READY && !p->acks && conn_idle(&p->c))
		p->base = p->next;
}

void pair_make(struct pair *p)
{
	if (p->made - p->base >= RING) {
		p->crowd->overrun++;
		return;
	}
	p->born[p->made % RING] = crowd_now();
	p->made++;
	p->crowd->made++;
	pump(p);
}

bool pair_settled(const struct pair *p)
{
	return p->base == p->made;
}

static void ready(struct pair *p)
{
	enter(p, PAIR_READY);
	p->enabled_at = p->asked = p->base;
	p->next = p->base;
	p->asked_at = p->answered_at = p->since;
	crowd_row(p->crowd, ROW_UP, p->index, p->next, 0, p->address);
	pump(p);
}

/* What they say, and what follows. */

static void on_features(struct pair *p, const struct element *e)
{
	if (!p->secure) {
		SAY(p, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	} else if (p->authenticated) {
		if (p->crowd->acks && scan_has(e->body, NS_SM))
			SAY(p, "<enable xmlns='" NS_SM "'/>");
		else
			ready(p);
	} else if (scan_has(e->body, "EXTERNAL")) {
		char identity[1400];

		EVP_EncodeBlock((unsigned char *)identity, (const unsigned char *)p->own,
			(int)strlen(p->own));
		SAY(p,
			"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' "
			"mechanism='EXTERNAL'>%s</auth>",
			identity);
	} else {
		fail(p, "EXTERNAL is not offered");
	}
}

static void on_proceed(struct pair *p, const struct element *e)
{
	p->secure = true;
	conn_start_tls(&p->c, p->crowd->client, false, p->peer);
	conn_want_out(&p->c, true); /* its turn will come */
}

static void on_success(struct pair *p, const struct element *e)
{
	p->authenticated = true;
	say_header(p);
}

static void on_enabled(struct pair *p, const struct element *e)
{
	p->acks = true;
	ready(p);
}

static void on_answer(struct pair *p, const struct element *e)
{
	uint32_t h = (uint32_t)strtoul(scan_attr(e->head, "h").p, NULL, 10);
	uint32_t base = p->enabled_at + h;

	p->answered_at = crowd_now();
	if (p->acks && base != p->base && base - p->base <= p->next - p->base) {
		p->base = base;
		crowd_row(p->crowd, ROW_SETTLED, p->index, base, 0, p->address);
	}
	pump(p);
}

static void on_request(struct pair *p, const struct element *e)
{
	SAY(p, "<a xmlns='" NS_SM "' h='0'/>");
}

static void on_failure(struct pair *p, const struct element *e)
{
	char text[200];

	snprintf(text, sizeof(text), "refused: %.*s", (int)(e->body.len < 150 ? e->body.len : 150),
		e->body.p);
	fail(p, text);
}

static void on_end(struct pair *p, const struct element *e)
{
	fail(p, "stream closed by the peer");
}

static const struct {
	const char *name;
	void (*on)(struct pair *p, const struct element *e);
} reactions[] = {
	{ "a", on_answer },
	{ "r", on_request },
	{ "stream:features", on_features },
	{ "proceed", on_proceed },
	{ "success", on_success },
	{ "enabled", on_enabled },
	{ "failed", on_failure },
	{ "failure", on_failure },
	{ "stream:error", on_failure },
	{ "/stream:stream", on_end },
};

static void on_element(struct pair *p, const struct element *e)
{
	for (size_t i = 0; i < sizeof(reactions) / sizeof(reactions[0]); i++) {
		if (str_is(e->name, reactions[i].name)) {
			reactions[i].on(p, e);
			return;
		}
	}
}

static void consume(struct pair *p)
{
	struct element e;
	enum scan got = SCAN_MORE;

	while (p->state != PAIR_DOWN &&
		(got = scan_element(buf_bytes(&p->c.in), &e)) == SCAN_ELEMENT) {
		bool tls = str_is(e.name, "proceed");
		size_t len = e.len;

		on_element(p, &e);
		if (tls)
			return; /* starting TLS has emptied the buffer */
		if (p->state != PAIR_DOWN)
			buf_consume(&p->c.in, len);
	}
	if (p->state != PAIR_DOWN && got == SCAN_BAD)
		fail(p, "answer is not XML");
}

static void readable(struct pair *p)
{
	char bytes[4096];
	int n;

	while (p->state != PAIR_DOWN && !p->c.handshaking &&
		(n = conn_read(&p->c, bytes, sizeof(bytes)))) {
		if (n < 0) {
			fail(p, "connection closed");
			return;
		}
		if (!buf_append(&p->c.in, str_from(bytes, (size_t)n))) {
			fail(p, "answer too long");
			return;
		}
		consume(p);
	}
}

/* Life. */

static void dial(struct pair *p)
{
	const struct address *to = &p->crowd->to[p->address];
	int fd = socket(to->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	enter(p, PAIR_CONNECTING);
	p->secure = p->authenticated = p->acks = false;
	if (fd < 0) {
		perror("socket");
		exit(1);
	}
	if (connect(fd, (const struct sockaddr *)&to->sa, to->len) && errno != EINPROGRESS) {
		close(fd);
		p->c.fd = -1;
		fail(p, strerror(errno));
		return;
	}
	conn_open(&p->c, p->crowd->epoll, fd);
	conn_want_out(&p->c, true);
}

static void connected(struct pair *p)
{
	int err = 0;
	socklen_t len = sizeof(err);

	getsockopt(p->c.fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (err) {
		fail(p, strerror(err));
		return;
	}
	enter(p, PAIR_SETUP);
	conn_want_out(&p->c, false);
	say_header(p);
}

void pair_event(struct pair *p, uint32_t events)
{
	if (p->state == PAIR_CONNECTING)
		connected(p);
	else if (p->state != PAIR_DOWN && p->c.handshaking && crowd_may_shake(p->crowd))
		handshake(p);
	if (p->state == PAIR_DOWN || p->c.handshaking)
		return;
	if (events & ~(uint32_t)EPOLLOUT)
		readable(p);
	if (p->state == PAIR_DOWN || p->c.handshaking || !(events & EPOLLOUT))
		return;
	if (!conn_flush(&p->c))
		fail(p, "cannot send");
	else
		pump(p);
}

void pair_tick(struct pair *p)
{
	uint64_t now = crowd_now();

	if (p->state == PAIR_DOWN && now >= p->retry_at)
		dial(p);
	else if (p->state == PAIR_CONNECTING && now - p->since > connect_max)
		fail(p, "no connection");
	else if (p->state == PAIR_SETUP && now - p->since > setup_max)
		fail(p, "set-up took too long");
	if (p->state != PAIR_READY || !p->acks || p->base == p->next)
		return;
	if (p->asked_at > p->answered_at) {
		if (now - p->asked_at > p->crowd->patience * 1000 * MS)
			fail(p, "no answer to a request for a count");
	} else if (now - p->answered_at >= ask_after || p->next - p->base > UNACKED_MAX / 2) {
		p->asked_at = now;
		SAY(p, "<r xmlns='" NS_SM "'/>");
	}
}
