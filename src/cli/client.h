/* SPDX-License-Identifier: Apache-2.0 */
/* The client side of node/control.h: finds the sockets of the daemons, asks, reads the answer. */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include "base/buf.h"
#include "cli/cli.h"

enum {
	CLIENT_REQUEST_MAX = 1024, /* bytes of a line that a daemon takes */
	CLIENT_ANSWER_MAX = 256 << 20,
	CLIENT_TIMEOUT_MS = 10000,
};

/*
 * The sockets to ask: -s, else $SALLYPORT_CONTROL, else those of /run/sallyport/outer.sock and
 * inner.sock that exist. False with a message on stderr when there is none.
 */
bool client_sockets(const struct cli *c, struct words *ret_paths);

/* Connects and sends one line; the descriptor, or -1 with a message on stderr. */
int client_ask(const char *path, const char *request);

/* Asks and reads the whole answer; false with a message on stderr. */
bool client_answer(const char *path, const char *request, struct buf *ret_answer);

#endif
