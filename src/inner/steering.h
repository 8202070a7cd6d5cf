/* SPDX-License-Identifier: Apache-2.0 */
/* The steering responder of the configuration: where it listens, and which inners its answers (steer.h) name. */
#ifndef INNER_STEERING_H
#define INNER_STEERING_H

#include "config/config.h"
#include "inner/steer.h"
#include "net/udp.h"

struct steering {
	bool (*is_local)(void *user, struct str domain); /* the domain in A-labels */
	void *user;
	struct steer steer;
	struct net_dns_server *dns;
	struct str addr;
};

/* Opens, moves or closes the responder as the configuration says; false: it is as it was, and err says why. */
bool steering_start(struct steering *s, struct net_loop *loop, const struct config *c, char *err,
	size_t err_size);
void steering_done(struct steering *s);

#endif
