/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed values. In a tree every value is its text, in canonical form; on the link
 * numbers are integers, base64 is bytes, words of a list are their position.
 */
#ifndef RECORD_VALUE_H
#define RECORD_VALUE_H

#include "base/arena.h"
#include "base/cbor.h"
#include "record/catalogue.h"

/*
 * Does the text fit the type? ret_value is its canonical form: in itself, or in the
 * arena. Also false when the arena's limit is passed.
 */
bool value_fit(enum value_type type, struct str in, struct arena *a, struct str *ret_value);

/* Appends a value that fits; false only when the limit of out would be passed. */
bool value_encode(struct buf *out, enum value_type type, struct str value);

/* The canonical text of the next item. What does not fit is a fault of the reader. */
struct str value_decode(struct cbor_reader *r, enum value_type type, struct arena *a);

static inline bool value_is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* A text without anything but white space. */
bool value_is_blank(struct str s);

#endif
