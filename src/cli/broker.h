/* SPDX-License-Identifier: Apache-2.0 */
/* The brokers of a cluster on the `nats` carrier, as the command line names them. */
#ifndef CLI_BROKER_H
#define CLI_BROKER_H

#include "cli/options.h"
#include "config/address.h"

enum { BROKERS_MOST = 9, BUS_NODES_MOST = 64, BUS_ID_MOST = 63 };

/* NAME=ADDRESS[:PORT][,ADDRESS[:PORT]]: where nodes connect, and where the other brokers do. */
struct broker {
	char name[BUS_ID_MOST + 1];
	char clients[ADDRESS_TEXT]; /* with port, 4222 unless given */
	char routes[ADDRESS_TEXT]; /* the first address with port 6222 unless given */
};

/* The bucket of leases; its stream is KV_leases. */
#define BUS_BUCKET "leases"

/* Everything that takes part: names are distinct, because certificates and users are called after them. */
struct bus {
	struct broker brokers[BROKERS_MOST];
	size_t n_brokers;
	const struct words *outers;
	const struct words *inners;
};

/* False, and a line on stderr, when the words do not make a cluster. */
bool bus_read(const struct words *brokers, const struct words *outers, const struct words *inners,
	struct bus *ret_bus);
/* The same letters as in `node ID`, and not `ca`: the name of a file as well. */
bool bus_good_id(const char *id);

#endif
