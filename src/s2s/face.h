/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One face of a node: everything that is server-to-server XMPP (RFC 6120, XEP-0220,
 * XEP-0178, XEP-0368) towards the foreign servers (in outer) or the local servers (in
 * inner). Pure: bytes and time come in through the calls below, everything else leaves
 * through struct s2s_ops. It owns the streams, the pairs with their queues and retries,
 * the proofs, the stanza rules.
 *
 * "us" is the domain that this face plays, "them" the domain of the server it talks to:
 * in outer us is a local domain and them a foreign one, in inner the reverse.
 * All domains at this interface are prepared (jid/jid.h).
 *
 * Incoming streams carry them -> us, outgoing streams us -> them; where both sides know XEP-0288 and the rule
 * permits it, either carries both. Outgoing: one stream a pair, opened by the first s2s_send() or
 * s2s_open() when no incoming one can carry it. A component's stream (XEP-0114) is outgoing, always there, and carries
 * both directions of many pairs.
 *
 * A callback of the part "upward" may call s2s_send(), s2s_open(), s2s_revoke(), s2s_resume() and
 * s2s_handled(); no callback may call anything else of this interface. Strings given to
 * callbacks are valid during the call. A malformed address in `to` is answered by the face
 * (jid-malformed, RFC 6120 section 8.3.3.8); what an iq must contain (C6) is checked by record/record.h.
 */
#ifndef S2S_FACE_H
#define S2S_FACE_H

#include "base/excerpt.h"
#include "base/json.h"
#include "base/rate.h"
#include "jid/jid.h"
#include "xml/reader.h"
#include "xml/tree.h"

struct s2s_face;
struct s2s_stream;

/* How them was authenticated. X(enumerator, name) */
#define S2S_PROOFS(X)                                                                              \
	X(S2S_PROOF_NONE, "none")                                                                  \
	X(S2S_PROOF_PKIX, "pkix")                                                                  \
	X(S2S_PROOF_DIALBACK, "dialback")                                                          \
	X(S2S_PROOF_DANE, "dane")                                                                  \
	X(S2S_PROOF_POSH, "posh")                                                                  \
	X(S2S_PROOF_PIN, "pin")                                                                    \
	X(S2S_PROOF_SECRET, "secret") /* a component's: they know it, and so do we */
enum s2s_proof {
#define X(id, name) id,
	S2S_PROOFS(X)
#undef X
};
const char *s2s_proof_name(enum s2s_proof p);

/* What the configuration says of a pair. */
struct s2s_rule {
	bool allowed; /* false: the pair may not exist (policy, relay, unknown domain) */
	bool tls_required;
	bool accept_certificate; /* some proof that a certificate can give */
	bool accept_dialback;
	bool redirect; /* see-other-host is followed (RFC 6120 section 4.9.3.19) */
	bool share; /* the pair may use another pair's stream to the same address (XEP-0220 section 2.6) */
	bool bidi; /* one stream may carry both directions (XEP-0288) */
	/*
	 * Not empty: the pair goes by a component's stream (XEP-0114) and by nothing else. It is the stream of us with
	 * this domain of theirs, and of all others whose rule names the same one. See s2s_keep().
	 */
	struct str component;
};

enum s2s_cert {
	S2S_CERT_NONE, /* the peer showed none */
	S2S_CERT_BAD, /* proves nothing */
	S2S_CERT_DENIED, /* is known not to be theirs: on an outgoing stream nothing else may help */
	S2S_CERT_LATER, /* s2s_proved() follows */
	S2S_CERT_VALID,
};

/* What one proof said of a certificate; words are static. */
struct s2s_said {
	enum s2s_proof proof;
	const char *word; /* yes, no, denies, silent, pending */
	const char *why; /* or NULL */
};

/* The answer about a certificate, with the record of how it came about. */
struct s2s_certified {
	enum s2s_cert cert;
	enum s2s_proof proof; /* valid: the strongest one that holds */
	const char *why; /* not valid: static, or NULL */
	unsigned n_said;
	struct s2s_said said[4];
};

/* Why a pair cannot be reached; decides the stanza error (RFC 6120 section 10.4.3). */
enum s2s_failure {
	S2S_NOT_FOUND, /* name does not exist, SRV ".", nothing listens */
	S2S_TIMEOUT, /* connect, TLS, certificate, dialback, SASL, deadline */
	S2S_REFUSED, /* our rule forbids the pair */
	S2S_FULL, /* the pair's queue is full: this stanza only */
	S2S_AGED, /* it waited too long while the stream is slow: this stanza only */
	S2S_DOUBTFUL, /* twice a stream ended before they acknowledged it: this stanza only */
	S2S_TOO_BIG, /* larger than they say they take (XEP-0478): this stanza only */
};

