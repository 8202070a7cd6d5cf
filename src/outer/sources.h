/* SPDX-License-Identifier: Apache-2.0 */
/* Whom DNS is asked of, and what its signatures are trusted by: as the configuration says, also after a reload. */
#ifndef OUTER_SOURCES_H
#define OUTER_SOURCES_H

#include "base/buf.h"
#include "config/config.h"
#include "net/resolver.h"

struct sources {
	struct net_loop *loop;
	bool (*may_dial)(void *user, const struct net_addr *addr);
	void *user;
	struct net_resolver *resolver; /* NULL until the first refresh; the same ever after */
	struct buf text; /* all that it was made from */
};

/* may_dial: of struct net_resolver_settings. */
void sources_init(struct sources *s, struct net_loop *loop,
	bool (*may_dial)(void *user, const struct net_addr *addr), void *user);
void sources_done(struct sources *s);
/*
 * By this configuration from now on; what is under way ends with the old one. What is cached is kept as long as
 * neither the statements nor the files that they name have changed. False with a message in err: nothing has.
 */
bool sources_refresh(struct sources *s, const struct config *c, char *err, size_t err_size);

#endif
