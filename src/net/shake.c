/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS handshakes. Their cryptography runs in the thread pool on memory alone:
 *
 *	loop:  cipher --move--> shake.in                     shake.out --move--> wire
 *	pool:                   shake.in -> SSL_do_handshake -> shake.out
 *
 * While the pool works (busy) it alone touches ssl, peer, bio_in, bio_out and the shake; the
 * loop collects arriving bytes in cipher. For direct TLS the server name of the ClientHello
 * comes back to the loop, which chooses the credentials, and the handshake goes on.
 */
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "net/conn_int.h"

enum {
	CIPHER_FULL = 64 * 1024, /* arrived while busy: reading stops */
	HELLO_MAX = 16 * 1024, /* OpenSSL would reserve what a ClientHello only claims */
	HELLO_HEAD = 9, /* record header and handshake header */
	RECORD_HANDSHAKE = 0x16,
	ALERT_MS = 1000, /* for our alert to leave */
	NAME_MAX_LEN = 255,
};

struct net_shake {
	struct net_job job; /* first: the pool gives it back */
	struct net_conn *c;
	struct net_tls *tls;
	bool server;
	bool busy;
	bool ask; /* the listener chooses the credentials */
	bool refuse; /* it has none for this name */
	struct buf in;
	struct buf out;
	int ret;
	int error; /* of SSL_get_error() */
	char text[128];
	char name[NAME_MAX_LEN + 1]; /* SNI of the ClientHello */
};

static void step(struct net_conn *c);

bool net_shake_busy(const struct net_conn *c)
{
	return c->shake && c->shake->busy;
}

bool net_conn_tls_waits(const struct net_conn *c)
{
	return net_shake_busy(c) && !c->shake->job.given;
}

bool net_shake_full(const struct net_conn *c)
{
	return buf_len(&c->cipher) >= CIPHER_FULL;
}

void net_shake_cancel(struct net_conn *c)
{
	/* When a thread has it already, after_work() comes all the same. */
	if (net_shake_busy(c) && net_pool_cancel(&c->shake->job))
		c->shake->busy = false;
}

void net_shake_free(struct net_conn *c)
{
	struct net_shake *s = c->shake;

	if (!s)
		return;
	buf_done(&s->in);
	buf_done(&s->out);
	net_tls_unref(s->tls);
	free(s);
	c->shake = NULL;
}

/* --- in the pool --- */

/* The host name of a server_name extension (RFC 6066 section 3), in lower case. False: malformed.
 */
static bool read_name(const unsigned char *ext, size_t len, char ret_name[NAME_MAX_LEN + 1])
{
	if (len < 5 || (size_t)(ext[0] << 8 | ext[1]) != len - 2 || ext[2] != 0)
		return false;
	size_t n = (size_t)(ext[3] << 8 | ext[4]);
	if (n == 0 || n > NAME_MAX_LEN || n != len - 5)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = str_lower((char)ext[5 + i]);
		if (c <= ' ' || c >= 0x7f)
			return false;
		ret_name[i] = c;
	}
	ret_name[n] = '\0';
	return true;
}

int net_shake_client_hello(SSL *ssl, int *ret_alert, void *arg)
{
	struct net_conn *c = SSL_get_ex_data(ssl, net_tls_slot_conn());
	struct net_shake *s = c->shake;
	const unsigned char *ext;
	size_t len;

	if (s->refuse) {
		*ret_alert = SSL_AD_UNRECOGNIZED_NAME;
		return SSL_CLIENT_HELLO_ERROR;
	}
	if (!s->ask)
		return SSL_CLIENT_HELLO_SUCCESS;
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &ext, &len) == 1 &&
		!read_name(ext, len, s->name)) {
		*ret_alert = SSL_AD_DECODE_ERROR;
		return SSL_CLIENT_HELLO_ERROR;
	}
	return SSL_CLIENT_HELLO_RETRY;
}

static void describe(struct net_shake *s)
{
	struct net_conn *c = s->c;
	unsigned long code = ERR_peek_error();

	if (s->refuse)
		snprintf(s->text, sizeof(s->text), "tls: no certificate for the name asked for");
	else if (c->peer.problem && ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED)
		snprintf(s->text, sizeof(s->text), "tls: %s", c->peer.problem);
	else
		net_tls_error(s->text, sizeof(s->text), "tls");
}

