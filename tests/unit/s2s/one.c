/* SPDX-License-Identifier: Apache-2.0 */
#include "one.h"

void one_begin(struct one *t)
{
	*t = (struct one){ 0 };
	world_init(&t->w, false);
	node_init(&t->n, &t->w, "b.example");
	t->n.direct_tls = true;
	t->n.trusted = "a.example";
	t->nodes[0] = &t->n;
}

void one_end(struct one *t)
{
	node_done(&t->n);
	world_done(&t->w);
}

void one_ready(struct one *t)
{
	t->peer = script_accept(&t->n);
	script_send(t->peer, ANSWER("i") FEATURES(OFFER_SASL) "<success" SASL "/>");
	script_send(t->peer, ANSWER("j") FEATURES(""));
}
