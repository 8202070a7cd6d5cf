/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One XML stream: its state, deadlines, header and end. What is negotiated on it is in
 * negotiate_in.c, negotiate_out.c and dialback.c.
 */
#ifndef S2S_STREAM_H
#define S2S_STREAM_H

#include "s2s/core.h"

#define TO(state) (1u << (state))

#define NO_DEADLINE SIZE_MAX
#define MS(field) offsetof(struct s2s_settings, field)

/* X(enumerator, name, states that may follow besides CLOSING and GONE, deadline, why it is closed
 * then) */
#define STREAM_STATES(X)                                                                           \
	/* outgoing: the program resolves and connects */                                          \
	X(ST_CONNECTING, "connecting", TO(ST_HEADER) | TO(ST_PROOF), MS(connect_ms),               \
		CLOSE_CONNECT_TIMEOUT)                                                             \
	/* waiting for the other side's stream header */                                           \
	X(ST_HEADER, "header",                                                                     \
		TO(ST_PROOF) | TO(ST_NEGOTIATE) | TO(ST_FEATURES) | TO(ST_DIALBACK) |              \
			TO(ST_READY) | TO(ST_HANDSHAKE),                                           \
		MS(header_ms), CLOSE_HEADER_TIMEOUT)                                               \
	/* outgoing: waiting for features */                                                       \
	X(ST_FEATURES, "features", TO(ST_STARTTLS) | TO(ST_SASL) | TO(ST_DIALBACK) | TO(ST_READY), \
		MS(header_ms), CLOSE_FEATURES_TIMEOUT)                                             \
	/* outgoing: waiting for proceed */                                                        \
	X(ST_STARTTLS, "starttls", TO(ST_TLS), MS(tls_ms), CLOSE_TLS_TIMEOUT)                      \
	/* handshake */                                                                            \
	X(ST_TLS, "tls", TO(ST_HEADER) | TO(ST_PROOF), MS(tls_ms), CLOSE_TLS_TIMEOUT)              \
	/* what the certificate proves is not known yet: nothing is read */                        \
	X(ST_PROOF, "proof", TO(ST_HEADER) | TO(ST_NEGOTIATE), MS(prove_ms), CLOSE_PROOF_TIMEOUT)  \
	/* incoming: features sent, no pair is valid yet */                                        \
	X(ST_NEGOTIATE, "negotiate", TO(ST_TLS) | TO(ST_HEADER) | TO(ST_READY), MS(auth_ms),       \
		CLOSE_AUTH_TIMEOUT)                                                                \
	/* outgoing: waiting for success */                                                        \
	X(ST_SASL, "sasl", TO(ST_HEADER) | TO(ST_DIALBACK), MS(auth_ms), CLOSE_AUTH_TIMEOUT)       \
	/* a component's: waiting for the server to accept the secret */                           \
	X(ST_HANDSHAKE, "handshake", TO(ST_READY), MS(auth_ms), CLOSE_AUTH_TIMEOUT)                \
	/* outgoing: waiting for the answer to our key */                                          \
	X(ST_DIALBACK, "dialback", TO(ST_READY), MS(auth_ms), CLOSE_AUTH_TIMEOUT)                  \
	/* outgoing: stanzas may be written; incoming: a pair is valid */                          \
	X(ST_READY, "ready", 0, NO_DEADLINE, CLOSE_IDLE)                                           \
	/* our end tag is written, theirs is awaited */                                            \
	X(ST_CLOSING, "closing", 0, MS(close_ms), CLOSE_IDLE)                                      \
	/* given back to the program */                                                            \
	X(ST_GONE, "gone", 0, NO_DEADLINE, CLOSE_IDLE)

enum stream_state {
#define X(id, name, next, ms, late) id,
	STREAM_STATES(X)
#undef X
		ST_STATES
};

enum manage_state {
	MANAGE_OFF,
	MANAGE_ASKED, /* <enable/> was written */
	MANAGE_ON,
};

