/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of one daemon: text in, a checked struct out. Errors carry
 * file, line, column, a caret and the words that are allowed there; all errors of a file
 * are reported in one run. Pure: the program reads the files.
 *
 * All strings are owned by the struct config, zero-terminated for use as paths. Domains are
 * prepared (jid/jid.h), addresses are checked ("1.2.3.4:5269", "[::1]:5269").
 * Relative paths were made absolute against the folder of the configuration file.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"

enum config_role { CONFIG_OUTER, CONFIG_INNER };

/* Acknowledgements on streams that come in, that go out. The parser relies on the numbers. */
enum config_manage { CONFIG_MANAGE_IN = 1, CONFIG_MANAGE_OUT = 2 };

enum config_proof {
	CONFIG_PKIX = 1,
	CONFIG_DIALBACK = 2,
	CONFIG_DANE = 4,
	CONFIG_POSH = 8,
	CONFIG_PIN = 16,
};
/* What a certificate proves; dialback is what is left without one. */
enum { CONFIG_BY_CERTIFICATE = CONFIG_PKIX | CONFIG_DANE | CONFIG_POSH | CONFIG_PIN };

/* Where something stands in the file, from 1; line 0: nowhere, it is a default. */
struct config_place {
	unsigned line;
	unsigned column;
};

struct config_keys { /* a certificate chain, its key, and what is trusted (may be NULL) */
	const char *certificate;
	const char *key;
	const char *trust;
	struct config_place at;
};

struct config_domain { /* outer: `domain NAME... { certificate "..." key "..." }` */
	struct str name;
	struct config_keys keys;
};

struct config_listen {
	struct str addr; /* link: "nats" with nats */
	bool tls_only; /* s2s: `tls` */
	bool nats; /* link: over the brokers of `nats` */
	struct config_keys keys; /* link only */
	struct str *accept; /* link: node ids of the inners that may connect */
	size_t n_accept;
};

struct config_link { /* inner: `link NODE ADDR|nats { certificate key trust }` */
	struct str node;
	struct str addr; /* "nats" with nats */
	bool nats; /* over the brokers of `nats` */
	struct config_keys keys;
};

enum { CONFIG_BROKERS_MAX = 16 };

/* `nats ADDR... { certificate key trust }`: the brokers, what we show them, and the CA of theirs */
struct config_nats {
	struct str *servers;
	size_t n_servers; /* 0: there is no such statement */
	struct config_keys keys;
};

/*
 * inner, in a server's section: `component ADDR [tls] { domain a b  secret "FILE"  allow plaintext }`. These foreign
 * domains reach the server as its components (XEP-0114), and by nothing else.
 */
struct config_component {
	struct str addr;
	bool tls;
	bool plaintext;
	struct str *domains;
	size_t n_domains;
	const char *secret;
	struct config_place at;
};

/*
 * inner: `server NAME ADDR { domain a b  trust "ca.crt"  require tls  accept ... }`. TLS is
 * required unless `allow plaintext` stands there; `accept` is both proofs, or dialback alone
 * without trust.
 */
struct config_server {
	struct str name;
	struct str addr;
	struct str *domains;
	size_t n_domains;
	const char *trust; /* CA for the local server's own certificate, or NULL */
	bool tls_required;
	unsigned accept; /* bits of enum config_proof: pkix and dialback only */
	struct config_component *components;
	size_t n_components;
	struct config_place at;
};

/* `pin [certificate] sha256/...`: SHA-256 of a key (SubjectPublicKeyInfo) or of a whole certificate. */
struct config_pin {
	bool certificate;
	unsigned char sha256[32];
};

/*
 * `peer PATTERN... { require tls  accept pkix dane posh pin dialback  pin sha256/... | refuse }`, one row
 * per pattern, first match wins. TLS is required unless `allow plaintext` stands there. The last row is
 * always for "any".
 */
struct config_peer {
	struct str pattern; /* exact domain, "*.suffix" (any depth below), or "any" */
	bool refuse;
	bool tls_required;
	unsigned accept; /* bits of enum config_proof: any of these is enough */
	unsigned require; /* all of these must hold; a part of accept */
	struct config_pin *pins; /* outer */
	size_t n_pins;
	struct config_place at;
};

/* A file that a statement names. */
struct config_file {
	const char *path;
	struct config_place at;
};

struct config_route { /* inner: `route PATTERN via NODE... [else NODE...] [else any] | any` */
	struct str pattern;
	struct str *via; /* empty: any */
	size_t n_via;
	unsigned *rank; /* of each of via: how many `else` stand before it */
	size_t n_rank;
	bool else_any;
	unsigned line; /* 0: not written, `route any via any` */
};

struct config_target { /* `steer ... target IP priority 5 weight 10` */
	struct str ip;
	uint64_t priority;
	uint64_t weight;
};

