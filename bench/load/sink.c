/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every element that arrives, messages included, goes through the table below;
 * messages come first, as they are what there is much of. A read goes to one
 * shared area and is worked on in place; only the cut element at its end is kept.
 *
 * Order is checked per stream of the source with a window of the last 64 numbers:
 * a number inside it is late (reordered) or was there before (a duplicate).
 */
#include "sink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/check.h"
#include "conn.h"
#include "mark.h"
#include "scan.h"

enum { AREA = 65536, TICK_MS = 20 };

struct track {
	uint32_t next;
	uint64_t seen; /* bit k: number next-1-k has come */
};

struct guest {
	struct conn c; /* first: the epoll's pointer */
	struct guest *newer, **link;
	struct sink *k;
	bool fresh; /* no byte read: may still turn out to be direct TLS */
	bool secure, authenticated, has_certificate;
	unsigned headers;
};

struct sink {
	struct meter *m;
	const struct options *o;
	int epoll;
	struct conn listener;
	SSL_CTX *tls;
	struct guest *guests;
	unsigned accepted;
	uint64_t began;
	uint64_t warm, received;
	struct track *tracks;
	char area[AREA];
};

static void guest_close(struct guest *g)
{
	conn_close(&g->c);
	*g->link = g->newer;
	if (g->newer)
		g->newer->link = g->link;
	g->link = NULL; /* on_event() frees it */
}

/* Messages. */

static void late(struct sink *k, struct track *t, const struct mark *m, bool *ret_new)
{
	uint32_t back = t->next - 1 - m->seq;
	*ret_new = back < 64 && !(t->seen >> back & 1);
	if (*ret_new) {
		t->seen |= 1ull << back;
		k->m->reordered++;
	} else {
		k->m->duplicates++;
	}
}

static void count(struct sink *k, const struct mark *m, uint64_t now)
{
	bool is_new = true;
	if (m->stream < k->o->streams) {
		struct track *t = &k->tracks[m->stream];
		if (m->seq >= t->next) {
			uint32_t step = m->seq - t->next + 1;
			t->seen = (step < 64 ? t->seen << step : 0) | 1;
			t->next = m->seq + 1;
		} else {
			late(k, t, m, &is_new);
		}
	}
	if (!is_new)
		return;
	if (!m->measured) {
		k->warm++;
		return;
	}
	if (!k->received && k->o->role == ROLE_SINK)
		meter_read(k->m, &k->m->started);
	k->received++;
	hist_add(&k->m->latency, now > m->ns ? now - m->ns : 0);
}

static void on_message(struct guest *g, const struct element *e, uint64_t now)
{
	struct mark mark;
	const char *at = memchr(e->body.p, '~', e->body.len);
	if (at && (size_t)(e->body.p + e->body.len - at) >= MARK_LEN && mark_read(at, &mark)) {
		count(g->k, &mark, now);
		return;
	}
	if (!g->k->m->errors++)
		fprintf(stderr, "sallyport-load: sink: unmarked: %.*s\n",
			(int)(e->len < 600 ? e->len : 600), e->head.p);
}

/* Everything else. */

static void say(struct guest *g, const char *text, int n)
{
	if (n > 0)
		conn_write(&g->c, str_from(text, (size_t)n));
}

#define SAY(g, ...)                                                                                \
	do {                                                                                       \
		char say_[2048];                                                                   \
		say(g, say_, snprintf(say_, sizeof(say_), __VA_ARGS__));                           \
	} while (0)

static const char *features(const struct guest *g)
{
#define DIALBACK "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"
#define EXTERNAL                                                                                   \
	"<mechanisms "                                                                             \
	"xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism></mechanisms>"
	const struct options *o = g->k->o;
	bool external = !o->no_external && g->has_certificate && !g->authenticated;
	bool dialback = !o->no_dialback && !g->authenticated;
	if (!g->secure)
		return "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>";
	if (external && dialback)
		return EXTERNAL DIALBACK;
	return external ? EXTERNAL : dialback ? DIALBACK : "";
}

static void on_header(struct guest *g, const struct element *e, uint64_t now)
{
	struct str from = scan_attr(e->head, "from"), to = scan_attr(e->head, "to");
	SAY(g,
		"<?xml version='1.0'?><stream:stream xmlns='jabber:server' "
		"xmlns:db='jabber:server:dialback' "
		"xmlns:stream='http://etherx.jabber.org/streams' from='%.*s' to='%.*s' "
		"id='%016llx%08x' "
		"version='1.0'><stream:features>%s</stream:features>",
		STR_FMT(to), STR_FMT(from), (unsigned long long)now, g->headers++, features(g));
}

