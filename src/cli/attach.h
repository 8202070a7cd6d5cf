/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recipes of `sallyport attach`: what has to be said in which file of an XMPP server so that it sends
 * everything to inner, and, in KIND-component, so that it has foreign domains as components. The texts lie in
 * src/cli/attach/ and are compiled in. A line of them that begins with `%` is
 *
 *	%part NAME WHERE   the lines up to the next one belong there
 *	%if WORD ... %end  only when WORD holds: pkix, dialback, v4, v6 (inner's address), steer4, steer6, alone
 *	                   (nothing is steered), remote4, remote6 (address of the components, unless of this host);
 *	                   not nested
 *	%each component ... %end  once for each foreign domain that is a component of the server
 *	%include NAME      another text
 *	%%...              a line that begins with one `%`
 *
 * and {{word}} stands for a value of the configuration.
 */
#ifndef CLI_ATTACH_H
#define CLI_ATTACH_H

#include "base/buf.h"
#include "config/config.h"

struct attach_text {
	const char *name;
	const char *text;
};
extern const struct attach_text attach_texts[];
extern const size_t n_attach_texts;

/* What a recipe is filled in from. */
struct attach_site {
	const struct config *config; /* of inner */
	const struct config_server *server;
	const char *
		trust; /* where the server's host keeps the minting CA's certificate; NULL: the usual place */
};

struct attach_part {
	struct str name; /* in the recipe's text */
	struct str where;
	size_t from, to; /* its lines in attach_result.lines */
};

enum { ATTACH_PARTS = 20 };

struct attach_result {
	struct buf lines;
	struct attach_part parts[ATTACH_PARTS];
	size_t n;
};

/*
 * Fills in the recipe for this kind of server ("prosody"). Returns NULL, or why it cannot be done. The caller frees the
 * result with attach_done() in both cases.
 */
const char *attach_fill(
	const char *kind, const struct attach_site *site, struct attach_result *ret_result);
void attach_done(struct attach_result *r);

/* The kinds of servers, in one line. */
extern const char attach_kinds[];

#endif
