/* SPDX-License-Identifier: Apache-2.0 */
/* For the files that decode a record: the walk (decode.c), and an element in either form (decode_element.c). */
#ifndef RECORD_DECODER_H
#define RECORD_DECODER_H

#include "base/cbor.h"
#include "record/fit.h"

struct frame {
	struct xml_node *e; /* NULL: the record itself */
	struct xml_node **tail; /* where the next child goes */
	size_t left; /* items not yet read */
	struct place place; /* of the children */
	struct place around; /* of e itself */
	bool after_text;
};

struct decoder {
	struct cbor_reader r;
	const struct record_limits *limits;
	enum record_profile profile;
	struct arena *arena;
	unsigned elements;
	struct frame *top;
	struct frame stack[RECORD_DEPTH_MAX];
};

/* Appends a node to the children of the top frame; NULL when there is no room. */
struct xml_node *decoder_add(struct decoder *d, enum xml_kind kind);

/* A value, id, language or namespace name: not longer than it may be? */
void decoder_check_value(struct decoder *d, struct str value);

/*
 * An element whose number, or EL_GENERIC, was read; items follow its attributes. An element with children becomes the
 * top frame.
 */
void decode_typed(struct decoder *d, uint64_t number, size_t items);
void decode_generic(struct decoder *d, size_t items);
/* A generic element is complete: only those may pass that would not fit their row. */
void decode_check_generic(struct decoder *d, struct xml_node *e, const struct place *around);

#endif
