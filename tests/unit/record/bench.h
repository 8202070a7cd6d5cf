/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of records share: one reader, and the way of a stanza through all forms. */
#ifndef TESTS_RECORD_BENCH_H
#define TESTS_RECORD_BENCH_H

#include "record/record.h"
#include "xml/reader.h"

struct bench {
	struct xml_dict *dict;
	struct xml_reader *reader; /* of the stanza under test */
	struct xml_reader *another; /* for what came out */
	struct arena arena;
	struct buf cbor;
	struct buf xml;
	struct record record; /* made from the stanza */
	struct record again; /* decoded from cbor */
	struct record_report report;
	const char *fault; /* of the decoder */
};

void bench_init(struct bench *b);
void bench_done(struct bench *b);

/* The tree of a stanza in a stream whose content namespace is jabber:server. */
struct xml_node *bench_read(struct bench *b, struct xml_reader *r, struct str xml);

/*
 * Stanza to record; on COND_NONE also to CBOR (b->cbor), back (b->again, b->fault), and to XML
 * (b->xml). from and to are taken from the stanza, or juliet and romeo.
 */
enum record_condition bench_pass(struct bench *b, const char *xml, enum record_profile profile);

/* Decodes b->cbor into b->again and b->fault. */
void bench_decode(struct bench *b, enum record_profile profile);

/* Equal but for the order of attributes. */
bool bench_same_tree(const struct xml_node *a, const struct xml_node *b);

/*
 * What came out, read again and passed again, gives the same bytes in both forms. Fails the
 * test when not.
 */
void bench_check_fixed_point(struct bench *b, enum record_profile profile);

#endif
