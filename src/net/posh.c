/* SPDX-License-Identifier: Apache-2.0 */
/*
 *	host --A, AAAA--> addresses --TCP, TLS--> GET --> document --digests--> done
 *	 ^                                                   '--url, once--.
 *	 '-----------------------------------------------------------------'
 *
 * A connection outlives the fetch that gave it up: struct leg is what its callbacks get.
 */
#include "net/posh.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "net/ask.h"
#include "net/http.h"

enum {
	PORT = 443,
	ADDRS_MAX = 8,
	ATTEMPT_MS = 4000,
	TIMEOUT_MS = 10000,
	ANSWER_MAX = NET_POSH_DOC_MAX + NET_HTTP_HEAD_MAX + 4096, /* chunks have heads, too */
};

struct leg {
	struct net_posh_fetch *fetch; /* NULL: given up */
	struct net_conn *conn;
};

struct net_posh_fetch {
	struct net_resolver *resolver;
	struct net_posh_settings settings;
	void (*done)(void *user, const char *error, const struct net_posh_doc *doc);
	void *user;
	struct net_timer *deadline;
	struct net_timer *end;
	char host[256];
	char path[NET_POSH_URL_MAX];
	bool led_on; /* by a url */
	struct net_question *questions[2];
	unsigned open; /* questions */
	struct net_addr addrs[ADDRS_MAX];
	size_t n_addrs;
	bool forbidden;
	struct leg *leg;
	struct buf in;
	const char *error; /* of the end */
	struct net_posh_doc doc;
};

static void drop_leg(struct net_posh_fetch *f)
{
	struct leg *leg = f->leg;

	f->leg = NULL;
	if (!leg)
		return;
	leg->fetch = NULL;
	net_conn_abort(leg->conn);
}

static void fetch_free(struct net_posh_fetch *f)
{
	drop_leg(f);
	net_question_cancel(f->questions[0]);
	net_question_cancel(f->questions[1]);
	net_timer_free(f->deadline);
	net_timer_free(f->end);
	net_tls_unref(f->settings.tls);
	buf_done(&f->in);
	free(f);
}

void net_posh_cancel(struct net_posh_fetch *f)
{
	if (f)
		fetch_free(f);
}

/* The end is reported from the loop. */
static void finish(struct net_posh_fetch *f, const char *error)
{
	drop_leg(f);
	f->error = error;
	net_timer_set(f->deadline, UINT64_MAX);
	net_timer_set(f->end, 0);
}

static void on_end(void *user)
{
	struct net_posh_fetch *f = user;

	f->done(f->user, f->error, f->error ? NULL : &f->doc);
	fetch_free(f);
}

static void on_deadline(void *user)
{
	finish(user, "POSH: no document in time");
}

static void begin(struct net_posh_fetch *f);

/* --- the document --- */

static void on_document(struct net_posh_fetch *f, struct str body)
{
	const char *error = net_posh_read(body, &f->doc);

	if (error) {
		finish(f, error);
	} else if (!f->doc.url[0]) {
		finish(f, NULL);
	} else if (f->led_on) {
		finish(f, "POSH: a URL that leads to another URL");
	} else if (!net_posh_url(f->doc.url, f->host, f->path)) {
		finish(f, "POSH: a URL that is not plain https");
	} else {
		f->led_on = true;
		drop_leg(f);
		begin(f);
	}
}

static void look(struct net_posh_fetch *f, bool ended)
{
	struct buf body;
	const char *why = NULL;

	buf_init(&body, NET_POSH_DOC_MAX);
	switch (net_http_read(buf_bytes(&f->in), ended, &body, &why)) {
	case NET_HTTP_MORE:
		break;
	case NET_HTTP_DONE:
		on_document(f, buf_bytes(&body));
		break;
	case NET_HTTP_BAD:
		finish(f, why);
		break;
	}
	buf_done(&body);
}

/* --- the connection --- */

static void on_connected(void *user)
{
	struct leg *leg = user;

	if (leg->fetch)
		net_conn_start_tls(
			leg->conn, leg->fetch->settings.tls, NULL, false, str_of(leg->fetch->host));
}

static void on_tls(void *user)
{
	struct leg *leg = user;
	struct net_posh_fetch *f = leg->fetch;
	char request[NET_POSH_URL_MAX + 512];
	const char *why;

	if (!f)
		return;
	if (net_conn_certificate(leg->conn, str_of(f->host), &why) != NET_CERT_VALID) {
		finish(f, "POSH: the certificate of the HTTPS server is not valid");
		return;
	}
	int n = snprintf(request, sizeof(request),
		"GET %s HTTP/1.1\r\nHost: %s\r\nAccept: application/json\r\nConnection: "
		"close\r\n\r\n",
		f->path, f->host);
	net_conn_write(leg->conn, str_from(request, (size_t)n));
}

