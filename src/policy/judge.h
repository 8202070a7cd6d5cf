/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the content rules share: one record that is being judged. */
#ifndef POLICY_JUDGE_H
#define POLICY_JUDGE_H

#include "policy/content.h"
#include "record/catalogue.h"

struct judge {
	const struct config *c;
	struct record *r;
	struct arena *a;
	struct policy_findings *f;
	struct str local, foreign; /* domains */
	bool inbound;
	bool refused;
	unsigned labels; /* security labels met */
};

/* Is the rule on for this record? Its way is the caller's matter. */
static inline bool judge_on(const struct judge *j, enum config_rule_id rule)
{
	return j->c->rules_used >> rule & 1 && config_rule_on(j->c, rule, j->local, j->foreign);
}

static inline bool judge_is_request(const struct judge *j)
{
	return j->r->kind == RECORD_IQ && (j->r->type == RECORD_GET || j->r->type == RECORD_SET);
}

/* Notes that e is stripped or capped by the rule. */
void judge_note(struct judge *j, enum config_rule_id rule, const struct xml_node *e);

/* The first refusal counts. */
void judge_refuse(struct judge *j, enum config_rule_id rule, enum record_condition condition,
	const char *text);

/* The attribute and the first child of this number, or NULL. */
const struct xml_attr *judge_attr(const struct xml_node *e, unsigned number);
struct xml_node *judge_child(const struct xml_node *e, unsigned number);
/* An address in an attribute: false when there is none. */
bool judge_address(const struct xml_node *e, unsigned number, struct jid *ret_jid);
void judge_remove_attr(struct xml_node *e, unsigned number);

/*
 * All nodes of the tree below top in document order, first top itself; NULL at the end. The children of the node that
 * came last may be changed before the next is asked for. Records are no deeper than the stack.
 */
struct walker {
	struct xml_node *stack[130]; /* of each level the next sibling */
	unsigned n;
	struct xml_node *top;
	struct xml_node *last;
};
void walker_init(struct walker *w, struct xml_node *top);
struct xml_node *walker_next(struct walker *w);

/* Answers of a look at one child: true takes it out (the rule was noted). */
bool judge_generic(struct judge *j,
	struct xml_node *e); /* what has no row in the catalogue, or does not fit it */
bool judge_stanza_id(struct judge *j, struct xml_node *e);
bool judge_delay(struct judge *j, struct xml_node *e);
bool judge_archive(struct judge *j, struct xml_node *e); /* messages of an archive */
bool judge_event(struct judge *j, struct xml_node *e); /* of a PubSub node */
bool judge_join(struct judge *j, struct xml_node *e); /* of a room, with history */
bool judge_page(struct judge *j, struct xml_node *e); /* questions that say how much */
bool judge_formatted_text(struct judge *j, struct xml_node *e); /* XHTML-IM */
bool judge_links(struct judge *j, struct xml_node *e); /* what has URIs in it */
bool judge_candidates(struct judge *j, struct xml_node *e); /* Jingle, SOCKS5 */
bool judge_label(struct judge *j, struct xml_node *e); /* counts it, and looks at its policy */
bool judge_version(struct judge *j, struct xml_node *e);
bool judge_capabilities(struct judge *j, struct xml_node *e);
bool judge_error(struct judge *j, struct xml_node *e);
/* Names of software in what service discovery answers. */
void judge_disco(struct judge *j, struct xml_node *e);

#endif
