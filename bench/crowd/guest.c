/* SPDX-License-Identifier: Apache-2.0 */
/* The streams that are opened to us: whoever comes is taken for what they say. */
#include "crowd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/check.h"

#define NS_SM "urn:xmpp:sm:3"

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
	if (!g->secure)
		return "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>";
	if (g->authenticated)
		return g->crowd->acks ? "<sm xmlns='" NS_SM "'/>" : "";
	return "<mechanisms "
	       "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism></"
	       "mechanisms>";
}

static void on_header(struct guest *g, const struct element *e)
{
	struct str from = scan_attr(e->head, "from"), to = scan_attr(e->head, "to");

	SAY(g,
		"<?xml version='1.0'?><stream:stream xmlns='jabber:server' "
		"xmlns:db='jabber:server:dialback' "
		"xmlns:stream='http://etherx.jabber.org/streams' from='%.*s' to='%.*s' "
		"id='%016llx%08x' "
		"version='1.0'><stream:features>%s</stream:features>",
		STR_FMT(to), STR_FMT(from), (unsigned long long)crowd_now(), g->headers++,
		features(g));
}

static void on_starttls(struct guest *g, const struct element *e)
{
	SAY(g, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	conn_start_tls(&g->c, g->crowd->server, true, NULL);
}

static void on_auth(struct guest *g, const struct element *e)
{
	g->authenticated = true;
	SAY(g, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
}

static void on_enable(struct guest *g, const struct element *e)
{
	g->acks = true;
	SAY(g, "<enabled xmlns='" NS_SM "'/>");
}

static void on_request(struct guest *g, const struct element *e)
{
	SAY(g, "<a xmlns='" NS_SM "' h='%u'/>", g->count);
}

static void on_message(struct guest *g, const struct element *e)
{
	g->count++;
	crowd_take(g->crowd, e, g->from);
}

static void on_stanza(struct guest *g, const struct element *e)
{
	g->count++;
}

static void on_end(struct guest *g, const struct element *e)
{
	SAY(g, "</stream:stream>");
}

static const struct {
	const char *name;
	void (*on)(struct guest *g, const struct element *e);
} reactions[] = {
	{ "message", on_message },
	{ "r", on_request },
	{ "stream:stream", on_header },
	{ "starttls", on_starttls },
	{ "auth", on_auth },
	{ "enable", on_enable },
	{ "/stream:stream", on_end },
	{ "presence", on_stanza },
	{ "iq", on_stanza },
};

static void on_element(struct guest *g, const struct element *e)
{
	for (size_t i = 0; i < sizeof(reactions) / sizeof(reactions[0]); i++) {
		if (str_is(e->name, reactions[i].name)) {
			reactions[i].on(g, e);
			return;
		}
	}
}

static bool consume(struct guest *g)
{
	struct element e;
	enum scan got;

	while ((got = scan_element(buf_bytes(&g->c.in), &e)) == SCAN_ELEMENT) {
		size_t len = e.len;

		on_element(g, &e);
		if (g->c.handshaking)
			return true; /* what came before TLS is void */
		buf_consume(&g->c.in, len);
	}
	return got != SCAN_BAD;
}

static void readable(struct guest *g)
{
	static char area[65536];
	int n = 0;

	while (!g->c.handshaking && (n = conn_read(&g->c, area, sizeof(area))) > 0) {
		if (!buf_append(&g->c.in, str_from(area, (size_t)n)) || !consume(g)) {
			n = -1;
			break;
		}
	}
	g->gone = n < 0;
}

static void handshake(struct guest *g)
{
	int done = conn_handshake(&g->c);

	g->gone = done < 0;
	g->secure = done > 0;
}

void guest_event(struct guest *g, uint32_t events)
{
	if ((events & EPOLLOUT) && !g->c.handshaking && !conn_flush(&g->c))
		g->gone = true;
	if (!g->gone && g->c.handshaking && crowd_may_shake(g->crowd))
		handshake(g);
	if (!g->gone && !g->c.handshaking)
		readable(g);
	if (!g->gone)
		return;
	conn_close(&g->c);
	*g->link = g->newer;
	if (g->newer)
		g->newer->link = g->link;
	free(g); /* one event per descriptor and turn: nothing else points here */
}

static unsigned last_byte(const struct sockaddr_storage *at)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)at;

	return at->ss_family == AF_INET ? ntohl(v4->sin_addr.s_addr) & 255 : 0;
}

void guest_accept(struct crowd *w)
{
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);
	int fd;

	while ((fd = accept4(w->listener.fd, (struct sockaddr *)&at, &len,
			SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct guest *g = calloc(1, sizeof(*g));

		check(g);
		conn_open(&g->c, w->epoll, fd);
		g->crowd = w;
		g->from = last_byte(&at);
		len = sizeof(at);
		g->newer = w->guests;
		g->link = &w->guests;
		if (g->newer)
			g->newer->link = &g->newer;
		w->guests = g;
	}
}