static void work(struct net_job *job)
{
	struct net_shake *s = (struct net_shake *)(void *)job;
	struct net_conn *c = s->c;

	c->bio_in = buf_bytes(&s->in);
	size_t before = c->bio_in.len;
	c->bio_out = &s->out;
	ERR_clear_error();
	s->ret = SSL_do_handshake(c->ssl);
	s->error = SSL_get_error(c->ssl, s->ret);
	if (s->error == SSL_ERROR_SSL || s->error == SSL_ERROR_SYSCALL)
		describe(s);
	ERR_clear_error();
	buf_consume(&s->in, before - c->bio_in.len);
	c->bio_in = STRL("");
	c->bio_out = &c->wire;
}

/* --- in the loop --- */

static void fail(struct net_conn *c, const char *text)
{
	char copy[128];

	snprintf(copy, sizeof(copy), "%s", text);
	net_shake_free(c);
	c->tls = NET_CONN_TLS_BROKEN;
	net_conn_drain(c, copy, ALERT_MS);
}

static void choose_credentials(struct net_conn *c)
{
	struct net_shake *s = c->shake;
	struct net_creds *creds = net_listener_creds(c, str_of(s->name));

	s->ask = false;
	s->refuse = !creds || !net_creds_use(c->ssl, creds);
	net_creds_unref(creds);
	step(c);
}

static void succeed(struct net_conn *c)
{
	struct net_shake *s = c->shake;
	const unsigned char *name;
	unsigned len;

	SSL_get0_alpn_selected(c->ssl, &name, &len);
	struct str alpn = str_from(name, len);
	bool named = str_eq(alpn, net_tls_alpn(s->tls));
	if (!named && (s->tls->use == NET_TLS_LINK || alpn.len > 0)) {
		fail(c, "tls: no application protocol");
		return;
	}
	/* What came after the last handshake message is the beginning of the traffic. */
	check(buf_append(&s->in, buf_bytes(&c->cipher)));
	struct buf rest = s->in;
	s->in = c->cipher;
	c->cipher = rest;
	c->tls = NET_CONN_TLS_ON;
	net_loop_heap_changed(c->loop);
	net_shake_free(c);
	net_conn_make_ready(c);
	net_conn_make_dirty(c);
	if (c->state == NET_CONN_ACCEPTED)
		net_listener_tls_done(c);
	else
		c->ops->on_tls(c->user);
}

/* The peer closed, and what it sent before does not make a handshake. */
static void end_if_starved(struct net_conn *c)
{
	if (c->peer_end && c->tls == NET_CONN_TLS_HANDSHAKE && !net_shake_busy(c))
		net_conn_die(c, "closed by peer during the TLS handshake");
}

static void judge(struct net_conn *c)
{
	struct net_shake *s = c->shake;

	if (s->ret == 1)
		succeed(c);
	else if (s->error == SSL_ERROR_WANT_CLIENT_HELLO_CB)
		choose_credentials(c);
	else if (s->error != SSL_ERROR_WANT_READ)
		fail(c, s->text);
	else if (buf_len(&c->cipher) > 0)
		step(c);
	else
		end_if_starved(c);
}

static void after_work(struct net_job *job)
{
	struct net_shake *s = (struct net_shake *)(void *)job;
	struct net_conn *c = s->c;

	s->busy = false;
	if (c->state == NET_CONN_DEAD) {
		/* Still in the list of the dead: it is freed there. */
		if (list_empty(&c->dead))
			net_conn_free(c);
		return;
	}
	if (buf_len(&s->out) > 0) {
		check(buf_append(&c->wire, buf_bytes(&s->out)));
		buf_clear(&s->out, 0);
		net_conn_make_dirty(c);
	}
	judge(c);
	net_conn_rearm(c);
}