/* A stanza that is one too many of its kind. X(enumerator, name of the limit, text for the sender) */
#define S2S_EXCESSES(X)                                                                            \
	X(S2S_EXCESS_NONE, "none", "")                                                             \
	X(S2S_EXCESS_RECIPIENTS, "pair recipients", "too many different recipients")               \
	X(S2S_EXCESS_REQUESTS, "pair requests", "too many subscription requests or invitations")   \
	X(S2S_EXCESS_JOINS, "pair joins", "too many rooms joined")
enum s2s_excess {
#define X(id, name, text) id,
	S2S_EXCESSES(X)
#undef X
		S2S_EXCESS_COUNT
};
const char *s2s_excess_text(enum s2s_excess e);

/* Handed to the program per accepted stanza; valid during the call. */
struct s2s_stanza {
	struct str us;
	struct str them;
	enum s2s_proof proof;
	struct xml_node *node; /* first-level element in jabber:server: message, presence or iq */
	struct jid from; /* prepared; its domain is them */
	struct jid to; /* prepared; its domain is us */
	struct str lang; /* xml:lang of the stream header, or empty */
	struct arena *arena; /* may be used until the callback returns */
	enum s2s_excess excess; /* not NONE: to be refused with resource-constraint */
	uint64_t receipt; /* for s2s_handled(); 0: the peer asks for no acknowledgements */
};

/* Names a stanza given to s2s_send() towards the program; channel 0: nobody waits for it. */
struct s2s_token {
	uint64_t channel;
	uint64_t seq;
};

/*
 * For an error that is the end of a stanza which was accepted, or which is acknowledged as if it were: nothing else
 * will be heard of it, so there is room for it beyond the limits of the queue.
 */
#define S2S_OWED ((struct s2s_token){ .channel = 0, .seq = 1 })

static inline bool s2s_is_owed(struct s2s_token t)
{
	return t.channel == 0 && t.seq > 0;
}

/* Why a domain could not be reached: what senders are told, and what the operator can do. All static. */
struct s2s_why {
	enum s2s_failure failure;
	const char *step; /* a word, for the log and the status */
	const char *text;
	const char *cure;
};

/* One event for the log and `sallyport status`; strings valid during the call. */
struct s2s_event {
	const char *
		event; /* stream-open, stream-closed, pair-valid, pair-failed, stanza-refused, ... */
	bool warning;
	bool incoming;
	struct str us;
	struct str them;
	const char *reason; /* static word of the close_reason table, or NULL */
	struct str text; /* peer's or library's text; to be escaped */
	const char *cure; /* what the operator can do about reason, or NULL */
	enum s2s_proof proof;
	const char *tls; /* protocol version, or NULL */
	const struct s2s_certified *certified; /* how a proof was judged, or NULL */
	void *transport; /* of the stream, or NULL */
	uint64_t stream; /* number of the stream in this process */
};

struct s2s_ops {
	/* --- decisions; cheap, called often --- */
	/* Do we speak for this domain on this face? (outer: a configured local domain) */
	bool (*plays)(void *user, struct str us);
	struct s2s_rule (*rule)(void *user, struct str us, struct str them);
	/* XEP-0185: key for the stream with this id, as 64 hex digits; to is the receiving domain. */
	void (*dialback_key)(
		void *user, struct str to, struct str from, struct str id, char ret_hex[65]);
	/* XEP-0114: what proves on the stream with this id that we are the component us of their server, as 40 hex
	 * digits. False: there is no secret. NULL: there are no components. */
	bool (*handshake)(
		void *user, struct str us, struct str them, struct str id, char ret_hex[41]);
	/* Are there credentials with which TLS can be served as this domain? Empty: the peer named none. */
	bool (*credentials)(void *user, struct str us);
	/* Constant-time check with all secrets that are still valid. */
	bool (*dialback_check)(
		void *user, struct str to, struct str from, struct str id, struct str key);
	/* Fencing: may stanzas with this token still be written? (only asked for channel != 0) */
	bool (*may_write)(void *user, struct s2s_token token);

