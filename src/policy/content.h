/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The content rules (config/rule.def): what a stanza may carry across the boundary, whoever sends it. Both nodes
 * ask this of every record, outer before the link and inner after it, each under its own configuration. A record
 * of plain chat costs one look into a table for each child.
 */
#ifndef POLICY_CONTENT_H
#define POLICY_CONTENT_H

#include "config/config.h"
#include "record/record.h"

/* X(enumerator, word in logs) */
#define POLICY_VERDICTS(X)                                                                         \
	X(POLICY_PASS, "pass")                                                                     \
	X(POLICY_STRIP, "strip") /* passes without what the findings list, or with less of it */   \
	X(POLICY_REJECT, "reject") /* with the condition of the findings */                        \
	X(POLICY_DROP, "drop") /* without an answer */

enum policy_verdict {
#define X(id, word) id,
	POLICY_VERDICTS(X)
#undef X
};

enum { POLICY_FOUND_MAX = 8 };

/* What was found, for the log and the counters. */
struct policy_findings {
	unsigned n; /* elements that were stripped or capped, may be more than are listed */
	struct {
		enum config_rule_id rule;
		struct str ns; /* strings live as long as the record */
		struct str name;
	} what[POLICY_FOUND_MAX];
	enum config_rule_id rule; /* of a rejection or a drop */
	enum record_condition condition;
	const char *text; /* static, for the sender */
};

/*
 * Judges a record under the configuration, and takes out of it what the rules strip. inbound: it goes from a foreign
 * domain to a local one. Memory for values that are capped comes from the arena.
 */
enum policy_verdict policy_content(const struct config *c, bool inbound, struct record *r,
	struct arena *a, struct policy_findings *ret_findings);

/* Is the prepared domain one of ours? */
bool policy_is_local(const struct config *c, struct str domain);

#endif
