/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules about what is said in the name of others: an id that one of our servers is said to have given, a delay
 * that it noted, an archive or a node that the sender cannot speak for.
 */
#include "policy/judge.h"

bool judge_stanza_id(struct judge *j, struct xml_node *e)
{
	struct jid by;

	if (!j->inbound || !judge_address(e, AT_BY, &by) || !policy_is_local(j->c, by.domain) ||
		!judge_on(j, CONFIG_RULE_STANZA_ID))
		return false;
	judge_note(j, CONFIG_RULE_STANZA_ID, e);
	return true;
}

/* Some rooms name the speaker there in their history: that a message is old stays visible. */
bool judge_delay(struct judge *j, struct xml_node *e)
{
	struct jid from;

	if (!j->inbound || !judge_address(e, AT_FROM, &from) ||
		!policy_is_local(j->c, from.domain) || !judge_on(j, CONFIG_RULE_DELAY))
		return false;
	judge_note(j, CONFIG_RULE_DELAY, e);
	if (j->r->type != RECORD_GROUPCHAT)
		return true;
	judge_remove_attr(e, AT_FROM);
	return false;
}

/* Of what address is the message inside that the archive claims to hold? */
static bool is_of_archive(const struct judge *j, const struct xml_node *result)
{
	const struct xml_node *forwarded = judge_child(result, EL_FORWARD_FORWARDED);
	const struct xml_node *message =
		forwarded ? judge_child(forwarded, EL_CLIENT_MESSAGE) : NULL;
	struct jid from;

	return message && judge_address(message, AT_FROM, &from) &&
		str_eq(from.domain, j->r->from.domain) && str_eq(from.local, j->r->from.local) &&
		!(j->r->from.local.len && j->r->from.resource.len);
}

bool judge_archive(struct judge *j, struct xml_node *e)
{
	if (!j->inbound || is_of_archive(j, e) || !judge_on(j, CONFIG_RULE_ARCHIVE))
		return false;
	judge_note(j, CONFIG_RULE_ARCHIVE, e);
	return true;
}

bool judge_event(struct judge *j, struct xml_node *e)
{
	if (j->inbound && j->r->from.local.len && j->r->from.resource.len &&
		judge_on(j, CONFIG_RULE_EVENTS)) {
		judge_note(j, CONFIG_RULE_EVENTS, e);
		return true;
	}
	return judge_links(j, e);
}
