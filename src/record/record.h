/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record is a stanza as a typed value: the only thing that crosses the link.
 * The catalogue (record/catalogue.h) says which payload elements exist, which
 * attributes and children each may have, and of what type every value is.
 *
 * A stanza becomes a record (record_from_stanza), a record becomes CBOR and
 * back (record_encode, record_decode), and canonical XML (record_write). The
 * decoder trusts nothing: it makes every check again that the XML side makes.
 */
#ifndef RECORD_RECORD_H
#define RECORD_RECORD_H

#include "base/buf.h"
#include "jid/jid.h"
#include "xml/dict.h"
#include "xml/tree.h"

enum record_kind { RECORD_MESSAGE, RECORD_PRESENCE, RECORD_IQ };

/* X(enumerator, word of the type attribute or "", kinds: m, p, i) */
#define RECORD_TYPES(X)                                                                            \
	X(RECORD_NONE, "", "mp")                                                                   \
	X(RECORD_ERROR, "error", "mpi")                                                            \
	X(RECORD_CHAT, "chat", "m")                                                                \
	X(RECORD_GROUPCHAT, "groupchat", "m")                                                      \
	X(RECORD_HEADLINE, "headline", "m")                                                        \
	X(RECORD_NORMAL, "normal", "m")                                                            \
	X(RECORD_UNAVAILABLE, "unavailable", "p")                                                  \
	X(RECORD_PROBE, "probe", "p")                                                              \
	X(RECORD_SUBSCRIBE, "subscribe", "p")                                                      \
	X(RECORD_SUBSCRIBED, "subscribed", "p")                                                    \
	X(RECORD_UNSUBSCRIBE, "unsubscribe", "p")                                                  \
	X(RECORD_UNSUBSCRIBED, "unsubscribed", "p")                                                \
	X(RECORD_GET, "get", "i")                                                                  \
	X(RECORD_SET, "set", "i")                                                                  \
	X(RECORD_RESULT, "result", "i")

enum record_type {
#define X(id, word, kinds) id,
	RECORD_TYPES(X)
#undef X
};

/* Which payload may pass: standard strips what the catalogue does not know. */
enum record_profile { PROFILE_STANDARD, PROFILE_OPEN };

struct record {
	enum record_kind kind;
	enum record_type type;
	struct jid from;
	struct jid to;
	struct str id; /* p == NULL: no id attribute */
	struct str lang; /* empty: none */
	struct xml_node *payload; /* first child; catalogue elements carry their number in id */
};

/*
 * Stanza error conditions, RFC 6120 section 8.3.3, with their usual type. Their positions are their
 * numbers on the link: new ones go to the end, and change RECORD_CATALOGUE_VERSION.
 * X(enumerator, element, type)
 */
#define RECORD_CONDITIONS(X)                                                                       \
	X(COND_NONE, "", "")                                                                       \
	X(COND_BAD_REQUEST, "bad-request", "modify")                                               \
	X(COND_FORBIDDEN, "forbidden", "auth")                                                     \
	X(COND_INTERNAL_SERVER_ERROR, "internal-server-error", "wait")                             \
	X(COND_ITEM_NOT_FOUND, "item-not-found", "cancel")                                         \
	X(COND_JID_MALFORMED, "jid-malformed", "modify")                                           \
	X(COND_NOT_ACCEPTABLE, "not-acceptable", "modify")                                         \
	X(COND_NOT_ALLOWED, "not-allowed", "cancel")                                               \
	X(COND_POLICY_VIOLATION, "policy-violation", "modify")                                     \
	X(COND_REMOTE_SERVER_NOT_FOUND, "remote-server-not-found", "cancel")                       \
	X(COND_REMOTE_SERVER_TIMEOUT, "remote-server-timeout", "wait")                             \
	X(COND_RESOURCE_CONSTRAINT, "resource-constraint", "wait")                                 \
	X(COND_SERVICE_UNAVAILABLE, "service-unavailable", "cancel")                               \
	X(COND_UNDEFINED, "undefined-condition", "cancel")                                         \
	/* of the server behind us (XEP-0478 section 4): such an error does not say who made it */ \
	X(COND_PEER_LIMIT, "policy-violation", "modify")

enum record_condition {
#define X(id, element, type) id,
	RECORD_CONDITIONS(X)
#undef X
};

const char *record_condition_name(enum record_condition c);
/* The condition with this number, for the link; false when there is none. */
bool record_condition_valid(uint64_t number);