/* Acknowledgements on one stream: manage.h. */
struct manage {
	enum manage_state state;
	bool offered; /* outgoing: in the features */
	bool owed; /* they asked, and were not answered yet */
	bool asking; /* we asked, and were not answered yet */
	bool leaving; /* ends when all that came is handled */
	bool enabling; /* they wish it, and hear nothing new until the kernel has what was written before */
	unsigned failures;
	struct inbox *inbox; /* theirs; NULL until both sides agreed */
	uint64_t wanted; /* of theirs, how many they asked about */
	uint64_t told; /* and how many they were told */
	struct buf
		order; /* ours: struct s2s_pair * per stanza that is written and not acknowledged */
	uint32_t acked; /* ours, modulo 2^32 */
	uint64_t moved_at; /* when we asked, or when they last acknowledged something */
	struct list due; /* in face.manage_due, or alone */
	struct list unheard; /* in face.unheard, or alone */
	uint64_t look_at; /* when its silence is looked at next */
};

/* Spaces that may be missing behind what was written: flush.h. */
struct flush {
	struct list due; /* in face.flush_due, or alone */
	size_t need;
	size_t recent; /* bytes of stanzas without silence between them */
	uint64_t at; /* when the last was written */
};

struct s2s_stream {
	struct list link; /* in face.streams or face.garbage */
	struct s2s_face *face;
	void *transport; /* NULL while connecting and after its end */
	void *dialled; /* the same, kept to the end: only to ask for another address */
	uint64_t number;
	enum stream_state state;
	bool incoming;
	bool tls;
	bool header_sent; /* since the last restart */
	bool header_seen; /* likewise, of the other side */
	bool versioned; /* the other side's header has version 1.x */
	bool opened; /* stream-open was reported */
	bool named; /* pair_named was called for the header's pair */
	bool deaf; /* input is no XML any more */
	bool ended; /* the other side's end tag was read */
	bool lingers; /* closing, and stanzas written before our end tag was read still count */
	bool direct_tls; /* it began with TLS (XEP-0368) */
	bool answerable; /* outgoing: past TLS and features, dialback may be spoken */
	bool vanished; /* given up: nothing that was written comes through (silence.h) */
	bool fenced; /* cut: stanzas that were written are not ours to send any more (stream_cut()) */
	bool was_ready;
	bool took_any; /* a stanza left through it */
	bool evicted; /* a component's: another connection has its name now */
	uint64_t peer_bytes; /* largest first-level element that they take; 0: not said */
	uint64_t peer_idle_ms; /* silence after which they may end the stream; 0: not said */
	uint64_t stanza_at; /* when the last did; until then when it became ready */
	bool sasl_done;
	bool sasl_failed; /* outgoing */
	bool offers_sasl; /* outgoing: EXTERNAL is in the features */
	bool offers_dialback; /* outgoing: by feature or namespace declaration */
	bool component; /* outgoing: see component.h */
	bool bidi; /* stanzas go both ways (XEP-0288, XEP-0114) */
	bool offers_bidi; /* outgoing */
	bool knows_errors; /* outgoing: their dialback feature says so (XEP-0220 section 2.4.2) */
	bool strange_from; /* outgoing: the answer's from is not the domain asked for */
	enum s2s_proof proof; /* outgoing: how we know them; incoming: of EXTERNAL */
	struct s2s_certified certified; /* for the header's pair */
	unsigned sasl_failures;
	unsigned key_failures;
	struct str us; /* empty while unknown */
	struct str them;
	char id[33]; /* ours, incoming */
	char lang[36];
	struct str peer_id; /* theirs, outgoing */
	struct xml_reader *reader;
	size_t rest; /* input behind the element that is being handled */
	uint64_t at; /* position in all input of the end of that element */
	struct s2s_pair *pair; /* outgoing: whose stream this is, NULL when detached */
	struct list guests; /* outgoing: struct guest */
	unsigned n_guests;
	struct list carries; /* pairs whose queue leaves through it */
	struct list members; /* struct member: pairs whose stanzas may come from it */
	unsigned n_members;
	unsigned n_verifies;
	struct s2s_pair *paused_by;
	uint64_t slow_until; /* too much came: not read before; 0: read */
	uint64_t slow_told; /* when that was reported last; 0: never */
	uint64_t stranger_told; /* likewise, that a stanza of no domain of theirs was dropped */
	uint64_t used; /* bytes of input that were parsed before this call of s2s_input() */
	uint64_t charged; /* of all that was parsed, what a pair was charged for */
	struct manage manage;
	struct flush flush;
	struct timer timer;
	uint64_t phase_until;
	uint64_t element_until;
	uint64_t last_input;
	uint64_t last_output;
	uint64_t probed_at; /* when they were last pinged; 0: never */
	uint64_t progress_at; /* when the kernel last took something, or had nothing to take */
	uint64_t space_at;
	uint64_t opened_at;
	uint64_t written;
	uint64_t taken;
	uint64_t stanzas;
	uint64_t second; /* for answers_in_second */
	unsigned answers_in_second;
};

