/* SPDX-License-Identifier: Apache-2.0 */
/* The `sallyport` command: finds the command, reads the options, runs it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "cli/cli.h"

#define SOCKET_HELP                                                                                \
	"  -s, --socket PATH  control socket of the daemon (default: $SALLYPORT_CONTROL, else\n"   \
	"                     those of outer.sock and inner.sock in /run/sallyport that exist)\n"

#define BROKER_HELP                                                                                \
	"  --broker NAME=ADDR[:PORT][,ADDR[:PORT]]...  brokers: where nodes connect (port "        \
	"4222),\n"                                                                                 \
	"                     and where the other brokers do (there, 6222)\n"

static const struct command commands[] = {
	{ "check", "FILE... [--outer|--inner] [--print] [--json]",
		"check a configuration and the files that it names",
		"The role is seen from the words of the file unless it is given. Of several files "
		"(those of\n"
		"outers and inners that belong together) also whether they fit together.\n\n"
		"  --outer, --inner   which daemon the file is for\n"
		"  --print            print the effective configuration, every default written "
		"out\n"
		"  --json             the findings as one JSON object\n",
		cmd_check },
	{ "status", "[DOMAIN...] [-s SOCKET] [--json]",
		"nodes, links, pairs with their proof, streams, counters",
		"Of pairs, channels and streams those of these domains (four at most), or some "
		"hundred:\n"
		"those that fail or wait first.\n\n" SOCKET_HELP
		"  --json             one JSON object a line, as the daemon gave it\n",
		cmd_status },
	{ "peers", "[DOMAIN...] [-s SOCKET] [--json]",
		"foreign domains: state, proof, TLS, counters, and what to do about failures",
		"Only these domains (four at most), if there are any.\n\n" SOCKET_HELP
		"  --json             one JSON object a daemon\n",
		cmd_peers },
	{ "test-peer", "DOMAIN [--from LOCAL] [-s SOCKET] [--json]",
		"connect to a domain's server and explain each step, without a stanza",
		"Outer looks the domain up, connects, starts TLS, judges the certificate, proves "
		"itself, and\n"
		"closes again, as for a stanza. Done within a minute.\n\n" SOCKET_HELP
		"  --from LOCAL       the local domain that the stream is from (default: the "
		"first)\n"
		"  --json             one JSON object a step\n",
		cmd_test_peer },
	{ "trace", "[LOCAL FOREIGN] [-s SOCKET] [--json]",
		"follow the records of a pair of domains",
		"Without domains, or with `*` for one: any. Ends with Ctrl-C.\n\n" SOCKET_HELP
		"  --json             one JSON object a record\n",
		cmd_trace },
	{ "reload", "[-s SOCKET] [--json]", "make the daemons read their configuration again",
		SOCKET_HELP "  --json             the answers as JSON objects\n", cmd_reload },
	{ "cluster", "[DOMAIN...] [-s SOCKET] [--json]",
		"the nodes that a daemon knows, and why each pair is where it is",
		"Only the pairs of these domains (four at most), or some hundred.\n\n" SOCKET_HELP
		"  --json             one JSON object a daemon\n",
		cmd_cluster },
	{ "drain", "NODE [-s SOCKET] [--json]", "take all pairs away from a node, in order",
		"Asked of a node of the other kind, it takes its own pairs away. Asked of NODE "
		"itself, all "
		"others do,\n"
		"and it stops listening for servers; their streams that stand go on. Until "
		"`undrain` or a "
		"restart of NODE.\n\n" SOCKET_HELP
		"  --json             the answer as a JSON object\n",
		cmd_drain },
	{ "undrain", "NODE [-s SOCKET] [--json]", "let pairs go to a node again",
		SOCKET_HELP "  --json             the answer as a JSON object\n", cmd_undrain },
	{ "move", "LOCAL FOREIGN NODE [-s SOCKET] [--json]",
		"move a pair of domains to a node, and hold it there",
		"In order and without loss, when the node that has it has acknowledged all. It is "
		"held until that "
		"node dies,\n"
		"leaves or cannot reach the domain. `any` instead of NODE: it is not held any "
		"longer.\n\n" SOCKET_HELP "  --json             the answer as a JSON object\n",
		cmd_move },
	{ "expel", "INNER BOOT [-s SOCKET] [--json]",
		"say that a process of another inner is dead for good",
		"With shared leases, asked of an inner: pairs that wait because INNER and their "
		"outer "
		"are gone\n"
		"together go on. BOOT is its boot id, as `cluster` tells of pairs that wait. "
		"Never\n"
		"of one that lives and is only cut off.\n\n" SOCKET_HELP
		"  --json             the answer as a JSON object\n",
		cmd_expel },
	{ "attach", "SERVER [--config FILE] [--server NAME] [--trust PATH] [--json]",
		"print what an XMPP server needs to be attached to inner",
		"SERVER is one of prosody, ejabberd, jabberd2, openfire.\n\n"
		"  --config FILE      inner's configuration (default /etc/sallyport/inner.conf)\n"
		"  --server NAME      which server of it, when there are several\n"
		"  --trust PATH       where the server's host keeps the minting CA's certificate\n"
		"  --json             the parts as one JSON object\n",
		cmd_attach },
	{ "pki init",
		"DIR [--outer ID... --inner ID...] --domain NAME... [--days N]\n"
		"                          [--broker NAME=ADDR...] [--lab] [--lab-domain "
		"NAME[+NAME...]...] [--json]",
		"make the keys of the link, the minting CA and the dialback secrets",
		"Files that exist are kept, so nodes can be added later. With --domain alone: a "
		"minting CA,\nto follow the one in use.\n\n"
		"  --outer ID...      outer nodes, as in `node ID`\n"
		"  --inner ID...      inner nodes\n"
		"  --domain NAME...   local domains: the minting CA can sign nothing for "
		"them\n" BROKER_HELP
		"  --days N           how long certificates are valid (default 1825)\n"
		"  --lab              also a CA for tests that plays the public ones\n"
		"  --lab-domain NAME[+NAME...]  a certificate from it, for all these names\n"
		"  --json             what was made, as one JSON object\n",
		cmd_pki_init },
	{ "nats config",
		"DIR --broker NAME=ADDR... --outer ID... --inner ID... [--config FILE...]\n"
		"                             [--cluster NAME] [--keys PATH] [--store PATH] "
		"[--json]",
		"write the configurations of the brokers for the `nats` carrier",
		"DIR is the folder of pki init; the files go to DIR/bus.\n\n" BROKER_HELP
		"  --outer ID...      outer nodes\n"
		"  --inner ID...      inner nodes\n"
		"  --config FILE...   configurations of nodes, outers and inners, instead\n"
		"  --cluster NAME     name of the cluster (default sallyport)\n"
		"  --keys PATH        folder of the keys on the brokers' hosts (default: DIR/bus)\n"
		"  --store PATH       folder of the leases there (default /var/lib/nats)\n"
		"  --json             what was written, as one JSON object\n",
		cmd_nats_config },
};

int cli_usage(const char *message)
{
	fprintf(stderr, "sallyport: %s (try --help)\n", message);
	return EXIT_USAGE;
}

static void show_commands(FILE *to)
{
	fprintf(to, "usage: sallyport COMMAND ...\n\n");
	for (size_t i = 0; i < COUNT(commands); i++)
		fprintf(to, "  %-11s %s\n", commands[i].name, commands[i].summary);
	fprintf(to,
		"\n  sallyport COMMAND --help   says more\n"
		"  sallyport --version\n");
}

static int show_help(const struct command *command)
{
	printf("usage: sallyport %s %s\n\n%s.\n%s", command->name, command->usage, command->summary,
		command->help);
	return EXIT_OK;
}

/* How many of the first words are the command's name; 0 when it is another one. */
static size_t is_named(const struct command *command, const struct words *words)
{
	const char *name = command->name;

	for (size_t i = 0; i < words->n; i++) {
		size_t len = strcspn(name, " ");
		if (strlen(words->word[i]) != len || strncmp(words->word[i], name, len) != 0)
			return 0;
		if (name[len] == 0)
			return i + 1;
		name += len + 1;
	}
	return 0;
}

