/* SPDX-License-Identifier: Apache-2.0 */
/* Which foreign domains reach which local server as its component (XEP-0114), and by which secret. */
#ifndef INNER_COMPONENTS_H
#define INNER_COMPONENTS_H

#include "base/table.h"
#include "config/config.h"

struct components {
	struct table
		by_domain; /* foreign domain -> its struct entry of the last server that has it */
};

void components_init(struct components *c);
void components_done(struct components *c);
/* Reads the files with the secrets. False, with a message: c is as after components_init(). The configuration must
 * outlive what was loaded. */
bool components_load(struct components *c, const struct config *config, char *err, size_t err_size);

/* The component that foreign is of this server, or NULL. */
const struct config_component *components_find(
	const struct components *c, const struct config_server *s, struct str foreign);
/* XEP-0114 section 3: the digest for the stream with this id. False: it is no component there. */
bool components_handshake(const struct components *c, const struct config_server *s,
	struct str foreign, struct str id, char ret_hex[41]);

#endif
