/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One look at each child of the stanza. `looks` says by catalogue number which function looks; 0 is none, and what
 * plain chat is made of has none.
 *
 * Nothing here refuses a message of a room to its members: the error would go to the room, which would throw the
 * member out (XEP-0045 section 7.14). Such a message is stripped or dropped.
 */
#include "policy/content.h"

#include "policy/judge.h"

bool policy_is_local(const struct config *c, struct str domain)
{
	for (size_t i = 0; i < c->n_domains; i++) {
		if (str_eq(c->domains[i].name, domain))
			return true;
	}
	for (size_t i = 0; i < c->n_servers; i++) {
		for (size_t k = 0; k < c->servers[i].n_domains; k++) {
			if (str_eq(c->servers[i].domains[k], domain))
				return true;
		}
	}
	return false;
}

/* --- the table --- */

enum look {
	LOOK_NONE,
	LOOK_GENERIC,
	LOOK_STANZA_ID,
	LOOK_DELAY,
	LOOK_ARCHIVE,
	LOOK_EVENT,
	LOOK_FORMATTED,
	LOOK_LINKS,
	LOOK_CANDIDATES,
	LOOK_JOIN,
	LOOK_PAGE,
	LOOK_LABEL,
	LOOK_VERSION,
	LOOK_CAPABILITIES,
	LOOK_ERROR,
};

static bool (*const functions[])(struct judge *j, struct xml_node *e) = {
	[LOOK_GENERIC] = judge_generic,
	[LOOK_STANZA_ID] = judge_stanza_id,
	[LOOK_DELAY] = judge_delay,
	[LOOK_ARCHIVE] = judge_archive,
	[LOOK_EVENT] = judge_event,
	[LOOK_FORMATTED] = judge_formatted_text,
	[LOOK_LINKS] = judge_links,
	[LOOK_CANDIDATES] = judge_candidates,
	[LOOK_JOIN] = judge_join,
	[LOOK_PAGE] = judge_page,
	[LOOK_LABEL] = judge_label,
	[LOOK_VERSION] = judge_version,
	[LOOK_CAPABILITIES] = judge_capabilities,
	[LOOK_ERROR] = judge_error,
};

static const uint8_t looks[CATALOGUE_ELEMENTS_END] = {
	[EL_GENERIC] = LOOK_GENERIC,
	[EL_SID_STANZA_ID] = LOOK_STANZA_ID,
	[EL_DELAY_DELAY] = LOOK_DELAY,
	[EL_X_DELAY_X] = LOOK_DELAY,
	[EL_MAM_RESULT] = LOOK_ARCHIVE,
	[EL_PUBSUB_EVENT_EVENT] = LOOK_EVENT,
	[EL_XHTML_IM_HTML] = LOOK_FORMATTED,
	[EL_OOB_X] = LOOK_LINKS,
	[EL_IQ_OOB_QUERY] = LOOK_LINKS,
	[EL_GEOLOC_GEOLOC] = LOOK_LINKS,
	[EL_REFERENCE_REFERENCE] = LOOK_LINKS,
	[EL_SIMS_MEDIA_SHARING] = LOOK_LINKS,
	[EL_SFS_FILE_SHARING] = LOOK_LINKS,
	[EL_SFS_SOURCES] = LOOK_LINKS,
	[EL_XDATA_X] = LOOK_LINKS,
	[EL_CAPTCHA_CAPTCHA] = LOOK_LINKS,
	[EL_TUNE_TUNE] = LOOK_LINKS,
	[EL_JINGLE_JINGLE] = LOOK_CANDIDATES,
	[EL_BYTESTREAMS_QUERY] = LOOK_CANDIDATES,
	[EL_MUC_X] = LOOK_JOIN,
	[EL_PUBSUB_PUBSUB] = LOOK_PAGE,
	[EL_PUBSUB_OWNER_PUBSUB] = LOOK_PAGE,
	[EL_MAM_QUERY] = LOOK_PAGE,
	[EL_DISCO_INFO_QUERY] = LOOK_PAGE,
	[EL_DISCO_ITEMS_QUERY] = LOOK_PAGE,
	[EL_LABEL_SECURITYLABEL] = LOOK_LABEL,
	[EL_VERSION_QUERY] = LOOK_VERSION,
	[EL_CAPS_C] = LOOK_CAPABILITIES,
	[EL_CAPS2_C] = LOOK_CAPABILITIES,
	[EL_ERROR] = LOOK_ERROR,
};

