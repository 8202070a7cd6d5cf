/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generic elements (profile open) have no number that says anything: they are found by namespace and name, and an
 * element that has a row of the catalogue but did not fit it is as suspicious as what the row's function would refuse.
 */
#include "policy/judge.h"

struct suspect {
	struct str ns;
	const char *name; /* NULL: any */
	enum config_rule_id rule;
};

#define NS_ROSTER "jabber:iq:roster"
#define NS_PRIVATE "jabber:iq:private"
#define NS_PRIVACY "jabber:iq:privacy"
#define NS_BLOCKING "urn:xmpp:blocking"
#define NS_PUSH "urn:xmpp:push:0"
#define NS_AUTH "jabber:iq:auth"
#define NS_BIND "urn:ietf:params:xml:ns:xmpp-bind"
#define NS_SESSION "urn:ietf:params:xml:ns:xmpp-session"
#define NS_ADDRESS "http://jabber.org/protocol/address"
#define NS_PRIVILEGE1 "urn:xmpp:privilege:1"
#define NS_PRIVILEGE2 "urn:xmpp:privilege:2"
#define NS_DELEGATION1 "urn:xmpp:delegation:1"
#define NS_DELEGATION2 "urn:xmpp:delegation:2"
#define NS_CARBONS1 "urn:xmpp:carbons:1"

static const struct suspect suspects[] = {
	{ STR(NS_ROSTER), NULL, CONFIG_RULE_ROSTER },
	{ STR(NS_PRIVATE), NULL, CONFIG_RULE_ACCOUNT },
	{ STR(NS_PRIVACY), NULL, CONFIG_RULE_ACCOUNT },
	{ STR(NS_BLOCKING), NULL, CONFIG_RULE_ACCOUNT },
	{ STR(NS_PUSH), NULL, CONFIG_RULE_ACCOUNT },
	{ STR(NS_AUTH), NULL, CONFIG_RULE_ACCOUNT },
	{ STR(NS_BIND), NULL, CONFIG_RULE_ACCOUNT },
	{ STR(NS_SESSION), NULL, CONFIG_RULE_ACCOUNT },
	{ STR(NS_MAM), "prefs", CONFIG_RULE_ACCOUNT },
	{ STR(NS_CARBONS), "enable", CONFIG_RULE_ACCOUNT },
	{ STR(NS_CARBONS), "disable", CONFIG_RULE_ACCOUNT },
	{ STR(NS_CARBONS), "sent", CONFIG_RULE_CARBONS },
	{ STR(NS_CARBONS), "received", CONFIG_RULE_CARBONS },
	{ STR(NS_CARBONS1), NULL, CONFIG_RULE_CARBONS },
	{ STR(NS_ADDRESS), NULL, CONFIG_RULE_MULTICAST },
	{ STR(NS_PRIVILEGE1), NULL, CONFIG_RULE_PRIVILEGE },
	{ STR(NS_PRIVILEGE2), NULL, CONFIG_RULE_PRIVILEGE },
	{ STR(NS_DELEGATION1), NULL, CONFIG_RULE_PRIVILEGE },
	{ STR(NS_DELEGATION2), NULL, CONFIG_RULE_PRIVILEGE },
	/* Those that have a row which they do not fit. */
	{ STR(NS_SID), "stanza-id", CONFIG_RULE_STANZA_ID },
	{ STR(NS_DELAY), NULL, CONFIG_RULE_DELAY },
	{ STR(NS_X_DELAY), NULL, CONFIG_RULE_DELAY },
	{ STR(NS_MAM), "result", CONFIG_RULE_ARCHIVE },
	{ STR(NS_PUBSUB_EVENT), NULL, CONFIG_RULE_EVENTS },
	{ STR(NS_XHTML_IM), NULL, CONFIG_RULE_SCRIPTS },
	{ STR(NS_XHTML), NULL, CONFIG_RULE_SCRIPTS },
	{ STR(NS_OOB), NULL, CONFIG_RULE_LINKS },
	{ STR(NS_REFERENCE), NULL, CONFIG_RULE_LINKS },
	{ STR(NS_SIMS), NULL, CONFIG_RULE_LINKS },
	{ STR(NS_SFS), NULL, CONFIG_RULE_LINKS },
	{ STR(NS_JINGLE), NULL, CONFIG_RULE_CANDIDATES },
	{ STR(NS_BYTESTREAMS), NULL, CONFIG_RULE_CANDIDATES },
};

static const struct suspect *find_suspect(const struct xml_node *e)
{
	for (size_t i = 0; i < sizeof(suspects) / sizeof(suspects[0]); i++) {
		if (str_eq(e->ns, suspects[i].ns) &&
			(!suspects[i].name || str_is(e->name, suspects[i].name)))
			return &suspects[i];
	}
	return NULL;
}

bool judge_generic(struct judge *j, struct xml_node *e)
{
	const struct suspect *s = find_suspect(e);

	if (str_is(e->ns, NS_LABEL))
		return judge_label(j, e);
	if (!s || !j->inbound || !judge_on(j, s->rule))
		return false;
	/* An error may hold what it answers: the asker has to learn of it. */
	if (j->r->kind != RECORD_IQ || j->r->type == RECORD_ERROR) {
		judge_note(j, s->rule, e);
		return true;
	}
	judge_refuse(j, s->rule, COND_SERVICE_UNAVAILABLE, "not offered to other domains");
	return false;
}
