/* SPDX-License-Identifier: Apache-2.0 */
#include "conn.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/check.h"

bool address_parse(const char *text, struct address *ret_address)
{
	char host[128];
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;
	if (!colon || n >= sizeof(host))
		return false;
	bool bracket = n > 2 && text[0] == '[' && text[n - 1] == ']';
	snprintf(host, sizeof(host), "%.*s", (int)(bracket ? n - 2 : n), text + bracket);
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *info;
	if (getaddrinfo(host, colon + 1, &hints, &info))
		return false;
	memcpy(&ret_address->sa, info->ai_addr, info->ai_addrlen);
	ret_address->len = info->ai_addrlen;
	freeaddrinfo(info);
	return true;
}

static void arm(struct conn *c)
{
	bool out = c->want_out || !conn_idle(c);
	if (out == c->out_armed)
		return;
	struct epoll_event ev = { .events = EPOLLIN | (out ? EPOLLOUT : 0), .data.ptr = c };
	check(epoll_ctl(c->epoll, EPOLL_CTL_MOD, c->fd, &ev) == 0);
	c->out_armed = out;
}

void conn_open(struct conn *c, int epoll, int fd)
{
	int on = 1;
	*c = (struct conn){ .fd = fd, .epoll = epoll };
	buf_init(&c->in, CONN_SETUP_MAX);
	buf_init(&c->out, CONN_SETUP_MAX);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
	check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) == 0);
}

void conn_close(struct conn *c)
{
	if (c->fd < 0)
		return;
	SSL_free(c->ssl);
	c->ssl = NULL;
	close(c->fd);
	c->fd = -1;
	buf_done(&c->in);
	buf_done(&c->out);
}

void conn_want_out(struct conn *c, bool want)
{
	c->want_out = want;
	arm(c);
}

void conn_start_tls(struct conn *c, SSL_CTX *ctx, bool server, char *name)
{
	static const unsigned char alpn[] = "\x0bxmpp-server";
	c->ssl = SSL_new(ctx);
	check(c->ssl);
	SSL_set_fd(c->ssl, c->fd);
	if (server) {
		SSL_set_accept_state(c->ssl);
	} else {
		SSL_set_connect_state(c->ssl);
		SSL_set_tlsext_host_name(c->ssl, name);
		SSL_set_alpn_protos(c->ssl, alpn, sizeof(alpn) - 1);
	}
	c->handshaking = true;
	buf_clear(&c->in, 0);
}

int conn_handshake(struct conn *c)
{
	ERR_clear_error();
	int n = SSL_do_handshake(c->ssl);
	if (n == 1) {
		c->handshaking = false;
		conn_want_out(c, false);
		return 1;
	}
	int why = SSL_get_error(c->ssl, n);
	conn_want_out(c, why == SSL_ERROR_WANT_WRITE);
	return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

int conn_read(struct conn *c, char *p, int n)
{
	if (c->ssl) {
		ERR_clear_error();
		int got = SSL_read(c->ssl, p, n);
		if (got > 0)
			return got;
		int why = SSL_get_error(c->ssl, got);
		return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
	}
	int on = 1;
	setsockopt(c->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
	ssize_t got = recv(c->fd, p, (size_t)n, 0);
	if (got > 0)
		return (int)got;
	return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

/* Bytes taken, 0 for none now, -1 on failure. TLS takes all or nothing. */
static int send_some(struct conn *c, struct str s)
{
	if (c->ssl) {
		ERR_clear_error();
		int n = SSL_write(c->ssl, s.p, (int)s.len);
		if (n > 0)
			return n;
		int why = SSL_get_error(c->ssl, n);
		return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
	}
	ssize_t n = send(c->fd, s.p, s.len, MSG_NOSIGNAL);
	if (n >= 0)
		return (int)n;
	return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

bool conn_flush(struct conn *c)
{
	while (!conn_idle(c)) {
		int n = send_some(c, buf_bytes(&c->out));
		if (n < 0)
			return false;
		if (n == 0)
			break;
		buf_consume(&c->out, (size_t)n);
	}
	arm(c);
	return true;
}

bool conn_write(struct conn *c, struct str s)
{
	if (conn_idle(c)) {
		int n = send_some(c, s);
		if (n < 0)
			return false;
		if ((size_t)n == s.len)
			return true;
		s = str_skip(s, (size_t)n);
	}
	if (!buf_append(&c->out, s))
		return false;
	arm(c);
	return true;
}

static int accept_any(X509_STORE_CTX *store, void *unused)
{
	return 1;
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
	const unsigned char *in, unsigned in_len, void *unused)
{
	*out = in + 1;
	*out_len = in[0];
	return SSL_TLSEXT_ERR_OK;
}

SSL_CTX *tls_context(bool server, const char *certificate, const char *key, bool ask_certificate)
{
	SSL_CTX *ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	check(ctx);
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_options(
		ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_cert_verify_callback(ctx, accept_any, NULL);
	SSL_CTX_set_verify(
		ctx, ask_certificate || !server ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	if (server)
		SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, NULL);
	if (certificate &&
		(SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1 ||
			SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)) {
		fprintf(stderr, "sallyport-load: cannot load %s and %s\n", certificate, key);
		ERR_print_errors_fp(stderr);
		SSL_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}