struct config_network { /* `allow address 10.0.0.0/8` */
	bool allow;
	unsigned char addr[16]; /* IPv4 as ::ffff:a.b.c.d */
	unsigned prefix; /* 0..128 */
};

/* The content rules of config/rule.def, and two that are statements of their own. */
enum config_rule_id {
#define RULE(id, name, on, way, action, help) CONFIG_RULE_##id,
#include "config/rule.def"
#undef RULE
	CONFIG_RULES
};

struct config_rule_row {
	const char *name;
	bool on; /* without a statement */
	const char *way;
	const char *action;
	const char *help;
};
extern const struct config_rule_row config_rule_rows[CONFIG_RULES];

/* `rule NAME on|off [for PATTERN...] [at PATTERN...]`; the first that matches decides, then the default. */
struct config_rule {
	enum config_rule_id id;
	bool on;
	struct str *foreign; /* patterns of `for`; n 0: any */
	size_t n_foreign;
	struct str *local; /* patterns of `at` */
	size_t n_local;
};

/* `label policy ID... [for PATTERN...] [at PATTERN...]`; the first that matches decides, without one any may come. */
struct config_labels {
	struct str *policies;
	size_t n;
	struct str *foreign; /* n 0: any */
	size_t n_foreign;
	struct str *local;
	size_t n_local;
};

/*
 * Addresses that a pattern names: a domain pattern, or one account of a domain with all its resources, or one
 * full address.
 */
struct config_address {
	struct str local; /* empty: all */
	struct str domain; /* a pattern if local and resource are empty */
	struct str resource; /* empty: all */
};

/* `refuse [from ADDRESS...] [to ADDRESS...] [silently]`, `allow ...`; the first match decides. */
struct config_stanzas {
	bool refuse;
	bool silently;
	struct config_address *from; /* n 0: any */
	size_t n_from;
	struct config_address *to;
	size_t n_to;
};

/*
 * Scalar options. One row: member, default, least, most, words of the statement, unit, help. The
 * rows make the parser, `sallyport check --print` and the table in the man pages.
 */
