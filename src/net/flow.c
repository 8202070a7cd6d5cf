/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes in and out of a connection. Both ways the common case copies nothing into the
 * connection: input is decrypted from the loop's read buffer to the loop's plaintext
 * buffer, output is sealed into the loop's send buffer. Only what is left over (the
 * program did not use it, the kernel did not take it) goes to buffers of the connection.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>

#include "base/check.h"
#include "net/conn_int.h"

enum {
	TURN_BYTES = 1024 * 1024, /* output of one connection per round: others want to live too */
	END_MS = 1000, /* for our last bytes when the peer ended the connection */
	WIRE_LIMIT = 1024 * 1024, /* answers to a peer's TLS messages that it does not read */
};

/* --- memory --- */

static bool put(struct net_conn *c, struct buf *b, struct str bytes)
{
	spares_take(&c->loop->spares, b);
	return buf_append(b, bytes);
}

/* Whatever waits now may wait for long. Links are few, and fill theirs again at once. */
static void slim(struct net_conn *c)
{
	struct buf *const all[] = { &c->in, &c->cipher, &c->out, &c->wire };

	if (c->class == NET_LINK)
		return;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		spares_give(&c->loop->spares, all[i]);
}

/* --- in --- */

static void broken(struct net_conn *c, const char *what)
{
	char text[160];

	net_tls_error(text, sizeof(text), what);
	c->tls = NET_CONN_TLS_BROKEN;
	net_conn_drain(c, text, END_MS);
}

/* What the program left of new bytes. */
static void keep(struct net_conn *c, struct str bytes)
{
	if (bytes.len == 0)
		return;
	if (!put(c, &c->in, bytes))
		net_conn_die(c, "input limit");
}

/* Gives the program new bytes, after those that it left last time. False: no more now. */
static bool deliver(struct net_conn *c, struct str bytes)
{
	if (buf_len(&c->in) > 0 || c->paused) {
		if (!put(c, &c->in, bytes)) {
			net_conn_die(c, "input limit");
			return false;
		}
		bytes = buf_bytes(&c->in);
	}
	bool kept = buf_len(&c->in) > 0;
	size_t used = c->paused ? 0 : c->ops->on_input(c->user, bytes);
	check(used <= bytes.len);
	if (c->state != NET_CONN_OPEN)
		return false;
	if (kept)
		buf_consume(&c->in, used);
	else
		keep(c, str_skip(bytes, used));
	/* E3: plaintext behind the request for TLS is an attack, or at least a mistake. */
	if (c->tls == NET_CONN_TLS_WAITS && buf_len(&c->in) > 0)
		net_conn_die(c, "tls: plaintext before the handshake");
	return c->state == NET_CONN_OPEN && !c->paused && c->tls != NET_CONN_TLS_WAITS;
}

/* False: SSL_read() would only say so, which costs it a buffer and an entry in the error queue. */
static bool may_read(const struct net_conn *c)
{
	return c->bio_in.len > 0 || SSL_has_pending(c->ssl);
}

/* Decrypts what bio_in holds and delivers it in pieces as large as possible. */
static void pump(struct net_conn *c)
{
	int ret;

	do {
		size_t n = 0;
		/* A record never spills: it is read only when there is room for a whole one. */
		do {
			ERR_clear_error();
			ret = SSL_read(c->ssl, c->loop->plain + n, NET_RECORD);
			n += ret > 0 ? (size_t)ret : 0;
		} while (ret > 0 && n + NET_RECORD <= NET_READ_SIZE && may_read(c));
		int error = ret > 0 ? SSL_ERROR_NONE : SSL_get_error(c->ssl, ret);
		if (n > 0 && !deliver(c, str_from(c->loop->plain, n)))
			break;
		if (error == SSL_ERROR_ZERO_RETURN)
			net_conn_drain(c, "closed by peer", END_MS);
		else if (error != SSL_ERROR_NONE && error != SSL_ERROR_WANT_READ)
			broken(c, "tls");
	} while (ret > 0 && may_read(c));
	if (buf_len(&c->wire) > WIRE_LIMIT)
		net_conn_die(c, "output limit");
	else if (buf_len(&c->wire) > 0)
		net_conn_make_dirty(c);
}

static void pump_bytes(struct net_conn *c, struct str bytes)
{
	if (buf_len(&c->cipher) > 0 || c->paused) {
		if (bytes.len && !put(c, &c->cipher, bytes)) {
			net_conn_die(c, "input limit");
			return;
		}
		if (c->paused)
			return;
		bytes = buf_bytes(&c->cipher);
		c->bio_in = bytes;
		pump(c);
		buf_consume(&c->cipher, bytes.len - c->bio_in.len);
	} else {
		c->bio_in = bytes;
		pump(c);
		if (c->bio_in.len && c->state == NET_CONN_OPEN)
			check(put(c, &c->cipher, c->bio_in));
	}
	c->bio_in.len = 0;
}

