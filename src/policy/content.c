/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One look at each child of the stanza. `looks` says by catalogue number which function looks; 0 is none, and what
 * plain chat is made of has none. Generic elements (profile open) have no number that says anything: they are
 * found by namespace and name, and an element that has a row but did not fit it is as suspicious as what
 * the row's function would refuse.
 *
 * Nothing here refuses a message of a room to its members: the error would go to the room, which would throw the
 * member out (XEP-0045 section 7.14). Such a message is stripped or dropped.
 */
#include "policy/content.h"

#include <stdio.h>

#include "policy/judge.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

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

/* --- what the files of the rules share --- */

void judge_note(struct judge *j, enum config_rule_id rule, const struct xml_node *e)
{
	unsigned i = j->f->n++;

	if (i >= POLICY_FOUND_MAX)
		return;
	j->f->what[i].rule = rule;
	j->f->what[i].ns = e->ns;
	j->f->what[i].name = e->name;
}

void judge_refuse(struct judge *j, enum config_rule_id rule, enum record_condition condition,
	const char *text)
{
	if (j->refused)
		return;
	j->refused = true;
	j->f->rule = rule;
	j->f->condition = condition;
	j->f->text = text;
}

const struct xml_attr *judge_attr(const struct xml_node *e, unsigned number)
{
	for (const struct xml_attr *a = e->attrs; a; a = a->next) {
		if (a->id == number)
			return a;
	}
	return NULL;
}

static struct xml_node *kid(const struct xml_node *e, unsigned number)
{
	for (struct xml_node *k = e->children; k; k = k->next) {
		if (k->kind == XML_ELEM && k->id == number)
			return k;
	}
	return NULL;
}

/* An address in an attribute: false when there is none. */
static bool address_of(const struct xml_node *e, unsigned number, struct jid *ret_jid)
{
	const struct xml_attr *a = judge_attr(e, number);

	return a && jid_parse_prepared(a->value, ret_jid) == JID_OK;
}

static bool is_request(const struct judge *j)
{
	return j->r->kind == RECORD_IQ && (j->r->type == RECORD_GET || j->r->type == RECORD_SET);
}

/* --- in the name of others --- */

static bool look_stanza_id(struct judge *j, struct xml_node *e)
{
	struct jid by;

	if (!j->inbound || !address_of(e, AT_BY, &by) || !policy_is_local(j->c, by.domain) ||
		!judge_on(j, CONFIG_RULE_STANZA_ID))
		return false;
	judge_note(j, CONFIG_RULE_STANZA_ID, e);
	return true;
}

void judge_remove_attr(struct xml_node *e, unsigned number)
{
	struct xml_attr **a = &e->attrs;

	while (*a && (*a)->id != number)
		a = &(*a)->next;
	if (*a)
		*a = (*a)->next;
}

/* Some rooms name the speaker there in their history: that a message is old stays visible. */
static bool look_delay(struct judge *j, struct xml_node *e)
{
	struct jid from;

	if (!j->inbound || !address_of(e, AT_FROM, &from) || !policy_is_local(j->c, from.domain) ||
		!judge_on(j, CONFIG_RULE_DELAY))
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
	const struct xml_node *forwarded = kid(result, EL_FORWARD_FORWARDED);
	const struct xml_node *message = forwarded ? kid(forwarded, EL_CLIENT_MESSAGE) : NULL;
	struct jid from;

	return message && address_of(message, AT_FROM, &from) &&
		str_eq(from.domain, j->r->from.domain) && str_eq(from.local, j->r->from.local) &&
		!(j->r->from.local.len && j->r->from.resource.len);
}

static bool look_archive(struct judge *j, struct xml_node *e)
{
	if (!j->inbound || is_of_archive(j, e) || !judge_on(j, CONFIG_RULE_ARCHIVE))
		return false;
	judge_note(j, CONFIG_RULE_ARCHIVE, e);
	return true;
}