/* --- whole stanzas --- */

/* What any stranger may ask a domain: what XEP-0030 and its like are for, and what leads into rooms. */
static bool is_public_question(unsigned number)
{
	switch (number) {
	case EL_PING_PING:
	case EL_DISCO_INFO_QUERY:
	case EL_DISCO_ITEMS_QUERY:
	case EL_VERSION_QUERY:
	case EL_TIME_TIME:
	case EL_MUC_UNIQUE_UNIQUE:
	case EL_CAPTCHA_CAPTCHA:
		return true;
	default:
		return false;
	}
}

static void judge_request(struct judge *j)
{
	const struct xml_node *e = j->r->payload;

	if (!j->inbound || !judge_is_request(j) || j->r->to.local.len)
		return;
	if (e && !is_public_question(e->id) && judge_on(j, CONFIG_RULE_SERVER))
		judge_refuse(j, CONFIG_RULE_SERVER, COND_SERVICE_UNAVAILABLE,
			"not offered to other domains");
}

/* What accompanies a conversation without telling anything: chat states, receipts, markers, hints, ids. */
static bool needs_no_label(unsigned number)
{
	return (number >= EL_CHATSTATES_ACTIVE && number <= EL_MARKERS_ACKNOWLEDGED) ||
		number == EL_SID_STANZA_ID || number == EL_SID_ORIGIN_ID ||
		(number >= EL_HINTS_NO_COPY && number <= EL_CARBONS_PRIVATE) ||
		number == EL_THREAD || number == EL_DELAY_DELAY || number == EL_LABEL_SECURITYLABEL;
}

static bool has_content(const struct record *r)
{
	for (const struct xml_node *n = r->payload; n; n = n->next) {
		if (n->kind == XML_ELEM && !needs_no_label(n->id))
			return true;
	}
	return false;
}

/* XEP-0258 section 3: at most one label in a message, none in presence; never altered, never added. */
static void judge_labels(struct judge *j)
{
	bool message = j->r->kind == RECORD_MESSAGE;

	if (j->r->type == RECORD_ERROR)
		return;
	if (j->labels > (message ? 1 : 0) && judge_on(j, CONFIG_RULE_LABEL_MISUSE))
		judge_refuse(j, CONFIG_RULE_LABEL_MISUSE, COND_NOT_ACCEPTABLE,
			message ? "more than one security label"
				: "a security label in the wrong place");
	if (message && j->labels && judge_on(j, CONFIG_RULE_LABEL_FORBIDDEN))
		judge_refuse(j, CONFIG_RULE_LABEL_FORBIDDEN, COND_NOT_ACCEPTABLE,
			"no security label may be sent here");
	if (message && !j->labels && judge_on(j, CONFIG_RULE_LABEL_REQUIRED) && has_content(j->r))
		judge_refuse(j, CONFIG_RULE_LABEL_REQUIRED, COND_NOT_ACCEPTABLE,
			"a security label is required");
}

/* A room's message to one of its members. */
static bool is_from_room(const struct record *r)
{
	return r->kind == RECORD_MESSAGE && r->type == RECORD_GROUPCHAT && r->to.resource.len;
}

static void look_at_children(struct judge *j)
{
	for (struct xml_node **link = &j->r->payload; *link;) {
		struct xml_node *n = *link;
		unsigned look = n->kind == XML_ELEM ? looks[n->id] : LOOK_NONE;
		if (look != LOOK_NONE && functions[look](j, n))
			*link = n->next;
		else
			link = &n->next;
	}
}

enum policy_verdict policy_content(const struct config *c, bool inbound, struct record *r,
	struct arena *a, struct policy_findings *ret_findings)
{
	struct judge j = {
		.c = c,
		.r = r,
		.a = a,
		.f = ret_findings,
		.local = inbound ? r->to.domain : r->from.domain,
		.foreign = inbound ? r->from.domain : r->to.domain,
		.inbound = inbound,
	};

	ret_findings->n = 0;
	judge_request(&j);
	look_at_children(&j);
	judge_labels(&j);
	if (j.refused)
		return is_from_room(r) ? POLICY_DROP : POLICY_REJECT;
	return ret_findings->n ? POLICY_STRIP : POLICY_PASS;
}