static void received(struct net_conn *c, struct str bytes)
{
	if (c->state == NET_CONN_DRAINING)
		return;
	if (c->tls == NET_CONN_TLS_ON) {
		pump_bytes(c, bytes);
	} else if (c->state == NET_CONN_ACCEPTED && c->tls == NET_CONN_PLAIN) {
		check(put(c, &c->cipher, bytes));
		net_listener_first_byte(c);
	} else if (c->tls == NET_CONN_PLAIN) {
		deliver(c, bytes);
	} else if (c->tls != NET_CONN_TLS_BROKEN) {
		if (put(c, &c->cipher, bytes))
			net_shake_input(c);
		else
			net_conn_die(c, "input limit");
	}
	slim(c);
}

/* No more input; what arrived before was delivered. */
static void peer_ended(struct net_conn *c)
{
	bool unclean = c->tls == NET_CONN_TLS_ON;

	net_conn_drain(
		c, unclean ? "closed by peer without close_notify" : "closed by peer", END_MS);
}

static void end_received(struct net_conn *c)
{
	c->peer_end = true;
	if (c->state == NET_CONN_DRAINING)
		net_conn_make_dirty(c);
	else if (c->tls == NET_CONN_TLS_WAITS || c->tls == NET_CONN_TLS_HANDSHAKE)
		net_shake_input(c);
	else if (c->state == NET_CONN_OPEN)
		net_conn_make_ready(c); /* what came before the end is read first */
	else
		peer_ended(c);
}

bool net_flow_receive(struct net_conn *c)
{
	int one = 1;

	if (c->fd < 0 || c->peer_end)
		return false;
	/* Sends an acknowledgement that is due, and no delayed ones for a while: the kernel forgets
	 * this. */
	if (c->setup)
		setsockopt(c->fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof(one));
	ssize_t n = recv(c->fd, c->loop->received, NET_READ_SIZE, 0);
	if (n > 0) {
		c->loop->had_input |= c->class != NET_STRANGER;
		c->loop->input += (size_t)n;
		received(c, str_from(c->loop->received, (size_t)n));
		return c->state != NET_CONN_DEAD;
	}
	if (n == 0)
		end_received(c);
	else if (errno != EAGAIN && errno != EINTR)
		net_conn_die(c, net_errno_text(errno));
	return n < 0 && errno == EINTR && c->state != NET_CONN_DEAD;
}

void net_flow_resume(struct net_conn *c)
{
	if (c->state != NET_CONN_OPEN)
		return;
	if (c->tls == NET_CONN_TLS_WAITS) {
		if (buf_len(&c->in) > 0)
			net_conn_die(c, "tls: plaintext before the handshake");
		return;
	}
	if (c->paused || (c->tls != NET_CONN_PLAIN && c->tls != NET_CONN_TLS_ON))
		return;
	if (buf_len(&c->in) > 0 && !deliver(c, STRL("")))
		return;
	/* Also what OpenSSL keeps inside a record that was not read to its end. */
	if (c->tls == NET_CONN_TLS_ON)
		pump_bytes(c, STRL(""));
	if (c->peer_end && c->state == NET_CONN_OPEN && !c->paused)
		peer_ended(c);
}

/* --- out --- */

static void update_taken(struct net_conn *c)
{
	unsigned done = 0;

	while (done < c->n_marks && c->marks[done].wire <= c->wire_sent)
		c->plain_taken = c->marks[done++].plain;
	c->n_marks -= done;
	memmove(c->marks, c->marks + done, c->n_marks * sizeof(c->marks[0]));
}

