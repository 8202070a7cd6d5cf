/* SPDX-License-Identifier: Apache-2.0 */
/* The command line. `sallyport-load --help` prints the table in options.c. */
#ifndef LOAD_OPTIONS_H
#define LOAD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum role { ROLE_SOURCE = 1, ROLE_SINK = 2, ROLE_RUN = 3 };
enum tls_mode { TLS_STARTTLS, TLS_DIRECT, TLS_NONE };
enum auth_mode { AUTH_AUTO, AUTH_EXTERNAL, AUTH_DIALBACK, AUTH_NONE };

enum { WATCH_MAX = 16 };

struct options {
	enum role role;
	const char *connect, *listen, *bind;
	const char *certificate, *key; /* of the source */
	const char *sink_certificate, *sink_key; /* default: those of the source */
	const char *from, *to; /* % becomes the pair's number */
	enum tls_mode tls;
	enum auth_mode auth;
	bool no_external, no_dialback; /* the sink does not offer it */
	bool cold;
	uint64_t pairs, streams, messages, warmup, rate, bytes, record, hold, timeout, parallel,
		bind_spread, hops;
	uint64_t watch[WATCH_MAX];
	unsigned watches;
};

/* False when the program should end with ret_status; it has said why. */
bool options_parse(int argc, char **argv, struct options *ret_options, int *ret_status);

/* text with % replaced by the four-digit number n; the caller frees it. */
char *pattern_expand(const char *text, uint64_t n);

#endif