	/* --- transport; none of these calls back into the face before it returns --- */
	/* Resolve and connect for an outgoing stream: answered by s2s_connected() or s2s_connect_failed(). */
	void (*connect)(void *user, struct s2s_stream *s, struct str us, struct str them);
	/* Gives up a connect() that was not answered yet; s may not be used any more. */
	void (*cancel)(void *user, struct s2s_stream *s);
	/* Appends plaintext to the connection's output. */
	void (*write)(void *user, void *transport, struct str bytes);
	/*
	 * Starts TLS: as server with the certificate for us, or as client with SNI for them and
	 * the certificate for us. Bytes written before leave in clear first. Input that came
	 * before is thrown away or ends the connection (E3). Answered by s2s_tls_done() or s2s_closed().
	 */
	void (*start_tls)(void *user, void *transport, bool server, struct str us, struct str them);
	/*
	 * Does the peer's certificate (inside TLS) prove that it is them, by a proof that the configuration
	 * accepts for the pair? S2S_CERT_LATER: the answer needs the network; s2s_proved() of the stream
	 * follows, and the question will be asked again. *ret is all zero before.
	 */
	void (*certificate)(void *user, void *transport, struct str us, struct str them,
		struct s2s_certified *ret);
	const char *(*tls_version)(void *user, void *transport);
	void (*pause)(void *user, void *transport, bool paused);
	/* Flushes output (up to a few seconds), closes; s2s_closed() follows. */
	void (*close)(void *user, void *transport);

	/*
	 * The end at once: what was written and the kernel has not taken must not leave any more. all: nor what the
	 * kernel has. s2s_closed() follows.
	 */
	void (*cut)(void *user, void *transport, bool all);

	/*
	 * Stanzas on this transport wait to be acknowledged, and for a second nothing came. True: the other
	 * side's kernel does not take them either, somebody else can deliver them, and the connection is gone
	 * with all that the kernel holds of it; s2s_closed() follows, and they come back through unsent().
	 * NULL: never.
	 */
	bool (*give_up)(void *user, void *transport);

	/* --- upward --- */
	/* A stream header or dialback key named this pair (rule: allowed): open the far leg early. */
	void (*pair_named)(void *user, struct str us, struct str them);
	/* False: no room; this stream stops being read until s2s_resume() of the pair. The stanza is taken; its
	 * receipt is due when the next hop has it, or its error is queued: see s2s_handled(). */
	bool (*stanza)(void *user, const struct s2s_stanza *stanza);
	/* The next hop has this stanza: the kernel took all its bytes or, where both sides know XEP-0198, they
	 * acknowledged it. */
	void (*sent)(void *user, struct str us, struct str them, struct s2s_token token);
	/* The pair cannot be reached now: everything queued was dropped and must be bounced or moved. Nothing of
	 * it is with the kernel any more: what was written is given back only when its connection is gone.
	 * One call per queued stanza with channel 0 or not; text is static: the step that failed. */
	void (*unsent)(void *user, struct str us, struct str them, struct s2s_token token,
		enum s2s_failure failure, const char *text);
	void (*event)(void *user, const struct s2s_event *e);
	/*
	 * An outgoing stream on this transport ended before it was ready. True when the look-up that led to it
	 * found further addresses: the next connect() of the pair will try them, and nothing is given back yet.
	 * NULL: never.
	 */
	bool (*another)(void *user, void *transport);
	/*
	 * The server on this transport says that the pair is served at this host (peer's text). True when the
	 * next connect() of the pair will try there; another() is asked all the same. NULL: never.
	 */
	bool (*redirect)(void *user, void *transport, struct str host);
	/* What the features of an outgoing stream, which is not authenticated yet, hold. NULL: nobody cares. */
	void (*offered)(void *user, bool starttls, bool external, bool dialback);
	/* A key came on this transport: may its address make us ask about one more? NULL: always. */
	bool (*may_ask)(void *user, void *transport);
	/* We ask about it: the domain's servers, or what others say of the certificate. NULL: nobody counts. */
	void (*asks)(void *user, void *transport);
	/* Somebody asks about a key that we are said to have made: may its address ask for that? NULL: always. */
	bool (*may_answer)(void *user, void *transport);
	/* Does the handshake wait for a thread of this node? Its time begins anew. NULL: no. */
	bool (*tls_waits)(void *user, void *transport);
};

/* Of what one pair brings in; all zero: no limits. */
struct s2s_traffic_limits {
	struct rate_limit stanzas;
	struct rate_limit bytes;
	struct rate_limit requests; /* subscriptions and invitations */
	struct rate_limit joins;
	unsigned recipients; /* different ones in a minute */
};