static size_t on_input(void *user, struct str bytes)
{
	struct leg *leg = user;
	struct net_posh_fetch *f = leg->fetch;

	if (!f)
		return bytes.len;
	if (buf_append(&f->in, bytes))
		look(f, false);
	else
		finish(f, "POSH: the document is too large");
	return bytes.len;
}

static void on_taken(void *user, uint64_t total)
{
}

static void on_closed(void *user, const char *text)
{
	struct leg *leg = user;
	struct net_posh_fetch *f = leg->fetch;

	if (f) {
		f->leg = NULL;
		if (buf_len(&f->in))
			look(f, true);
		else
			finish(f, "POSH: the HTTPS server cannot be reached");
	}
	free(leg);
}

static const struct net_conn_ops ops = {
	.on_connected = on_connected,
	.on_tls = on_tls,
	.on_input = on_input,
	.on_taken = on_taken,
	.on_closed = on_closed,
};

/* Leaves only the addresses that may be dialled now. */
static void keep_permitted(struct net_posh_fetch *f)
{
	const struct net_posh_settings *s = &f->settings;
	size_t n = 0;

	for (size_t i = 0; i < f->n_addrs; i++) {
		if (!s->may_dial || s->may_dial(s->user, &f->addrs[i], str_of(f->host)))
			f->addrs[n++] = f->addrs[i];
	}
	f->n_addrs = n;
}

static void dial(struct net_posh_fetch *f)
{
	if (f->n_addrs == 0) {
		finish(f,
			f->forbidden ? "POSH: the address of the HTTPS server is not permitted"
				     : "POSH: the HTTPS server has no address");
		return;
	}
	keep_permitted(f);
	if (f->n_addrs == 0) {
		finish(f, "POSH: too many connections to the address of the HTTPS server");
		return;
	}
	f->leg = calloc(1, sizeof(*f->leg));
	check(f->leg);
	f->leg->fetch = f;
	f->leg->conn = net_connect(
		net_resolver_loop(f->resolver), f->addrs, f->n_addrs, ATTEMPT_MS, &ops, f->leg);
}

/* --- the addresses --- */

static void take_addrs(struct net_posh_fetch *f, const struct net_answer *a, size_t which, int type)
{
	uint16_t port = f->settings.port ? f->settings.port : PORT;

	f->questions[which] = NULL;
	f->n_addrs += net_answer_addrs(f->resolver, a, type, port, f->addrs + f->n_addrs,
		ADDRS_MAX - f->n_addrs, &f->forbidden);
	if (--f->open == 0)
		dial(f);
}

static void on_v4(void *user, const struct net_answer *a)
{
	take_addrs(user, a, 0, NET_TYPE_A);
}

static void on_v6(void *user, const struct net_answer *a)
{
	take_addrs(user, a, 1, NET_TYPE_AAAA);
}

static void begin(struct net_posh_fetch *f)
{
	f->n_addrs = 0;
	f->forbidden = false;
	buf_clear(&f->in, 0);
	f->open = 2;
	f->questions[0] = net_ask(f->resolver, f->host, NET_TYPE_A, on_v4, f);
	f->questions[1] = net_ask(f->resolver, f->host, NET_TYPE_AAAA, on_v6, f);
	if (!f->questions[0] || !f->questions[1])
		finish(f, "POSH: the name cannot be in DNS");
}

struct net_posh_fetch *net_posh_fetch(struct net_resolver *r,
	const struct net_posh_settings *settings, struct str ascii_domain,
	void (*done)(void *user, const char *error, const struct net_posh_doc *doc), void *user)
{
	struct net_posh_fetch *f = calloc(1, sizeof(*f));
	struct net_loop *loop = net_resolver_loop(r);

	check(f);
	f->resolver = r;
	f->settings = *settings;
	net_tls_ref(settings->tls);
	f->done = done;
	f->user = user;
	buf_init(&f->in, ANSWER_MAX);
	f->end = net_timer_new(loop, on_end, f);
	f->deadline = net_timer_new(loop, on_deadline, f);
	unsigned ms = settings->timeout_ms ? settings->timeout_ms : TIMEOUT_MS;
	net_timer_set(f->deadline, net_now(loop) + ms);
	snprintf(f->host, sizeof(f->host), "%.*s", STR_FMT(ascii_domain));
	snprintf(f->path, sizeof(f->path), "/.well-known/posh/xmpp-server.json");
	begin(f);
	return f;
}

bool net_conn_posh(const struct net_conn *c, const struct net_posh_doc *doc)
{
	unsigned char key[32], cert[32];

	if (!net_conn_cert_digests(c, key, cert))
		return false;
	for (size_t i = 0; i < doc->n; i++) {
		if (memcmp(doc->sha256[i], cert, sizeof(cert)) == 0)
			return true;
	}
	return false;
}
