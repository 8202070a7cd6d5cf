/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reasons come from the system and from OpenSSL, whose words differ by version: a part of the text decides. First match
 * wins.
 */
#include "node/advice.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *part;
	const char *advice;
} rows[] = {
	{ "no broker",
		"start the brokers that `nats` names; their logs say whether they take this node's "
		"certificate, and theirs have to name their addresses" },
	{ "no answer from that node",
		"start sallyport-outer there; both nodes need `nats` with brokers of one cluster" },
	{ "messages were lost",
		"nothing: a broker went away or is overloaded, and the link begins anew" },
	{ "refused by the far node",
		"add this node to `accept` of `listen link nats` in outer.conf" },
	{ "than the subject",
		"a broker lets a node speak on the subject of another one: see its permissions" },
	{ "connection refused",
		"start sallyport-outer there, or correct the address of `link` in inner.conf" },
	{ "timed out",
		"see whether a firewall drops packets between inner and outer on the link's port" },
	{ "unreachable",
		"there is no route from inner to that address: correct `link` or the network" },
	{ "certificate is for another node",
		"the name in `link NAME` is not that of the node that listens there" },
	{ "not accepted here", "add the node to `accept` of `listen link` in outer.conf" },
	{ "certificate has expired", "make new node certificates: sallyport pki init" },
	{ "not yet valid", "set the clocks of both hosts" },
	{ "unknown ca", "both nodes need certificates of one link CA: `trust` names another" },
	{ "self-signed", "both nodes need certificates of one link CA: `trust` names another" },
	{ "self signed", "both nodes need certificates of one link CA: `trust` names another" },
	{ "issuer certificate",
		"both nodes need certificates of one link CA: `trust` names another" },
	{ "verify failed", "both nodes need certificates of one link CA: `trust` names another" },
	{ "did not return a certificate",
		"what connected is no node: only inner nodes connect to the link's port" },
	{ "no TLS handshake in time", "what connected is no node, or the line loses packets" },
	{ "wrong version number", "the port of `link` is not that of `listen link` in outer.conf" },
	{ "frame length", "the nodes run releases that are too far apart, or this is an attack" },
	{ "version",
		"the nodes run releases that are too far apart: upgrade the older, one release at "
		"a time" },
	{ "catalogue",
		"the nodes run releases that are too far apart: upgrade the older, one release at "
		"a time" },
	{ "another process", "two nodes have one name: give each `node` a name of its own" },
};

const char *advice_link(const char *reason)
{
	for (size_t i = 0; reason && i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcasestr(reason, rows[i].part))
			return rows[i].advice;
	}
	return NULL;
}
