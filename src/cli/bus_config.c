/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may say what on the bus (doc/cluster.md tells it in words):
 *
 *	account OUTER                          account INNER
 *	  outer-a  --- lk.i.inner-a.outer-a -->  inner-a
 *	  outer-a  <-- lk.o.outer-a.inner-a ---  inner-a      JetStream: the bucket of leases
 *
 * A connection's user is a name in its certificate, and its certificate must be one of those pinned. Of each subject
 * that a user may publish the last token is its own id; of each that it may read, the token before. Everything is
 * listed, one by one: accounts let through what both sides name, and users may do what stands here.
 */
#include "cli/bus_config.h"

#include <string.h>

enum { STORE_MIB = 256 };

static const char limits[] =
	"# A frame of the link has at most 2 MiB, and crosses the bus in pieces of at most 64 "
	"KiB;\n"
	"# what numbers and seals a piece comes on top.\n"
	"max_payload: 262144\n"
	"# A node that reads so slowly is cut off: it comes back, and its peers send again.\n"
	"max_pending: 67108864\n"
	"write_deadline: \"2s\"\n"
	"max_connections: 256\n"
	"max_subscriptions: 1024\n"
	"max_control_line: 1024\n"
	"ping_interval: \"2s\"\n"
	"ping_max: 2\n"
	"# No `authorization`: there is nobody outside of the accounts. Who has not introduced "
	"itself a second\n"
	"# after the time for TLS is cut off (the server's own rule).\n"
	"system_account: SYSTEM\n"
	"# Content of messages never stands in a log.\n"
	"debug: false\n"
	"trace: false\n";

static void put_pins(struct buf *out, const char (*pins)[PIN_TEXT], size_t n)
{
	buf_append_c(out, "\tpinned_certs: [\n");
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "\t\t\"%s\"\n", pins[i]);
	buf_append_c(out, "\t]\n");
}

/* suffix: which of the broker's two keys. */
static void put_keys(
	struct buf *out, const struct bus_site *s, const struct broker *b, const char *suffix)
{
	buf_printf(out,
		"\tcert_file: \"%s/%s%s.crt\"\n\tkey_file: \"%s/%s%s.key\"\n"
		"\tca_file: \"%s/ca.crt\"\n\ttimeout: 3\n"
		"\tcurve_preferences: [X25519, CurveP256]\n"
		"\tcipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n",
		s->keys, b->name, suffix, s->keys, b->name, suffix, s->keys);
}

static void put_listener(struct buf *out, const struct bus_site *s, const struct broker *b)
{
	buf_printf(out, "server_name: \"%s\"\nlisten: \"%s\"\ntls {\n", b->name, b->clients);
	put_keys(out, s, b, "");
	buf_append_c(out, "\tverify_and_map: true\n");
	put_pins(out, s->pins->nodes, s->bus->outers->n + s->bus->inners->n);
	buf_append_c(out, "}\n");
}

static void put_cluster(struct buf *out, const struct bus_site *s, size_t at)
{
	const struct broker *b = &s->bus->brokers[at];

	buf_printf(out,
		"cluster {\n\tname: \"%s\"\n\tlisten: \"%s\"\n\tno_advertise: true\n"
		"\tauthorization { timeout: 3 }\n\troutes: [\n",
		s->cluster, b->routes);
	for (size_t i = 0; i < s->bus->n_brokers; i++) {
		if (i != at)
			buf_printf(out, "\t\t\"nats-route://%s\"\n", s->bus->brokers[i].routes);
	}
	buf_append_c(out, "\t]\n\ttls {\n");
	put_keys(out, s, b, "-route");
	buf_append_c(out, "\tverify: true\n");
	put_pins(out, s->pins->routes, s->bus->n_brokers);
	buf_append_c(out, "\t}\n}\n");
}

static void put_store(struct buf *out, const struct bus_site *s, const struct broker *b)
{
	buf_printf(out,
		"jetstream {\n\tstore_dir: \"%s/%s\"\n\tmax_memory_store: 1MB\n"
		"\tmax_file_store: %uMB\n}\n",
		s->store, b->name, STORE_MIB);
}

/* --- accounts --- */

/* One direction of the bus: who writes in an account, and who reads in the other one. */
struct side {
	const char *account, *other_account;
	const char *way; /* of what it writes: lk.WAY.READER.WRITER */
	const char *other_way;
	const struct words *own, *others;
};

/* The subject that a node of this side writes to one of the other. */
static void put_subject(struct buf *out, const char *way, const char *to, const char *from)
{
	buf_printf(out, "lk.%s.%s.%s", way, to, from);
}

static void put_exports(struct buf *out, const struct side *s)
{
	buf_append_c(out, "\t\texports: [\n");
	for (size_t i = 0; i < s->own->n; i++) {
		const char *from = s->own->word[i];
		for (size_t k = 0; k < s->others->n; k++) {
			buf_append_c(out, "\t\t\t{ stream: \"");
			put_subject(out, s->way, s->others->word[k], from);
			buf_printf(out, "\", accounts: [%s] }\n", s->other_account);
		}
	}
	buf_append_c(out, "\t\t]\n");
}