static bool look_event(struct judge *j, struct xml_node *e)
{
	if (j->inbound && j->r->from.local.len && j->r->from.resource.len &&
		judge_on(j, CONFIG_RULE_EVENTS)) {
		judge_note(j, CONFIG_RULE_EVENTS, e);
		return true;
	}
	return judge_links(j, e);
}

/* --- how much may be asked for --- */

/* The canonical text of the limit, in the arena; p is NULL when that is full. */
static struct str limit_text(const struct judge *j)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%llu", (unsigned long long)j->c->limits.page_items);

	return arena_str(j->a, str_from(text, (size_t)n));
}

static bool is_over(const struct judge *j, struct str number)
{
	uint64_t n;

	return !str_to_u64(number, &n) || n > j->c->limits.page_items;
}

static void cap(struct judge *j, const struct xml_node *e, struct str *value)
{
	struct str text = is_over(j, *value) ? limit_text(j) : (struct str){ NULL, 0 };

	if (!text.p)
		return;
	*value = text;
	judge_note(j, CONFIG_RULE_PAGE, e);
}

static void cap_attr(struct judge *j, struct xml_node *e, unsigned number)
{
	for (struct xml_attr *a = e->attrs; a; a = a->next) {
		if (a->id == number)
			cap(j, e, &a->value);
	}
}

/* A history with no number of stanzas gets one: other measures say little about the size. */
static void cap_history(struct judge *j, struct xml_node *history)
{
	if (judge_attr(history, AT_MAXSTANZAS)) {
		cap_attr(j, history, AT_MAXSTANZAS);
		return;
	}
	struct xml_attr *a = arena_zalloc(j->a, sizeof(*a));
	struct str text = limit_text(j);
	if (!a || !text.p)
		return;
	a->name = catalogue_attr_name(AT_MAXSTANZAS);
	a->value = text;
	a->id = AT_MAXSTANZAS;
	struct xml_attr **tail = &history->attrs;
	while (*tail)
		tail = &(*tail)->next;
	*tail = a; /* the last of its row: attributes are in order of their numbers */
}

static bool look_join(struct judge *j, struct xml_node *e)
{
	struct xml_node *history = kid(e, EL_MUC_HISTORY);

	if (j->inbound && history && judge_on(j, CONFIG_RULE_PAGE))
		cap_history(j, history);
	return false;
}

static bool look_page(struct judge *j, struct xml_node *e)
{
	if (e->id == EL_DISCO_INFO_QUERY)
		judge_disco(j, e);
	if (!j->inbound || !is_request(j) || !judge_on(j, CONFIG_RULE_PAGE))
		return false;
	for (struct xml_node *k = e->children; k; k = k->next) {
		struct xml_node *max =
			k->kind == XML_ELEM && k->id == EL_RSM_SET ? kid(k, EL_RSM_MAX) : NULL;
		if (max && max->children)
			cap(j, max, &max->children->text);
		if (k->kind == XML_ELEM && k->id == EL_PUBSUB_ITEMS)
			cap_attr(j, k, AT_MAX_ITEMS);
	}
	return false;
}

/* --- generic elements --- */

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
	for (size_t i = 0; i < COUNT(suspects); i++) {
		if (str_eq(e->ns, suspects[i].ns) &&
			(!suspects[i].name || str_is(e->name, suspects[i].name)))
			return &suspects[i];
	}
	return NULL;
}

static bool look_generic(struct judge *j, struct xml_node *e)
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
	[LOOK_GENERIC] = look_generic,
	[LOOK_STANZA_ID] = look_stanza_id,
	[LOOK_DELAY] = look_delay,
	[LOOK_ARCHIVE] = look_archive,
	[LOOK_EVENT] = look_event,
	[LOOK_FORMATTED] = judge_formatted_text,
	[LOOK_LINKS] = judge_links,
	[LOOK_CANDIDATES] = judge_candidates,
	[LOOK_JOIN] = look_join,
	[LOOK_PAGE] = look_page,
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

	if (!j->inbound || !is_request(j) || j->r->to.local.len)
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
