/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TCP connection with optional TLS, plaintext on our side. Reads are batched, writes
 * collected over one loop turn and sent as few TLS records and one write. TLS handshakes
 * run in the thread pool. TCP_NODELAY always; TCP_QUICKACK re-armed before each read while
 * net_conn_setup() is on (from the start): a peer that keeps Nagle's algorithm does not wait for our
 * acknowledgement meanwhile, and a busy connection does not pay for it.
 *
 * Callbacks come from the loop only, never inside a call of this interface. on_closed comes
 * exactly once, last; the object is freed after it.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include "base/buf.h"
#include "net/addr.h"
#include "net/loop.h"
#include "net/tls.h"

struct net_conn;
struct net_listener;

/* Whose handshakes wait for whom: see net_conn_set_class(). */
enum net_class { NET_STRANGER, NET_KNOWN, NET_LINK, NET_CLASSES };

struct net_conn_ops {
	/* Connected (outgoing only), before any TLS. */
	void (*on_connected)(void *user);
	/* The TLS handshake that was started is done. */
	void (*on_tls)(void *user);
	/* Plaintext arrived. Returns how many bytes were used; the rest is kept and given again
	 * with more or after net_conn_pause(c, false). */
	size_t (*on_input)(void *user, struct str bytes);
	/* The kernel has taken this many bytes of net_conn_write(), in all, and more than last
	 * time. */
	void (*on_taken)(void *user, uint64_t total);
	/* text: static or valid during the call; e.g. "connection refused", "tls: certificate
	 * required". */
	void (*on_closed)(void *user, const char *text);
};

/*
 * Listens. on_accept runs per connection: it calls net_conn_attach() or net_conn_abort().
 * first_byte: with NET_ACCEPT_DETECT the connection is handed over after its first byte is known:
 * direct_tls is true for 0x16, and creds_for has chosen the credentials by SNI (empty: none sent)
 * and TLS was done already. Accepting pauses at descriptor exhaustion and goes on when a connection
 * closes.
 */
struct net_listen_settings {
	struct net_addr addr;
	struct net_tls *tls; /* for direct TLS; counted */
	bool tls_only; /* refuse anything that is not a ClientHello */
	bool detect; /* take both, by the first byte */
	unsigned handshake_ms; /* direct TLS and first byte: 10000 */
	unsigned max_conns; /* of this listener, 0: no limit */
	/*
	 * NULL: everybody may come. Otherwise called for each connection before anything is read: NULL closes it at
	 * once; what it returns is kept with the connection (net_conn_pass()) and given to leave() when its
	 * descriptor is free again, or when the listener closes before.
	 */
	void *(*enter)(void *user, const struct net_addr *from);
	void (*leave)(void *user, void *pass);
	/* NULL: strangers. Of the handshakes of this connection. */
	enum net_class (*class_of)(void *user, void *pass);
	/* NULL: always. Before the handshake of direct TLS. */
	bool (*may_shake)(void *user, void *pass);
	/* Returns credentials (a reference for the caller to drop) or NULL: alert
	 * unrecognized_name. */
	struct net_creds *(*creds_for)(void *user, struct str sni);
	void (*on_accept)(void *user, struct net_conn *c, bool direct_tls);
	void *user;
};
/* NULL and a message on failure. */
struct net_listener *net_listen(struct net_loop *loop, const struct net_listen_settings *settings,
	char *err, size_t err_size);
void net_listener_close(struct net_listener *l);
/* Where it listens: the port that the kernel chose when 0 was asked for. */
const struct net_addr *net_listener_addr(const struct net_listener *l);
/* New TLS context after a reload. */
void net_listener_set_tls(struct net_listener *l, struct net_tls *tls);

/* Tries the addresses in order, each for attempt_ms; on_connected or on_closed follows. n at
 * most 16. */
struct net_conn *net_connect(struct net_loop *loop, const struct net_addr *addrs, size_t n,
	unsigned attempt_ms, const struct net_conn_ops *ops, void *user);

/*
 * Two connections, each the other's peer, for bytes that do not come from a socket: what is written to one comes out of
 * the other, with TLS where it is started. Both wait for net_conn_attach(). name stands for the address.
 * False when there are no descriptors left.
 */
bool net_couple(struct net_loop *loop, const char *name, struct net_conn *ret[2]);

/* Takes over an accepted connection: reading starts. Or hands a connected one to another owner. */
void net_conn_attach(struct net_conn *c, const struct net_conn_ops *ops, void *user);

/* Appends plaintext. Output is flushed at the end of the loop turn. A closing connection ignores
 * it. */
