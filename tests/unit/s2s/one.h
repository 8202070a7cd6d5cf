/* SPDX-License-Identifier: Apache-2.0 */
/* The most used world: b.example connects by direct TLS to a peer that proves to be a.example, and is a script. */
#ifndef TEST_S2S_ONE_H
#define TEST_S2S_ONE_H

#include "dialogue.h"

struct one {
	struct world w;
	struct node n;
	struct node *nodes[2]; /* n, NULL */
	struct wire *peer; /* the script's end, of one_ready() */
};

void one_begin(struct one *t);
void one_end(struct one *t);
/* The face wants a connection: it gets one that leads to a ready stream. */
void one_ready(struct one *t);

#endif