struct s2s_settings {
	const struct xml_dict *dict;
	struct xml_limits early; /* before authentication */
	struct xml_limits limits;
	unsigned header_ms; /* 10000, also for features */
	unsigned tls_ms; /* 10000 */
	unsigned auth_ms; /* 10000 */
	unsigned prove_ms; /* 5000: for an answer that ops->certificate left open */
	unsigned connect_ms; /* 30000: all addresses together */
	unsigned stanza_ms; /* 30000 from a stanza's first byte */
	unsigned close_ms; /* 5000 */
	unsigned
		idle_ms; /* 300000: whitespace keepalive on outgoing streams; twice: incoming is closed */
	unsigned write_ms; /* 60000 without progress of a write */
	unsigned ack_ms; /* 180000 without progress of acknowledgements that were asked for */
	unsigned retry_min_ms; /* 1000, doubled per failure, randomised */
	unsigned retry_max_ms; /* 120000 */
	unsigned queue_stanzas; /* 1024 a pair */
	size_t queue_bytes; /* 4 MiB a pair */
	unsigned queue_age_ms; /* 60000 */
	unsigned pairs_per_stream; /* 64 */
	unsigned verifies_per_stream; /* 16 */
	unsigned verifies_per_pair; /* 32 */
	unsigned verifies_max; /* 1024: open ones of all streams */
	unsigned streams_max; /* 20000 */
	struct s2s_traffic_limits traffic;
	struct rate_limit destinations; /* streams opened for the stanzas of one of our domains */
	bool manage_in; /* streams of theirs may have acknowledgements (XEP-0198) */
	bool manage_out; /* ours ask for them where they are offered */
	bool flush; /* spaces behind long stanzas, see s2s/flush.h; off */
};
extern const struct s2s_settings s2s_settings_default;

struct s2s_face *s2s_face_new(
	const struct s2s_settings *settings, const struct s2s_ops *ops, void *user);
/* All transports must be closed already. */
void s2s_face_free(struct s2s_face *f);

/* --- transport events --- */

/* A connection was accepted. direct_tls: TLS is already done (XEP-0368). NULL: refused, close it. */
struct s2s_stream *s2s_accept(struct s2s_face *f, void *transport, bool direct_tls, uint64_t now);
void s2s_connected(struct s2s_stream *s, void *transport, bool direct_tls, uint64_t now);
/*
 * The connection that connect() is about would lead to the very address to which host, another outgoing stream, was
 * connected. True: the pair uses host, s is invalid. False: it may not, connect.
 */
bool s2s_join(struct s2s_stream *s, struct s2s_stream *host, uint64_t now);
/*
 * What connect() began waits for its turn in this node: the time for it begins when that is over. May be called inside
 * connect().
 */
void s2s_connect_waits(struct s2s_stream *s, bool waits, uint64_t now);
/* text is static. s is invalid afterwards. */
void s2s_connect_failed(struct s2s_stream *s, const struct s2s_why *why, uint64_t now);
void s2s_tls_done(struct s2s_stream *s, uint64_t now);
/* ops->certificate answered S2S_CERT_LATER on this stream, and now knows more. */
void s2s_proved(struct s2s_stream *s, uint64_t now);
/*
 * Time has passed or trust has changed: judges what the stream's certificate proves again, with
 * ops->certificate, and ends what it does not prove any more.
 */
void s2s_judge_again(struct s2s_stream *s, uint64_t now);
/* Returns how many bytes were used: all, unless the stream was paused. */
size_t s2s_input(struct s2s_stream *s, struct str bytes, uint64_t now);
/* The kernel has now taken this many of the bytes given to ops->write on this transport, in all. */
void s2s_taken(struct s2s_stream *s, uint64_t total, uint64_t now);
/* The connection is gone (text: static or valid during the call). s is invalid afterwards. */
void s2s_closed(struct s2s_stream *s, const char *text, uint64_t now);
/* True while the stream is being set up: TCP_QUICKACK is worth re-arming. */
bool s2s_setting_up(const struct s2s_stream *s);
/* The stream was ready once: a domain was proved on it. One that ends without is not being set up any more either. */
bool s2s_was_ready(const struct s2s_stream *s);
/* Do stanzas go both ways on it (XEP-0288, XEP-0114)? */
bool s2s_is_bidi(const struct s2s_stream *s);

/* --- traffic --- */

/*
 * Queues one stanza us -> them, already canonical XML. Opens the stream when there is none. False
 * when the pair's queue is full (for S2S_OWED: fuller than its limits) or the pair failed so recently that it is not
 * tried yet; *ret_failure and *ret_text say which stanza error fits (S2S_FULL: this stanza only).
 */
bool s2s_send(struct s2s_face *f, struct str us, struct str them, struct str xml,
	struct s2s_token token, uint64_t now, enum s2s_failure *ret_failure, const char **ret_text);