void net_conn_write(struct net_conn *c, struct str bytes);
/* The same without a copy: append to this buffer, then call net_conn_wrote(). NULL when closing. */
struct buf *net_conn_out(struct net_conn *c);
void net_conn_wrote(struct net_conn *c);
/*
 * From now on it waits two milliseconds for more to send while the loop flushes such connections more than a thousand
 * times a second: for where each flush costs much.
 */
void net_conn_gather(struct net_conn *c);
/* Bytes written and not yet taken by the kernel. */
size_t net_conn_backlog(const struct net_conn *c);

/*
 * After what was written so far is with the kernel, TLS starts. Plaintext that the peer sent before
 * the handshake and that on_input did not use closes the connection (E3). creds may be NULL for a
 * client. sni: A-label, for a client. tls and creds are counted.
 */
void net_conn_start_tls(struct net_conn *c, struct net_tls *tls, struct net_creds *creds,
	bool server, struct str sni);

/* Before net_conn_start_tls(): a stranger's handshake may be refused when too many wait, and those of the known and of
 * links come first. Outgoing connections are of the known, unless this says otherwise. */
void net_conn_set_class(struct net_conn *c, enum net_class class);

/* While paused no input is read from the kernel and on_input is not called. */
void net_conn_pause(struct net_conn *c, bool paused);
/* From now on nothing is read from it while the loop is held (net_loop_hold()), or others have waited for longer. */
void net_conn_yield(struct net_conn *c);
void net_conn_setup(struct net_conn *c, bool setting_up);

/* Flushes (for at most linger_ms), sends close_notify, closes; waits up to a second for the peer to
 * do the same. No input comes any more, on_taken still may. In the middle of a handshake it is
 * net_conn_abort(). */
void net_conn_close(struct net_conn *c, unsigned linger_ms);
/* Closes at once. on_closed still follows. */
void net_conn_abort(struct net_conn *c);
/*
 * Ends, and what the kernel has not taken is dropped, also of a connection that closes. What it has still arrives: the
 * peer has ten seconds to read it.
 */
void net_conn_cut(struct net_conn *c);
/* Likewise, and nothing that the kernel has of it is sent any more. */
void net_conn_reset(struct net_conn *c);
/*
 * Does nothing come through to the peer's kernel? True when ours has something for it, two retransmission timeouts or
 * more have passed in vain (so this scales with the round-trip time), and nothing that acknowledges came for
 * silent_ms. False for what is no TCP socket.
 */
bool net_conn_is_mute(const struct net_conn *c, unsigned silent_ms);

const char *net_conn_peer(const struct net_conn *c); /* address as text */
const struct net_addr *net_conn_peer_addr(const struct net_conn *c);
void *net_conn_pass(
	const struct net_conn *c); /* of the listener's enter(); NULL when there is none */

/* Does its handshake wait for a thread, after what came from the peer? */
bool net_conn_tls_waits(const struct net_conn *c);
/* "TLSv1.3" or NULL. */
const char *net_conn_tls_version(const struct net_conn *c);
const char *net_conn_cipher(const struct net_conn *c);

enum net_cert { NET_CERT_NONE, NET_CERT_BAD, NET_CERT_VALID };
/*
 * The peer's certificate against an A-label domain: chain trusted by the context, time valid,
 * purpose server in both roles (EKU absent, anyExtendedKeyUsage or serverAuth; clientAuth alone is
 * bad), identity by DNS-ID (whole-label wildcard, one level), SRV-ID _xmpp-server., bare-domain
 * XmppAddr; never CN (doc/conformance.md E9 to E11, doc/threats.md D9 to D13). *ret_why: static text.
 */
enum net_cert net_conn_certificate(
	const struct net_conn *c, struct str ascii_domain, const char **ret_why);
/*
 * Verifies the chain again, by what this context trusts now (tls: as in net_conn_start_tls()) and the
 * present time. What net_conn_certificate() says may change.
 */
void net_conn_verify_again(struct net_conn *c, const struct net_tls *tls);
/* When the first certificate of the peer's chain runs out, seconds since 1970; 0: no certificate. */
long long net_conn_cert_end(const struct net_conn *c);
/* SHA-256 of the peer's public key (SubjectPublicKeyInfo) and of its certificate; false: it has none. */
bool net_conn_cert_digests(
	const struct net_conn *c, unsigned char ret_key[32], unsigned char ret_cert[32]);
/* Link only: does the verified peer certificate name exactly this node id (a DNS-ID)? */
bool net_conn_is_node(const struct net_conn *c, struct str node_id);
/* SHA-256 of the peer's certificate in hex, or empty. */
void net_conn_cert_hash(const struct net_conn *c, char ret_hex[65]);

#endif