static int run(struct cli *c)
{
	if (c->version) {
		printf("sallyport %s\n", SALLYPORT_VERSION);
		return EXIT_OK;
	}
	for (size_t i = 0; i < COUNT(commands); i++) {
		size_t n = is_named(&commands[i], &c->words);
		if (n == 0)
			continue;
		if (c->help)
			return show_help(&commands[i]);
		memmove(c->words.word, c->words.word + n,
			(c->words.n - n) * sizeof(*c->words.word));
		c->words.n -= n;
		return commands[i].run(c);
	}
	show_commands(c->help ? stdout : stderr);
	return c->help ? EXIT_OK : EXIT_USAGE;
}

/* Every command knows these. */
/* clang-format off */
#define COMMON_ROWS(c)                                                                             \
	{ "--help", "-h", OPTION_FLAG, .flag = &(c)->help },                                       \
	{ "--version", "-V", OPTION_FLAG, .flag = &(c)->version },                                 \
	{ "--json", NULL, OPTION_FLAG, .flag = &(c)->json }
/* clang-format on */

static bool read_usual(int argc, char **argv, struct cli *c)
{
	const struct option_row rows[] = {
		COMMON_ROWS(c),
		{ "--socket", "-s", OPTION_VALUE, .value = &c->socket },
		{ "--from", NULL, OPTION_VALUE, .value = &c->from },
		{ "--print", NULL, OPTION_FLAG, .flag = &c->print },
		{ "--outer", NULL, OPTION_FLAG, .flag = &c->outer },
		{ "--inner", NULL, OPTION_FLAG, .flag = &c->inner },
		{ "--config", NULL, OPTION_VALUE, .value = &c->config },
		{ "--server", NULL, OPTION_VALUE, .value = &c->server },
		{ "--trust", NULL, OPTION_VALUE, .value = &c->trust },
	};

	return options_read(argc, argv, rows, COUNT(rows), &c->words);
}