static void put_imports(struct buf *out, const struct side *s)
{
	buf_append_c(out, "\t\timports: [\n");
	for (size_t i = 0; i < s->others->n; i++) {
		const char *from = s->others->word[i];
		for (size_t k = 0; k < s->own->n; k++) {
			buf_printf(out, "\t\t\t{ stream: { account: %s, subject: \"",
				s->other_account);
			put_subject(out, s->other_way, s->own->word[k], from);
			buf_append_c(out, "\" } }\n");
		}
	}
	buf_append_c(out, "\t\t]\n");
}

/* What an inner needs for the leases, and not more: it can make the bucket, but not change it. No
 * consumers, no direct reads, no republishing of its own making: these would let JetStream speak on any subject. */
static const char lease_publish[] = "\t\t\t\t\t\"$KV." BUS_BUCKET ".*\"\n"
				    "\t\t\t\t\t\"$JS.API.STREAM.CREATE.KV_" BUS_BUCKET "\"\n"
				    "\t\t\t\t\t\"$JS.API.STREAM.INFO.KV_" BUS_BUCKET "\"\n"
				    "\t\t\t\t\t\"$JS.API.STREAM.MSG.GET.KV_" BUS_BUCKET "\"\n"
				    "\t\t\t\t\t\"$JS.API.STREAM.MSG.DELETE.KV_" BUS_BUCKET "\"\n";

static const char lease_subscribe[] = "\t\t\t\t\t\"$KV." BUS_BUCKET ".*\"\n"
				      "\t\t\t\t\t\"_INBOX.%s.>\"\n";

static void put_lists(struct buf *out, const struct side *s, const char *id, bool leases)
{
	buf_append_c(out, "\t\t\t\tpublish: { allow: [\n");
	for (size_t i = 0; i < s->others->n; i++) {
		buf_append_c(out, "\t\t\t\t\t\"");
		put_subject(out, s->way, s->others->word[i], id);
		buf_append_c(out, "\"\n");
	}
	buf_printf(
		out, "%s\t\t\t\t] }\n\t\t\t\tsubscribe: { allow: [\n", leases ? lease_publish : "");
	for (size_t i = 0; i < s->others->n; i++) {
		buf_append_c(out, "\t\t\t\t\t\"");
		put_subject(out, s->other_way, id, s->others->word[i]);
		buf_append_c(out, "\"\n");
	}
	if (leases)
		buf_printf(out, lease_subscribe, id);
	buf_append_c(out, "\t\t\t\t] }\n");
}

static void put_account(struct buf *out, const struct side *s, bool leases)
{
	buf_printf(out, "\t%s {\n", s->account);
	if (leases)
		buf_printf(out,
			"\t\tjetstream { max_memory: 1MB, max_file: %uMB, max_streams: 1, "
			"max_consumers: 1 }\n",
			STORE_MIB);
	buf_append_c(out, "\t\tusers: [\n");
	for (size_t i = 0; i < s->own->n; i++) {
		buf_printf(out,
			"\t\t\t{\n\t\t\t\tuser: \"%s\"\n"
			"\t\t\t\tallowed_connection_types: [\"STANDARD\"]\n"
			"\t\t\t\tpermissions: {\n",
			s->own->word[i]);
		put_lists(out, s, s->own->word[i], leases);
		buf_append_c(out, "\t\t\t\t}\n\t\t\t}\n");
	}
	buf_append_c(out, "\t\t]\n");
	put_exports(out, s);
	put_imports(out, s);
	buf_append_c(out, "\t}\n");
}

static void put_accounts(struct buf *out, const struct bus *bus)
{
	const struct side outer = { "OUTER", "INNER", "i", "o", bus->outers, bus->inners };
	const struct side inner = { "INNER", "OUTER", "o", "i", bus->inners, bus->outers };

	buf_append_c(out, "accounts {\n\t# Nobody: there is no user of it.\n\tSYSTEM {}\n");
	put_account(out, &outer, false);
	put_account(out, &inner, true);
	buf_append_c(out, "}\n");
}

void bus_config(const struct bus_site *site, size_t at, struct buf *out)
{
	const struct broker *b = &site->bus->brokers[at];

	buf_printf(out,
		"# nats-server of broker %s, cluster %s: written by `sallyport nats config`.\n"
		"# Do not edit: change the command and write all brokers' files again.\n",
		b->name, site->cluster);
	put_listener(out, site, b);
	buf_append_c(out, limits);
	if (site->bus->n_brokers > 1) /* one that has no others would not start */
		put_cluster(out, site, at);
	put_store(out, site, b);
	put_accounts(out, site->bus);
}
