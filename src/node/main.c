/* SPDX-License-Identifier: Apache-2.0 */
/* The arguments of a daemon. */
#include "node/node.h"

#include <getopt.h>
#include <stdio.h>

#include "base/file.h"
#include "net/nats.h"
#include "node/preflight.h"
#include "node/settings.h"

enum { MESSAGES_MAX = 4 << 20 };

/* -n: the configuration was good; are the files that it names? Takes c over. */
static int check_files(struct config *c)
{
	struct buf messages;

	buf_init(&messages, MESSAGES_MAX);
	bool good = preflight(c, (long long)(net_wall_ms() / 1000), &messages);
	file_write(&messages, stderr);
	buf_done(&messages);
	config_free(c);
	return good ? 0 : 1;
}

static void print_version(const struct node_role *role)
{
	const char *nats = net_nats_version();

	printf("%s %s\n", role->program, SALLYPORT_VERSION);
	printf("carriers: tcp%s%s%s\n", nats ? ", nats (libnats " : "", nats ? nats : "",
		nats ? ")" : "");
}

static int usage(const struct node_role *role, FILE *to)
{
	fprintf(to,
		"usage: %s [-n] [-c FILE]\n"
		"  -c FILE  configuration (default /etc/sallyport/%s.conf)\n"
		"  -n       only check the configuration\n"
		"  -V       print the version\n",
		role->program, role->link == LINK_OUTER ? "outer" : "inner");
	return to == stdout ? 0 : 2;
}

int node_main(int argc, char **argv, const struct node_role *role)
{
	const char *path = role->link == LINK_OUTER ? "/etc/sallyport/outer.conf"
						    : "/etc/sallyport/inner.conf";
	bool only_check = false;
	int opt;

	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};

	while ((opt = getopt_long(argc, argv, "c:nVh", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			path = optarg;
			break;
		case 'n':
			only_check = true;
			break;
		case 'V':
			print_version(role);
			return 0;
		case 'h':
			return usage(role, stdout);
		default:
			return usage(role, stderr);
		}
	}
	struct buf errors;
	buf_init(&errors, MESSAGES_MAX);
	struct config *c = settings_read(role->config, path, &errors);
	file_write(&errors, stderr);
	buf_done(&errors);
	if (!c)
		return 1;
	if (only_check)
		return check_files(c);
	return node_run(role, path, c);
}
