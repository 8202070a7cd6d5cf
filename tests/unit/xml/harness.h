/* SPDX-License-Identifier: Apache-2.0 */
/* Feeding a reader in cuts, and a text form of what came out, for tables of cases. */
#ifndef TEST_XML_HARNESS_H
#define TEST_XML_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rows.h"
#include "xml/names.h"
#include "xml/reader.h"
#include "xml/writer.h"

#define ROOT                                                                                       \
	"<stream:stream xmlns='jabber:server' xmlns:stream='" NS_STREAM "' xmlns:db='"             \
	"jabber:server:dialback'>"
#define TAIL "</stream:stream>"

/*
 * Appends the text form of a tree: {ns}name, attributes as @{ns}name='value', then
 * children in parentheses, text in double quotes. jabber:server and no namespace
 * at attributes are left out.
 */
void dump_tree(struct buf *out, const struct xml_node *e);

/*
 * Feeds doc in pieces: the first of `first` bytes, the others of `step`. Appends what
 * happened to out, separated by spaces: OPEN with the root, each stanza, CLOSE, and
 * "!error" or, when input ended inside a token or element, "...".
 */
void feed(struct xml_reader *r, struct str doc, size_t first, size_t step, struct buf *out);

/* Runs doc whole, byte by byte and split at each offset; each must give want. */
void expect_document(
	const char *name, const struct xml_limits *limits, struct str doc, const char *want);

/* As expect_document() inside ROOT (not closed); want leaves out the OPEN. */
void expect_inside(
	const char *name, const struct xml_limits *limits, struct str stanzas, const char *want);

/* Reads one stanza (inside ROOT) that must be good. The reader owns it. */
struct xml_node *read_stanza(struct xml_reader *r, struct str stanza);

#endif