#define CONFIG_LIMITS(X)                                                                           \
	X(stanza_bytes, 262144, 10000, 1048576, "stanza bytes", "bytes", "largest stanza")         \
	X(early_bytes, 8192, 1024, 65536, "early bytes", "bytes",                                  \
		"largest first-level element before authentication")                               \
	X(early_elements, 32, 8, 1024, "early elements", "elements",                               \
		"elements in one before authentication")                                           \
	X(depth, 64, 8, 128, "stanza depth", "elements", "nested elements")                        \
	X(attributes, 64, 8, 1024, "element attributes", "attributes", "attributes of an element") \
	X(namespaces, 32, 4, 1024, "element namespaces", "declarations",                           \
		"namespace declarations of an element")                                            \
	X(name_bytes, 256, 64, 1024, "name bytes", "bytes",                                        \
		"name of an element or attribute, or a prefix")                                    \
	X(value_bytes, 65536, 8192, 1048576, "value bytes", "bytes",                               \
		"an attribute's value, or a namespace name")                                       \
	X(elements, 8192, 64, 1000000, "stanza elements", "elements", "elements in a stanza")      \
	X(header_ms, 10000, 100, 600000, "header time", "milliseconds",                            \
		"wait for a stream header or features")                                            \
	X(tls_ms, 10000, 100, 600000, "tls time", "milliseconds", "TLS handshake")                 \
	X(auth_ms, 10000, 100, 600000, "authentication time", "milliseconds", "SASL and dialback") \
	X(prove_ms, 5000, 100, 60000, "proof time", "milliseconds",                                \
		"wait for DANE and POSH before a stream goes on without them")                     \
	X(proof_age_ms, 86400000, 1000, 604800000, "proof age", "milliseconds",                    \
		"after which the proof of a stream is judged again")                               \
	X(connect_ms, 30000, 100, 600000, "connect time", "milliseconds",                          \
		"look-up and all addresses of a server together")                                  \
	X(stanza_ms, 30000, 1000, 600000, "stanza time", "milliseconds",                           \
		"a stanza from its first byte to its last")                                        \
	X(close_ms, 5000, 100, 60000, "close time", "milliseconds", "wait for the peer's end tag") \
	X(write_ms, 60000, 1000, 600000, "write time", "milliseconds",                             \
		"a write without progress, before the stream ends")                                \
	X(idle_ms, 300000, 1000, 86400000, "idle time", "milliseconds",                            \
		"silence before a keepalive; twice this closes")                                   \
	X(queue_stanzas, 1024, 16, 8192, "queue stanzas", "stanzas",                               \
		"queue of one pair; errors that are owed may be 1024 more")                        \
	X(queue_bytes, 4194304, 65536, 268435456, "queue bytes", "bytes",                          \
		"queue of one pair; errors that are owed may be 512 KiB more")                     \
	X(queue_ms, 60000, 1000, 3600000, "queue time", "milliseconds",                            \
		"age at which a queued stanza is bounced")                                         \
	X(ack_ms, 180000, 1000, 3600000, "acknowledgement time", "milliseconds",                   \
		"wait for acknowledgements to go on")                                              \
	X(retry_min_ms, 1000, 100, 60000, "retry least", "milliseconds", "first retry delay")      \
	X(retry_max_ms, 120000, 1000, 3600000, "retry most", "milliseconds",                       \
		"longest retry delay")                                                             \
	X(pairs_per_stream, 64, 1, 4096, "stream pairs", "pairs", "pairs on one stream")           \
	X(verifies_per_stream, 16, 1, 256, "stream verifications", "verifications",                \
		"open dialback verifications of one stream")                                       \
	X(page_items, 250, 1, 100000, "page items", "items",                                       \
		"what one question from outside may ask for: rule page")                           \
	X(streams, 20000, 16, 1000000, "streams", "streams", "streams in all")                     \
	X(drain_ms, 10000, 0, 600000, "drain time", "milliseconds", "flush at shutdown")           \
	X(home_ms, 30000, 100, 86400000, "return time", "milliseconds",                            \
		"silence before a pair goes back to the node that it belongs to")                  \
	X(isolation_ms, 0, 0, 3600000, "isolation time", "milliseconds",                           \
		"longer than all far nodes must be silent before a node sends servers to another") \
	X(lease_ms, 0, 0, 600000, "lease wait", "milliseconds",                                    \
		"inner: without an answer about a pair's lease it goes without one; 0: it waits")  \
	X(mint_rate, 500, 1, 100000, "mint rate", "a second",                                      \
		"certificates that inner makes; after a pause as many at once as it keeps")        \
	X(mint_kept, 16384, 64, 1000000, "mint certificates", "certificates",                      \
		"kept by inner for the next stream of their domain")                               \
	X(busy_ms, 0, 0, 10, "busy poll", "milliseconds",                                          \
		"when input comes so often: look for more so long before sleeping")                \
	X(memory, 1073741824, 16777216, 1099511627776, "memory", "bytes", "held for peers in all") \
	X(address_conns, 256, 0, 1000000, "address connections", "connections",                    \
		"incoming ones from one address (IPv4, IPv6 /64)")                                 \
	X(network_conns, 1024, 0, 1000000, "network connections", "connections",                   \
		"incoming ones from one network (IPv4 /24, IPv6 /48)")                             \
	X(address_tries, 20, 0, 1000000, "address attempts", "a second",                           \
		"connections that one address opens")                                              \
	X(network_tries, 100, 0, 1000000, "network attempts", "a second",                          \
		"connections that one network opens")                                              \
	X(address_shakes, 10, 0, 1000000, "address handshakes", "a second",                        \
		"TLS handshakes that one address begins")                                          \
	X(network_shakes, 50, 0, 1000000, "network handshakes", "a second",                        \
		"TLS handshakes that one network begins")                                          \
	X(address_verifies, 10, 0, 1000000, "address verifications", "a second",                   \
		"dialback keys from one address that we ask about")                                \
	X(address_answers, 50, 0, 1000000, "address answers", "a second",                          \
		"dialback questions from one address that we answer")                              \
	X(address_bytes, 16777216, 0, 4294967296, "address bytes", "bytes a second",               \
		"read from one address")                                                           \
	X(shakes, 512, 1, 1000000, "handshakes", "handshakes",                                     \
		"TLS handshakes of strangers that may wait for a thread")                          \
	X(verifies_per_pair, 32, 1, 4096, "pair verifications", "verifications",                   \
		"open dialback verifications of one pair")                                         \
	X(verifies, 1024, 1, 1000000, "verifications", "verifications",                            \
		"open dialback verifications in all")                                              \
	X(pair_stanzas, 2000, 0, 1000000, "pair stanzas", "a second",                              \
		"stanzas that one pair brings in")                                                 \
	X(pair_bytes, 8388608, 0, 4294967296, "pair bytes", "bytes a second",                      \
		"that one pair brings in")                                                         \
	X(pair_recipients, 3000, 0, 1000000, "pair recipients", "a minute",                        \
		"different recipients of one pair")                                                \
	X(pair_requests, 120, 0, 1000000, "pair requests", "a minute",                             \
		"subscription requests and invitations of one pair")                               \
	X(pair_joins, 600, 0, 1000000, "pair joins", "a minute", "rooms joined through one pair")  \
	X(questions, 256, 1, 4096, "pair questions", "questions",                                  \
		"of one pair that wait for an answer: rule answers")                               \
	X(question_ms, 600000, 1000, 86400000, "question time", "milliseconds",                    \
		"after which no answer is waited for: rule answers")                               \
	X(wave_senders, 20, 2, 32, "wave senders", "senders",                                      \
		"of one text or link within the wave time: rule wave")                             \
	X(wave_ms, 600000, 1000, 86400000, "wave time", "milliseconds",                            \
		"in which senders of one text or link are counted: rule wave")                     \
	X(destinations, 50, 0, 1000000, "domain destinations", "a second",                         \
		"outer: domains reached anew for one local domain")                                \
	X(target_tries, 20, 0, 1000000, "target attempts", "a second",                             \
		"connections to one address for domains not proved lately")

