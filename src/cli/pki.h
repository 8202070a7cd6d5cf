/* SPDX-License-Identifier: Apache-2.0 */
/* Between the parts of `sallyport pki init`. */
#ifndef CLI_PKI_H
#define CLI_PKI_H

#include "base/arena.h"
#include "base/json.h"
#include "cli/cli.h"
#include "net/pki.h"

struct pki {
	const char *dir;
	unsigned days;
	bool json;
	struct arena arena; /* paths and prepared names */
	struct buf text; /* what is shown at the end, unless json */
	struct buf json_text;
	struct json j;
};

/* Each keeps what exists, notes what it made, and says on stderr why it could not. host: which host needs the files. */
struct net_pki_ca *pki_ca(struct pki *p, const char *folder, const char *name,
	const struct words *excluded, const char *host, const char *key_host);
bool pki_leaf(struct pki *p, struct net_pki_ca *ca, const char *folder, struct str stem,
	const struct words *names, const char *host);

/* The certificates of brokers and nodes on the bus. */
bool pki_bus(struct pki *p, const struct cli *c);

#endif