static bool read_pki(int argc, char **argv, struct cli *c)
{
	const struct option_row rows[] = {
		COMMON_ROWS(c),
		{ "--outer", NULL, OPTION_LIST, .list = &c->outers },
		{ "--inner", NULL, OPTION_LIST, .list = &c->inners },
		{ "--domain", NULL, OPTION_LIST, .list = &c->domains },
		{ "--lab", NULL, OPTION_FLAG, .flag = &c->lab },
		{ "--lab-domain", NULL, OPTION_LIST, .list = &c->lab_domains },
		{ "--days", NULL, OPTION_VALUE, .value = &c->days },
		{ "--broker", NULL, OPTION_LIST, .list = &c->brokers },
	};

	return options_read(argc, argv, rows, COUNT(rows), &c->words);
}

static bool read_nats(int argc, char **argv, struct cli *c)
{
	const struct option_row rows[] = {
		COMMON_ROWS(c),
		{ "--broker", NULL, OPTION_LIST, .list = &c->brokers },
		{ "--outer", NULL, OPTION_LIST, .list = &c->outers },
		{ "--inner", NULL, OPTION_LIST, .list = &c->inners },
		{ "--config", NULL, OPTION_LIST, .list = &c->configs },
		{ "--cluster", NULL, OPTION_VALUE, .value = &c->cluster },
		{ "--keys", NULL, OPTION_VALUE, .value = &c->keys },
		{ "--store", NULL, OPTION_VALUE, .value = &c->store },
	};

	return options_read(argc, argv, rows, COUNT(rows), &c->words);
}

static bool read_options(int argc, char **argv, struct cli *c)
{
	const char *group = argc > 1 ? argv[1] : "";

	if (strcmp(group, "pki") == 0)
		return read_pki(argc, argv, c);
	if (strcmp(group, "nats") == 0)
		return read_nats(argc, argv, c);
	return read_usual(argc, argv, c);
}

int main(int argc, char **argv)
{
	struct cli c = { 0 };
	int code = read_options(argc, argv, &c) ? run(&c) : EXIT_USAGE;

	if (fflush(stdout) != 0 && code == EXIT_OK)
		code = EXIT_FAILED;
	words_free(&c.words);
	words_free(&c.outers);
	words_free(&c.inners);
	words_free(&c.domains);
	words_free(&c.lab_domains);
	words_free(&c.brokers);
	words_free(&c.configs);
	return code;
}