struct config_limits {
#define X(member, def, least, most, words, unit, help) uint64_t member;
	CONFIG_LIMITS(X)
#undef X
};

struct config {
	enum config_role role;
	const char *file; /* the configuration file, as it was named */
	struct str node;
	enum log_level log_level;
	bool open_profile;
	bool redirect; /* outer: follow see-other-host */
	bool multiplex; /* one stream of ours for more pairs, where the server's address is the same */
	bool bidi; /* streams that carry both directions (XEP-0288) */
	unsigned manage; /* bits of enum config_manage: acknowledgements (XEP-0198) */
	bool flush; /* spaces behind long stanzas; default: in inner */
	const char *control; /* socket path */
	const char *dialback_secret; /* file; NULL: random per start */
	struct config_place dialback_at;
	struct config_limits limits;

	struct config_rule *rules;
	size_t n_rules;
	uint32_t rules_used; /* bit i: rule i is on by default or by some statement */
	struct config_stanzas *stanzas; /* what no statement matches passes */
	size_t n_stanzas;

	struct config_labels *labels;
	size_t n_labels;
	uint64_t *fingerprints; /* `refuse text FINGERPRINT...` */
	size_t n_fingerprints;

	struct config_domain *domains; /* outer */
	size_t n_domains;
	struct config_listen *listen_s2s;
	size_t n_listen_s2s;
	struct config_listen *listen_link; /* outer */
	size_t n_listen_link;
	struct config_nats nats;
	/* Without statement: any, TLS, both proofs. With some, but none for any: any is refused. */
	struct config_peer *peers;
	size_t n_peers;
	struct config_file *trust; /* outer: CA files for foreign servers; empty: the system's */
	size_t n_trust;
	struct config_file *crls; /* outer: revocation lists of these CAs */
	size_t n_crls;
	struct config_file *anchors; /* outer: DNSSEC trust anchors; empty: DNS is not validated */
	size_t n_anchors;
	struct str resolver; /* outer: address, or empty for the system's */
	/* outer: exceptions to the addresses never dialled; first match wins */
	struct config_network *networks;
	size_t n_networks;

	bool leases_shared; /* inner: with the other inners, through the brokers of `nats` */
	struct config_link *links; /* inner */
	size_t n_links;
	struct config_server *servers; /* inner */
	size_t n_servers;
	/* inner; the last row is always for any: via any, unless a statement says otherwise */
	struct config_route *routes;
	size_t n_routes;
	struct config_keys mint; /* inner; certificate NULL: none */
	struct str steer; /* inner: address of the steering DNS responder, or empty */
	/* inner: IP address that it answers; default: that of the first listen s2s */
	struct config_target *steer_targets; /* inner: what it answers; the first is this node */
	size_t n_steer_targets;
	uint64_t steer_ttl; /* seconds */
	bool steer_srv; /* inner: answer SRV too */
	bool steer_tls; /* inner: those for direct TLS, too */
};

/*
 * Parses and checks text (at most 1 MiB). file is its name in messages and the base of relative
 * paths (itself relative to the current folder). Messages are appended to errors (plain text, ready
 * for a terminal). NULL when there was any error. The caller frees with config_free().
 */
struct config *config_parse(
	enum config_role role, const char *file, struct str text, struct buf *errors);
void config_free(struct config *c);

/* The effective configuration, every default written out, in the same language. */
bool config_print(const struct config *c, struct buf *out);

/* The role that a file is written for, by its words; false when they do not tell (role: outer). */
bool config_guess_role(struct str text, enum config_role *ret_role);

/* Is the rule on for stanzas between these prepared domains? */
bool config_rule_on(
	const struct config *c, enum config_rule_id id, struct str local, struct str foreign);

/* The policies of security labels that may pass between these prepared domains; NULL: any. */
const struct config_labels *config_labels_for(
	const struct config *c, struct str local, struct str foreign);

/* Does one of the patterns match, or is there none? */
bool config_any_matches(const struct str *patterns, size_t n, struct str domain);

/* Does pattern (exact, "*.suffix", "any") match the prepared domain? */
bool config_match(struct str pattern, struct str domain);

#endif