struct s2s_stream *stream_new(struct s2s_face *f, bool incoming);
/* Takes it off the list at once; its memory goes with the next tick. */
void stream_bury(struct s2s_stream *s);
void stream_free(struct s2s_stream *s);

const char *stream_state_name(enum stream_state state);
/* The only way to change the state; starts the deadline of the new one. */
void stream_go(struct s2s_stream *s, enum stream_state to);
/* Makes the timer fire in time for every deadline of the stream. */
void stream_arm(struct s2s_stream *s);

/* Ends the stream for a reason of the table: error and end tag, event, counter. text: for the
 * event. */
void stream_close(struct s2s_stream *s, enum close_reason reason, struct str text);
/* Likewise with another stream error condition than the table's. */
void stream_close_as(struct s2s_stream *s, enum close_reason reason, const char *condition,
	const char *detail, struct str text);
/* Likewise with an element of an application namespace in the error. */
void stream_close_saying(
	struct s2s_stream *s, enum close_reason reason, const char *element, struct str text);
/* Ends it for what the reader refused. */
void stream_close_xml(
	struct s2s_stream *s, const char *condition, const char *element, const char *name);
/* Likewise when the row's failure is not what a pair in set-up met. */
void stream_close_failing(
	struct s2s_stream *s, enum close_reason reason, enum s2s_failure failure, struct str text);
/* Ends a ready stream that carries stanzas of theirs: what they wrote before they read the end tag counts. */
void stream_leave(struct s2s_stream *s);
/* Gives the transport back. */
void stream_drop(struct s2s_stream *s);
/* Ends it without a word, also when it is closing: what was written and the kernel has not taken must not leave. */
void stream_cut(struct s2s_stream *s);

static inline bool stream_is_open(const struct s2s_stream *s)
{
	return s->state < ST_CLOSING;
}

static inline bool stream_takes_stanzas(const struct s2s_stream *s)
{
	return s->state == ST_READY || (s->state == ST_CLOSING && s->lingers);
}

/* Is nothing to be read now? */
static inline bool stream_is_paused(const struct s2s_stream *s)
{
	return s->paused_by || s->slow_until || s->manage.enabling || s->state == ST_PROOF;
}

/* Waits for s2s_proved(): reads nothing until stream_proved(). */
void stream_await_proof(struct s2s_stream *s);
/* The wait is over and the stream in another state: reads on. */
void stream_read_on(struct s2s_stream *s);
/* Asks what the certificate is worth for this pair under the rule. */
void stream_certify(struct s2s_stream *s, const struct s2s_rule *rule, struct str us,
	struct str them, struct s2s_certified *ret);

/* Reads again after ops->stanza had no room. */
void stream_unpause(struct s2s_stream *s);
/* Does not read for so long. */
void stream_slow_down(struct s2s_stream *s, uint64_t ms);

void stream_write(struct s2s_stream *s, struct str bytes);
/* Writes what was composed in face->out and empties it. */
void stream_flush_out(struct s2s_stream *s);

/* A new document in both directions; our header is not written yet. */
void stream_restart(struct s2s_stream *s);
/* Appends our header to face->out. */
void stream_put_header(struct s2s_stream *s);
/* Checks the root of the other side's header and takes version and language from it. */
bool stream_check_header(struct s2s_stream *s, const struct xml_node *root);

struct s2s_event stream_event(const struct s2s_stream *s, const char *event);

/* The rule of the header's pair; without one TLS is required and dialback all that is left. */
struct s2s_rule stream_rule(const struct s2s_stream *s);
struct s2s_rule face_rule(struct s2s_face *f, struct str us, struct str them);

#endif
