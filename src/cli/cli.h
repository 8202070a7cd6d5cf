/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of `sallyport`; main.c has the table. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "cli/options.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* What the command line said. */
struct cli {
	struct words words; /* after the command */
	const char *socket; /* -s, or NULL */
	bool json;
	bool help;
	bool version;
	const char *from; /* test-peer */
	/* check */
	bool print;
	bool outer;
	bool inner;
	/* attach */
	const char *config;
	const char *server;
	const char *trust;
	/* pki init */
	struct words outers;
	struct words inners;
	struct words domains;
	bool lab;
	struct words lab_domains;
	const char *days;
	struct words brokers; /* nats config as well */
	/* nats config */
	struct words configs;
	const char *cluster;
	const char *keys;
	const char *store;
};

struct command {
	const char *name; /* one word or two */
	const char *usage; /* words and options after the name */
	const char *summary; /* one line */
	const char *help; /* the rest of --help */
	int (*run)(const struct cli *c); /* the exit code */
};

int cmd_check(const struct cli *c);
int cmd_status(const struct cli *c);
int cmd_peers(const struct cli *c);
int cmd_trace(const struct cli *c);
int cmd_test_peer(const struct cli *c);
int cmd_reload(const struct cli *c);
int cmd_cluster(const struct cli *c);
int cmd_drain(const struct cli *c);
int cmd_undrain(const struct cli *c);
int cmd_move(const struct cli *c);
int cmd_expel(const struct cli *c);
int cmd_attach(const struct cli *c);
int cmd_pki_init(const struct cli *c);
int cmd_nats_config(const struct cli *c);

/* Prints "sallyport: ..." on stderr and returns EXIT_USAGE. */
int cli_usage(const char *message);

#endif