static void step(struct net_conn *c)
{
	struct net_shake *s = c->shake;

	check(!s->busy);
	check(buf_append(&s->in, buf_bytes(&c->cipher)));
	buf_clear(&c->cipher, 0);
	s->job.class = c->class;
	s->busy = net_pool_submit(&c->loop->pool, &s->job);
	if (!s->busy)
		net_conn_die(c, "too many TLS handshakes");
}

/* False: not (yet) the beginning of a ClientHello that we want to look at. */
static bool plausible_hello(struct net_conn *c)
{
	struct str head = buf_bytes(&c->cipher);
	const unsigned char *p = (const unsigned char *)head.p;

	if (head.len > 0 && p[0] != RECORD_HANDSHAKE) {
		net_conn_die(c, "tls: plaintext instead of a handshake");
		return false;
	}
	if (head.len < HELLO_HEAD)
		return false;
	unsigned record = (unsigned)(p[3] << 8 | p[4]);
	unsigned long message = (unsigned long)p[6] << 16 | (unsigned long)p[7] << 8 | p[8];
	if (p[1] != 3 || record < 4 || p[5] != 1 || message > HELLO_MAX) {
		net_conn_die(c, "tls: not a ClientHello");
		return false;
	}
	return true;
}

void net_shake_input(struct net_conn *c)
{
	struct net_shake *s = c->shake;

	if (c->tls != NET_CONN_TLS_HANDSHAKE || s->busy)
		return;
	bool hello = !s->server || !SSL_in_before(c->ssl) || plausible_hello(c);
	if (hello && buf_len(&c->cipher) > 0)
		step(c);
	else
		end_if_starved(c);
}

void net_shake_begin(struct net_conn *c)
{
	check(c->tls == NET_CONN_TLS_WAITS);
	if (buf_len(&c->in) > 0)
		return; /* E3: net_flow_resume() ends it */
	c->tls = NET_CONN_TLS_HANDSHAKE;
	if (!c->shake->server)
		step(c);
	else
		net_shake_input(c);
}

static void set_client_names(struct net_conn *c, const struct net_tls *tls, struct str sni)
{
	struct str name = net_tls_alpn(tls);
	unsigned char alpn[32] = { (unsigned char)name.len };

	memcpy(alpn + 1, name.p, name.len);
	check(SSL_set_alpn_protos(c->ssl, alpn, (unsigned)name.len + 1) == 0);
	if (sni.len == 0 || sni.len > NAME_MAX_LEN)
		return;
	char *host = str_dup_c(sni);
	SSL_set_tlsext_host_name(c->ssl, host);
	free(host);
}

static struct net_shake *new_shake(struct net_conn *c, struct net_tls *tls, bool server)
{
	struct net_shake *s = calloc(1, sizeof(*s));

	check(s);
	s->c = c;
	s->job = (struct net_job){ .run = work, .done = after_work, .ours = !server };
	list_init(&s->job.waiting);
	s->tls = net_tls_ref(tls);
	s->server = server;
	/* cipher and one read more; what we send is at most our own chain and a few messages. */
	buf_init(&s->in, 2 * c->cipher.limit);
	buf_init(&s->out, 1024 * 1024);
	return s;
}

void net_shake_prepare(struct net_conn *c, struct net_tls *tls, struct net_creds *creds,
	bool server, struct str sni)
{
	ERR_clear_error();
	c->shake = new_shake(c, tls, server);
	c->ssl = SSL_new(tls->ctx);
	check(c->ssl);
	c->ssl_counted = true;
	memory_take(NET_SSL_BYTES);
	BIO *bio = net_bio_new(c);
	SSL_set_bio(c->ssl, bio, bio);
	SSL_set_ex_data(c->ssl, net_tls_slot_conn(), c);
	SSL_set_ex_data(c->ssl, net_tls_slot_peer(), &c->peer);
	if (server) {
		SSL_set_accept_state(c->ssl);
	} else {
		SSL_set_connect_state(c->ssl);
		set_client_names(c, tls, sni);
	}
	if (creds && !net_creds_use(c->ssl, creds))
		net_conn_die(c, "tls: unusable certificate");
	c->shake->ask = server && !creds;
	c->tls = NET_CONN_TLS_WAITS;
}