const char *record_type_word(enum record_type t);
const char *record_kind_word(enum record_kind k);

/* What record_from_stanza() took out, for the log and the counters. */
enum { RECORD_STRIPPED_MAX = 8 };
struct record_report {
	unsigned stripped; /* all, may be more than are listed */
	struct {
		struct str ns; /* of the element, or of the attribute if it has one */
		struct str name; /* of an element; empty: text between payloads */
		struct str attribute; /* only this one of the element; p == NULL: all of it */
	} what[RECORD_STRIPPED_MAX]; /* strings live as long as the stanza */
	const char *reason; /* for a refusal: static text */
};

/* Adds all names of the catalogue to the dictionary of the XML readers. */
void record_fill_dict(struct xml_dict *dict);

/*
 * Makes a record of a first-level element of a stream whose content namespace is
 * jabber:server. from and to are the prepared addresses of the stanza (the caller
 * has parsed them for the stream rules); lang is the stream header's xml:lang,
 * used when the stanza has none. The record shares the stanza's memory and arena and
 * may change the tree (stripped nodes are unlinked).
 * COND_NONE, or the condition to bounce with (report->reason says why).
 */
enum record_condition record_from_stanza(struct xml_node *stanza, const struct jid *from,
	const struct jid *to, struct str lang, enum record_profile profile, struct arena *a,
	struct record *ret_record, struct record_report *report);

/*
 * The same for a far node with an older catalogue: elements that this does not have are treated as unknown.
 */
enum record_condition record_for_catalogue(struct xml_node *stanza, const struct jid *from,
	const struct jid *to, struct str lang, enum record_profile profile, uint32_t catalogue,
	struct arena *a, struct record *ret_record, struct record_report *report);

/*
 * Appends the deterministic CBOR form; false, and nothing appended, only when out's limit would be
 * passed. That limit must not be above the bytes that the far node's decoder takes.
 */
bool record_encode(const struct record *r, struct buf *out);

/*
 * Takes out of a decoded record what this profile does not allow: for a node whose profile is narrower than that of
 * the node that sent it, or whose release is newer. Results as of record_from_stanza().
 */
enum record_condition record_restrict(struct record *r, enum record_profile profile,
	struct arena *a, struct record_report *report);

/*
 * Limits of the decoder; the same that the XML side has, which must not be wider at the
 * other end of a link.
 */
struct record_limits {
	size_t bytes; /* CBOR bytes of one record */
	unsigned depth; /* at most 128; the stanza is 1 */
	unsigned attrs; /* of one element */
	unsigned ns_decls; /* that one element needs when it is written */
	unsigned elements;
	size_t name; /* bytes of one name */
	size_t value; /* bytes of one attribute value, id, language or namespace name */
	bool strays; /* takes what older releases sent and record_restrict() takes out */
};
extern const struct record_limits record_limits_default;

/*
 * Decodes one record from hostile bytes; all of them must be used. Strings point
 * into bytes where they can, the tree is in the arena. NULL on success, otherwise a static
 * text that says what is wrong (for the alarm and the close frame).
 */
const char *record_decode(struct str bytes, const struct record_limits *limits,
	enum record_profile profile, struct arena *a, struct record *ret_record);

/* Appends the stanza as canonical XML in a stream whose content namespace is jabber:server. */
bool record_write(const struct record *r, struct buf *out);

/*
 * The error stanza that answers r (RFC 6120 section 8.3): same kind and id, addresses
 * swapped, no echo of the payload. by is the domain that made it, or empty. text may be NULL.
 * False when r must not be answered (type error or result, or a presence that
 * only makes noise: unavailable, unsubscribe(d), see RFC 6120 section 8.3.1).
 */
bool record_make_error(const struct record *r, enum record_condition c, const char *text,
	struct str by, struct arena *a, struct record *ret_error);

/* As record_make_error() for a stanza that never became a record. */
bool record_stanza_error(const struct xml_node *stanza, const struct jid *from,
	const struct jid *to, enum record_condition c, const char *text, struct str by,
	struct arena *a, struct record *ret_error);

/* The CBOR bytes in diagnostic notation (RFC 8949 section 8), catalogue numbers commented by name. */
bool record_diag(struct str bytes, struct buf *out);

/* Number of this build's catalogue. That of a far node may be one higher or lower (record_for_catalogue()). */
uint32_t record_catalogue_version(void);

#endif
