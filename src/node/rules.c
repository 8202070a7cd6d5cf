/* SPDX-License-Identifier: Apache-2.0 */
#include "node/rules.h"

#include "base/log.h"
#include "node/trace.h"
#include "policy/address.h"

static const char *const verdicts[] = {
#define X(id, word) [id] = word,
	POLICY_VERDICTS(X)
#undef X
};

static void log_refusal(struct node *n, const char *rule, enum policy_verdict verdict,
	const struct record *r, uint64_t trace, const char *reason)
{
	LOG(LOG_INFO, "rule", LF_TRACE(trace), LF_CSTR("rule", rule),
		LF_CSTR("verdict", verdicts[verdict]), LF_STR("from", r->from.full),
		LF_STR("to", r->to.full), LF_CSTR("reason", reason));
}

static void log_found(
	struct node *n, const struct policy_findings *f, const struct record *r, uint64_t trace)
{
	for (unsigned i = 0; i < f->n && i < POLICY_FOUND_MAX; i++) {
		n->rule_hits[f->what[i].rule]++;
		LOG(LOG_INFO, "rule", LF_TRACE(trace),
			LF_CSTR("rule", config_rule_rows[f->what[i].rule].name),
			LF_CSTR("verdict", config_rule_rows[f->what[i].rule].action),
			LF_STR("from", r->from.full), LF_STR("to", r->to.full),
			LF_STR("namespace", f->what[i].ns), LF_STR("element", f->what[i].name));
	}
}

static enum policy_verdict judge_addresses(struct node *n, const struct record *r, uint64_t trace,
	enum record_condition *ret_condition, const char **ret_text)
{
	const struct config_stanzas *s =
		n->config->n_stanzas ? policy_refusal(n->config, &r->from, &r->to) : NULL;

	if (!s)
		return POLICY_PASS;
	enum policy_verdict verdict = s->silently ? POLICY_DROP : POLICY_REJECT;
	n->rule_hits[CONFIG_RULES]++;
	log_refusal(
		n, "addresses", verdict, r, trace, "a statement `refuse` names these addresses");
	*ret_condition = COND_FORBIDDEN;
	*ret_text = "refused by policy";
	return verdict;
}

enum policy_verdict rules_judge(struct node *n, bool inbound, struct record *r, struct arena *a,
	uint64_t trace, enum record_condition *ret_condition, const char **ret_text)
{
	struct policy_findings f;
	enum policy_verdict verdict = judge_addresses(n, r, trace, ret_condition, ret_text);

	if (verdict != POLICY_PASS)
		return verdict;
	verdict = policy_content(n->config, inbound, r, a, &f);
	if (f.n)
		log_found(n, &f, r, trace);
	if (verdict == POLICY_REJECT || verdict == POLICY_DROP) {
		n->rule_hits[f.rule]++;
		log_refusal(n, config_rule_rows[f.rule].name, verdict, r, trace, f.text);
		*ret_condition = f.condition;
		*ret_text = f.text;
	}
	return verdict;
}

bool rules_loop(struct node *n, const struct record *r, struct str bytes, uint64_t trace)
{
	bool inbound = n->role->link == LINK_OUTER;
	struct str local = inbound ? r->to.domain : r->from.domain;
	struct str foreign = inbound ? r->from.domain : r->to.domain;

	if (!(n->config->rules_used >> CONFIG_RULE_LOOP & 1) ||
		!policy_loop_passes(&n->loops, r, bytes, n->now) ||
		!config_rule_on(n->config, CONFIG_RULE_LOOP, local, foreign))
		return false;
	n->rule_hits[CONFIG_RULE_LOOP]++;
	log_refusal(n, config_rule_rows[CONFIG_RULE_LOOP].name, POLICY_DROP, r, trace,
		"the same stanza comes again and again: look for two gateways or rooms that lead "
		"to "
		"each other");
	return true;
}
