/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Just enough XML to follow a stream set-up. A measuring tool talks only to
 * programs under test: it trusts them, and finds elements by their customary prefixes.
 */
#ifndef LOAD_SCAN_H
#define LOAD_SCAN_H

#include "base/str.h"

struct element {
	struct str name; /* as written, with prefix; "/stream:stream" for the stream's end */
	struct str head; /* the start tag */
	struct str body; /* between start and end tag */
	size_t len; /* bytes from the front of the input, white space before it included */
};

enum scan { SCAN_MORE, SCAN_ELEMENT, SCAN_BAD };

/* The first element of in, which lies between elements. A stream header is an element without body.
 */
enum scan scan_element(struct str in, struct element *ret_element);

/* The value of an attribute of a start tag, empty when it is not there. */
struct str scan_attr(struct str head, const char *name);

bool scan_has(struct str s, const char *needle);

#endif