/* The number of bytes that the kernel took; less than all: blocked, or the end. */
static size_t send_some(struct net_conn *c, struct str bytes)
{
	size_t sent = 0;

	while (sent < bytes.len) {
		ssize_t n = send(c->fd, bytes.p + sent, bytes.len - sent, MSG_NOSIGNAL);
		if (n >= 0) {
			sent += (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN) {
			c->blocked = true;
			break;
		}
		c->send_error = errno; /* for send_failed(), when the caller has counted */
		break;
	}
	c->wire_sent += sent;
	return sent;
}

/* The peer's last words may say why. They reach the program, which may do anything with the connection. */
static void send_failed(struct net_conn *c)
{
	int error = c->send_error;

	c->send_error = 0;
	while (!c->paused && net_flow_receive(c))
		;
	net_conn_die(c, net_errno_text(error));
}

/*
 * May what waits still leave? Who wrote it was allowed to at that time, and the process may have been stopped since, or
 * the peer not have read for long: the guard cuts what is not ours to send any more.
 */
static bool may_leave(struct net_conn *c, const struct buf *waiting)
{
	if (buf_len(waiting) > 0 && c->class != NET_LINK)
		net_ask_guard(c->loop);
	return buf_len(waiting) > 0 && c->state != NET_CONN_DEAD;
}

static bool send_wire(struct net_conn *c)
{
	if (may_leave(c, &c->wire)) {
		buf_consume(&c->wire, send_some(c, buf_bytes(&c->wire)));
		update_taken(c);
		if (c->send_error)
			send_failed(c);
	}
	return buf_len(&c->wire) == 0 && c->state != NET_CONN_DEAD;
}

static size_t send_clear(struct net_conn *c)
{
	struct str bytes = buf_bytes(&c->out);

	if (bytes.len > TURN_BYTES)
		bytes.len = TURN_BYTES;
	size_t sent = send_some(c, bytes);
	buf_consume(&c->out, sent);
	c->plain_moved += sent;
	c->plain_taken = c->plain_moved;
	if (c->send_error)
		send_failed(c);
	return sent;
}

/* Seals up to NET_BATCH records of out into the loop's buffer. */
static bool seal(struct net_conn *c, struct buf *sealed)
{
	c->bio_out = sealed;
	while (buf_len(&c->out) > 0 && c->n_marks < NET_BATCH) {
		struct str bytes = buf_bytes(&c->out);
		int n = bytes.len < NET_RECORD ? (int)bytes.len : NET_RECORD;
		ERR_clear_error();
		n = SSL_write(c->ssl, bytes.p, n);
		if (n <= 0)
			break;
		buf_consume(&c->out, (size_t)n);
		c->plain_moved += (size_t)n;
		c->marks[c->n_marks].wire = c->wire_sent + buf_len(sealed);
		c->marks[c->n_marks++].plain = c->plain_moved;
	}
	c->bio_out = &c->wire;
	return buf_len(&c->out) == 0 || c->n_marks == NET_BATCH;
}

static size_t send_sealed(struct net_conn *c)
{
	struct buf *sealed = &c->loop->sealed;
	size_t before = buf_len(&c->out);

	if (!seal(c, sealed))
		broken(c, "tls");
	struct str bytes = buf_bytes(sealed);
	size_t sent = send_some(c, bytes);
	update_taken(c);
	if (sent < bytes.len) {
		check(buf_len(&c->wire) == 0);
		check(put(c, &c->wire, str_skip(bytes, sent)));
	}
	buf_clear(sealed, SIZE_MAX);
	size_t moved = before - buf_len(&c->out);
	if (c->send_error)
		send_failed(c);
	return moved;
}

static void send_out(struct net_conn *c)
{
	size_t budget = TURN_BYTES;

	while (!c->blocked && may_leave(c, &c->out)) {
		size_t n;
		if (c->tls == NET_CONN_TLS_ON)
			n = send_sealed(c);
		else if (c->tls == NET_CONN_PLAIN)
			n = send_clear(c);
		else
			return;
		if (n >= budget) {
			net_conn_make_dirty(c);
			return;
		}
		budget -= n;
	}
}

static void drain(struct net_conn *c)
{
	bool stuck = c->tls == NET_CONN_TLS_BROKEN;

	if (buf_len(&c->wire) > 0 || (buf_len(&c->out) > 0 && !stuck))
		return;
	if (c->tls == NET_CONN_TLS_ON && !c->notified) {
		c->notified = true;
		ERR_clear_error();
		SSL_shutdown(c->ssl);
		if (!send_wire(c))
			return;
	}
	if (c->state == NET_CONN_DRAINING)
		net_conn_drained(c);
}

void net_flow_flush(struct net_conn *c)
{
	if (c->fd < 0 || c->blocked || c->state == NET_CONN_CONNECTING)
		return;
	if (send_wire(c)) {
		if (c->tls == NET_CONN_TLS_WAITS)
			net_shake_begin(c);
		send_out(c);
	}
	slim(c);
	if (c->plain_taken > c->plain_told && c->ops && c->state != NET_CONN_DEAD) {
		c->plain_told = c->plain_taken;
		c->ops->on_taken(c->user, c->plain_taken);
	}
	if (c->state == NET_CONN_DRAINING)
		drain(c);
}