static void on_starttls(struct guest *g, const struct element *e, uint64_t now)
{
	SAY(g, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	conn_start_tls(&g->c, g->k->tls, true, NULL);
}

static void on_auth(struct guest *g, const struct element *e, uint64_t now)
{
	g->authenticated = true;
	SAY(g, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
}

static void on_result(struct guest *g, const struct element *e, uint64_t now)
{
	struct str from = scan_attr(e->head, "from"), to = scan_attr(e->head, "to");
	SAY(g, "<db:result from='%.*s' to='%.*s' type='valid'/>", STR_FMT(to), STR_FMT(from));
}

static void on_verify(struct guest *g, const struct element *e, uint64_t now)
{
	struct str from = scan_attr(e->head, "from"), to = scan_attr(e->head, "to");
	struct str id = scan_attr(e->head, "id");
	SAY(g, "<db:verify from='%.*s' to='%.*s' id='%.*s' type='valid'/>", STR_FMT(to),
		STR_FMT(from), STR_FMT(id));
	g->k->m->verified++;
}

static void on_stream_error(struct guest *g, const struct element *e, uint64_t now)
{
	fprintf(stderr, "sallyport-load: sink: stream error: %.*s\n", STR_FMT(e->body));
}

static void on_end(struct guest *g, const struct element *e, uint64_t now)
{
	SAY(g, "</stream:stream>");
}

static void on_stanza(struct guest *g, const struct element *e, uint64_t now)
{
}

static const struct {
	const char *name;
	void (*on)(struct guest *g, const struct element *e, uint64_t now);
} reactions[] = {
	{ "message", on_message },
	{ "stream:stream", on_header },
	{ "starttls", on_starttls },
	{ "auth", on_auth },
	{ "db:result", on_result },
	{ "db:verify", on_verify },
	{ "stream:error", on_stream_error },
	{ "/stream:stream", on_end },
	{ "presence", on_stanza },
	{ "iq", on_stanza },
};

static void on_element(struct guest *g, const struct element *e, uint64_t now)
{
	for (size_t i = 0; i < sizeof(reactions) / sizeof(reactions[0]); i++) {
		if (str_is(e->name, reactions[i].name)) {
			reactions[i].on(g, e, now);
			return;
		}
	}
}

/* Works on whole elements at the front of s; returns the bytes used, or -1. */
static ssize_t consume(struct guest *g, struct str s)
{
	struct element e;
	size_t used = 0;
	uint64_t now = now_ns();
	enum scan got;
	while ((got = scan_element(str_skip(s, used), &e)) == SCAN_ELEMENT) {
		used += e.len;
		on_element(g, &e, now);
		if (g->c.handshaking)
			return (ssize_t)s.len; /* what came before TLS is void */
	}
	return got == SCAN_BAD ? -1 : (ssize_t)used;
}

static bool on_bytes(struct guest *g, struct str s)
{
	bool kept = buf_len(&g->c.in) > 0;
	if (kept) {
		if (!buf_append(&g->c.in, s))
			return false;
		s = buf_bytes(&g->c.in);
	}
	ssize_t used = consume(g, s);
	if (used < 0) {
		fprintf(stderr, "sallyport-load: sink: not XML: %.*s\n",
			(int)(s.len < 200 ? s.len : 200), s.p);
		return false;
	}
	if (g->c.handshaking)
		return true;
	if (!kept)
		return (size_t)used == s.len || buf_append(&g->c.in, str_skip(s, (size_t)used));
	buf_consume(&g->c.in, (size_t)used);
	if (buf_len(&g->c.in) == 0)
		buf_clear(&g->c.in, 0);
	return true;
}

static void publish(struct sink *k)
{
	struct meter *m = k->m;
	atomic_store_explicit(&m->warm, k->warm, memory_order_release);
	if (k->o->messages && k->received >= k->o->messages && !m->ended.ns)
		meter_read(m, &m->ended);
	atomic_store_explicit(&m->received, k->received, memory_order_release);
}

static void on_readable(struct guest *g)
{
	int n = 0;
	while (!g->c.handshaking && (n = conn_read(&g->c, g->k->area, AREA)) > 0) {
		if (!on_bytes(g, str_from(g->k->area, (size_t)n))) {
			n = -1;
			break;
		}
	}
	publish(g->k);
	if (n < 0)
		guest_close(g);
}

static void on_handshake(struct guest *g)
{
	int done = conn_handshake(&g->c);
	if (done < 0) {
		fprintf(stderr, "sallyport-load: sink: TLS handshake failed\n");
		guest_close(g);
		return;
	}
	if (!done)
		return;
	X509 *certificate = SSL_get0_peer_certificate(g->c.ssl);
	g->secure = true;
	g->has_certificate = certificate != NULL;
}

/* The first byte tells TLS (0x16) from XML. */
static bool look(struct guest *g)
{
	unsigned char first;
	ssize_t n = recv(g->c.fd, &first, 1, MSG_PEEK);
	if (n < 0 && errno == EAGAIN)
		return false;
	g->fresh = false;
	if (n == 1 && first == 0x16)
		conn_start_tls(&g->c, g->k->tls, true, NULL);
	return true;
}

static void on_event(struct guest *g, uint32_t events)
{
	if (g->fresh && !look(g))
		return;
	if ((events & EPOLLOUT) && !g->c.handshaking && !conn_flush(&g->c))
		guest_close(g);
	else if (g->c.handshaking)
		on_handshake(g);
	if (g->link && !g->c.handshaking)
		on_readable(g);
	if (!g->link)
		free(g); /* one event per descriptor and turn: nothing else points here */
}

static void on_accept(struct sink *k)
{
	int fd;
	while ((fd = accept4(k->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct guest *g = calloc(1, sizeof(*g));
		check(g);
		conn_open(&g->c, k->epoll, fd);
		g->k = k;
		g->fresh = true;
		g->newer = k->guests;
		g->link = &k->guests;
		if (g->newer)
			g->newer->link = &g->newer;
		k->guests = g;
		atomic_store(&k->m->accepted, ++k->accepted);
	}
}

static bool listen_on(struct sink *k)
{
	struct address at;
	int on = 1;
	if (!address_parse(k->o->listen, &at))
		return false;
	int fd = socket(at.sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&at.sa, at.len) || listen(fd, 4096))
		return false;
	conn_open(&k->listener, k->epoll, fd);
	return true;
}

static bool prepare(struct sink *k)
{
	k->epoll = epoll_create1(EPOLL_CLOEXEC);
	k->tracks = calloc(k->o->streams, sizeof(*k->tracks));
	k->tls = tls_context(true, k->o->sink_certificate, k->o->sink_key, !k->o->no_external);
	check(k->epoll >= 0 && k->tracks);
	if (!k->tls) {
		meter_fail(k->m, "sink", "no TLS");
		return false;
	}
	if (!listen_on(k)) {
		meter_fail(k->m, "sink", "cannot listen");
		return false;
	}
	return true;
}

static bool finished(const struct sink *k)
{
	if (atomic_load_explicit(&k->m->stop, memory_order_relaxed))
		return true;
	if (k->o->role == ROLE_RUN)
		return false;
	if (k->o->messages && k->received >= k->o->messages)
		return true;
	return now_ns() - k->began > k->o->timeout * 1000000000u;
}

static void serve(struct sink *k)
{
	struct epoll_event events[64];
	while (!finished(k)) {
		int n = epoll_wait(k->epoll, events, 64, TICK_MS);
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == &k->listener)
				on_accept(k);
			else
				on_event(events[i].data.ptr, events[i].events);
		}
	}
}

void *sink_main(void *meter)
{
	struct meter *m = meter;
	struct sink *k = calloc(1, sizeof(*k));
	check(k);
	k->m = m;
	k->o = m->o;
	k->began = now_ns();
	meter_join(m, READING_SINK);
	if (prepare(k)) {
		atomic_store(&m->listening, true);
		serve(k);
		conn_close(&k->listener);
		while (k->guests) {
			struct guest *g = k->guests;
			guest_close(g);
			free(g);
		}
	}
	if (!m->ended.ns && k->o->role != ROLE_SOURCE)
		meter_read(m, &m->ended);
	SSL_CTX_free(k->tls);
	close(k->epoll);
	free(k->tracks);
	free(k);
	return NULL;
}
