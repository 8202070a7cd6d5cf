/* SPDX-License-Identifier: Apache-2.0 */
#include "s2s/traffic.h"

#include "xml/names.h"

void traffic_done(struct traffic *t)
{
	distinct_done(&t->recipients);
}

uint64_t traffic_charge(
	struct traffic *t, const struct s2s_traffic_limits *limits, size_t bytes, uint64_t now)
{
	uint64_t for_stanzas = rate_charge(&t->stanzas, &limits->stanzas, 1, now);
	uint64_t for_bytes = rate_charge(&t->bytes, &limits->bytes, bytes, now);

	return for_stanzas > for_bytes ? for_stanzas : for_bytes;
}

/* Asks somebody to let the sender see his presence (RFC 6121 section 3.1). */
static bool is_subscription(const struct xml_node *e)
{
	return str_is(xml_attr_get(e, "type"), "subscribe");
}

/* XEP-0045 section 7.2: presence without a type, with the element that says "I know rooms". */
static bool is_join(const struct xml_node *e)
{
	return !xml_attr_get(e, "type").p && xml_child(e, STRL(NS_MUC), "x");
}

/* XEP-0045 section 7.8: mediated by a room, or direct (XEP-0249). */
static bool is_invitation(const struct xml_node *e)
{
	const struct xml_node *x = xml_child(e, STRL(NS_MUC_USER), "x");

	return (x && xml_child(x, STRL(NS_MUC_USER), "invite")) ||
		xml_child(e, STRL(NS_CONFERENCE), "x");
}

/* local@domain, in which the recipient's other resources count as one. */
static struct str bare(const struct jid *j)
{
	size_t resource = j->resource.len ? j->resource.len + 1 : 0;

	return str_from(j->full.p, j->full.len - resource);
}

enum s2s_excess traffic_judge(struct traffic *t, const struct s2s_traffic_limits *limits,
	const struct s2s_stanza *stanza, uint64_t now)
{
	const struct xml_node *e = stanza->node;
	bool presence = str_is(e->name, "presence");
	bool request =
		presence ? is_subscription(e) : str_is(e->name, "message") && is_invitation(e);

	if (request && !rate_take(&t->requests, &limits->requests, 1, now))
		return S2S_EXCESS_REQUESTS;
	if (presence && is_join(e) && !rate_take(&t->joins, &limits->joins, 1, now))
		return S2S_EXCESS_JOINS;
	if (!distinct_add(&t->recipients, bare(&stanza->to), limits->recipients, now))
		return S2S_EXCESS_RECIPIENTS;
	return S2S_EXCESS_NONE;
}