/* Opens the pair's outgoing stream if there is none and no retry delay runs. */
void s2s_open(struct s2s_face *f, struct str us, struct str them, uint64_t now);
/*
 * The rule's component for this pair is them: opens its stream now, and again whenever it has ended, until
 * s2s_rejudge() finds that the rule wants it no more. Does nothing for other pairs, and when it is done already.
 */
void s2s_keep(struct s2s_face *f, struct str us, struct str them, uint64_t now);
/*
 * Drops silently what is queued with tokens of this channel. If some of it is written and not with the kernel, it does
 * not leave either: the stream is cut, and what it carried for others goes on the next one.
 */
void s2s_revoke(struct s2s_face *f, struct str us, struct str them, uint64_t channel);
/* The stanza with this receipt is with the next hop, or its error is queued. 0 and receipts of the past do nothing. */
void s2s_handled(struct s2s_face *f, uint64_t receipt);
/* Reads again from the streams that ops->stanza stopped for this pair. */
void s2s_resume(struct s2s_face *f, struct str us, struct str them, uint64_t now);

/*
 * Memory is short: from now on a queue that is long already takes nothing more but what is owed (S2S_FULL), and little
 * of that, until memory is said to be enough.
 */
void s2s_set_short(struct s2s_face *f, bool memory_short);
/*
 * Gives back what it kept for later, then ends the streams that hold most, the biggest first, until about so many bytes
 * are free; those that hold little stay. Returns how many bytes.
 */
size_t s2s_relieve(struct s2s_face *f, size_t bytes, uint64_t now);

/* --- time, reload, end --- */
/* At the end of a loop turn: writes acknowledgements, and asks for them, once for all stanzas of the turn. */
void s2s_flush(struct s2s_face *f, uint64_t now);
void s2s_tick(struct s2s_face *f, uint64_t now);
uint64_t s2s_deadline(const struct s2s_face *f); /* UINT64_MAX: none */
/* After a reload: judges all pairs again with ops->plays and ops->rule; closes what may not stay.
 * Certificates are looked at by s2s_judge_again(). */
void s2s_rejudge(struct s2s_face *f, uint64_t now);
/* New limits and deadlines from now on (dict may not change). */
void s2s_set_settings(struct s2s_face *f, const struct s2s_settings *settings);
/*
 * The first half of the end: nothing new is taken. Ready incoming streams get the end tag, and stanzas on them count
 * until the peer's; new ones are refused, unless a key of ours is with their domain: then no pair becomes valid on
 * them, but questions about that key are answered. Outgoing streams stay: what has a token is still written where the
 * stream is ready and goes back where it is not, and what has none (an error for a sender) may even open one.
 */
void s2s_drain(struct s2s_face *f, uint64_t now);
/* Is a key of ours with somebody, who may have to connect to us to ask about it? */
bool s2s_awaits_questions(const struct s2s_face *f);
/* Is there a stream that may bring stanzas? */
bool s2s_takes_stanzas(const struct s2s_face *f);
/* True when nothing more can come from the face: no queue, and no such stream. */
bool s2s_drained(const struct s2s_face *f);
/*
 * Nothing of what comes can be handed on, and another host of our domains could: ends the streams whose stanzas their
 * server keeps until we acknowledge them, and those that are being set up by somebody. A stream without
 * acknowledgements stays: what came by it could only be delivered later than what its server sends elsewhere. Returns
 * how many ended.
 */
size_t s2s_send_away(struct s2s_face *f, uint64_t now);
/* Was the stanza with this receipt left to its server by s2s_send_away()? To be asked before anything else happens. */
bool s2s_is_left(const struct s2s_face *f, uint64_t receipt);
/*
 * The second half: flushes the queues of open pairs and closes each stream in order. Incoming ones get the end
 * tag alone and their stanzas count until the peer's; all others get system-shutdown.
 */
void s2s_shutdown(struct s2s_face *f, uint64_t now);
size_t s2s_streams(const struct s2s_face *f);
/* Stanzas queued or written and not taken, over all pairs. */
size_t s2s_pending(const struct s2s_face *f);

/*
 * Writes arrays "pairs" (us, them, out state, in streams, proof, tls, counters, last failure with step,
 * reason and age) and "streams", "pairs_total" and "streams_total" (of those that e asks for, of which it shows only
 * some), and an object "counters", for `sallyport status`.
 */
void s2s_status(const struct s2s_face *f, uint64_t now, struct excerpt *e, struct json *j);

#endif
