/* SPDX-License-Identifier: Apache-2.0 */
#include "node/rules.h"

#include <stdio.h>

#include "base/log.h"
#include "node/trace.h"
#include "policy/address.h"

enum { WAVES_SHOWN = 16 };

static const char *const verdicts[] = {
#define X(id, word) [id] = word,
	POLICY_VERDICTS(X)
#undef X
};

/* cond: with which it is refused; COND_NONE: nobody is told. */
static void log_refusal(const char *rule, enum policy_verdict verdict, enum record_condition cond,
	const struct record *r, uint64_t trace, const char *reason)
{
	LOG(LOG_INFO, "rule", LF_TRACE(trace), LF_CSTR("rule", rule),
		LF_CSTR("verdict", verdicts[verdict]), LF_STR("from", r->from.full),
		LF_STR("to", r->to.full),
		LF_CSTR("condition", cond == COND_NONE ? NULL : record_condition_name(cond)),
		LF_CSTR("reason", reason));
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
	log_refusal("addresses", verdict, s->silently ? COND_NONE : COND_FORBIDDEN, r, trace,
		"a statement `refuse` names these addresses");
	*ret_condition = COND_FORBIDDEN;
	*ret_text = "refused by policy";
	return verdict;
}

/* --- answers that nobody asked for --- */

static bool is_answer(const struct record *r)
{
	return r->type == RECORD_RESULT || r->type == RECORD_ERROR;
}

static struct policy_question_limits question_limits(const struct node *n)
{
	return (struct policy_question_limits){
		.most = (unsigned)n->config->limits.questions,
		.ms = n->config->limits.question_ms,
	};
}

/* Does the rule look at this one? What was noted before it was switched off says nothing when it is on again. */
static bool looks_at_answers(struct node *n, bool inbound, const struct record *r)
{
	if (!(n->config->rules_used >> CONFIG_RULE_ANSWERS & 1)) {
		if (n->questions.unsure_until)
			policy_questions_done(&n->questions);
		return false;
	}
	return r->kind == RECORD_IQ && is_answer(r) == inbound &&
		config_rule_on(n->config, CONFIG_RULE_ANSWERS,
			inbound ? r->to.domain : r->from.domain,
			inbound ? r->from.domain : r->to.domain);
}

static enum policy_verdict judge_answer(struct node *n, const struct record *r, uint64_t trace)
{
	const struct policy_question_limits limits = question_limits(n);
	enum config_rule_id rule = CONFIG_RULE_ANSWERS;

	switch (policy_answer(&n->questions, &limits, r, n->now)) {
	case POLICY_ASKED:
		return POLICY_PASS;
	case POLICY_UNSURE:
		rule = CONFIG_RULE_ANSWERS_UNSURE;
		if (!config_rule_on(n->config, rule, r->to.domain, r->from.domain))
			return POLICY_PASS;
		break;
	case POLICY_NOT_ASKED:
		break;
	}
	n->rule_hits[rule]++;
	log_refusal(config_rule_rows[rule].name, POLICY_DROP, COND_NONE, r, trace,
		"no question of this id was asked of this address, or it was answered already");
	return POLICY_DROP;
}

/* --- one text or link from many --- */

static void tell_wave(const struct policy_wave_slot *s, const struct record *r, uint64_t trace)
{
	char print[20];

	snprintf(print, sizeof(print), "%016llx", (unsigned long long)s->print);
	LOG(LOG_WARNING, "wave", LF_TRACE(trace), LF_CSTR("fingerprint", print),
		LF_CSTR("of", s->link ? "link" : "text"), LF_U64("senders", s->n),
		LF_U64("messages", s->messages), LF_STR("from", r->from.full),
		LF_STR("to", r->to.full),
		LF_CSTR("cure",
			"to refuse it for good: `refuse text FINGERPRINT`; if it is harmless: "
			"`rule "
			"wave off for` its "
			"senders, or a higher `limit wave senders`"));
}

static enum policy_verdict judge_wave(struct node *n, const struct record *r, uint64_t trace,
	enum record_condition *ret_condition, const char **ret_text)
{
	const struct config *c = n->config;
	bool counts = c->rules_used >> CONFIG_RULE_WAVE & 1 &&
		config_rule_on(c, CONFIG_RULE_WAVE, r->to.domain, r->from.domain);
	struct policy_prints prints;
	struct policy_wave_slot *wave = NULL;
	uint64_t print = 0;
	char reason[80];

	if (!counts && !c->n_fingerprints)
		return POLICY_PASS;
	policy_prints(r, &prints);
	bool listed = policy_print_listed(c, &prints, &print);
	if (!listed && counts)
		wave = policy_wave_count(&n->waves, &c->limits, r, &prints, n->now);
	if (!listed && !wave)
		return POLICY_PASS;
	if (wave && !wave->told)
		tell_wave(wave, r, trace);
	if (wave) {
		wave->told = true;
		print = wave->print;
	}
	snprintf(reason, sizeof(reason), "%s, fingerprint %016llx",
		listed ? "a statement `refuse text` names it" : "from many senders",
		(unsigned long long)print);
	enum policy_verdict verdict = r->type == RECORD_GROUPCHAT ? POLICY_DROP : POLICY_REJECT;
	n->rule_hits[CONFIG_RULE_WAVE]++;
	log_refusal(config_rule_rows[CONFIG_RULE_WAVE].name, verdict,
		verdict == POLICY_DROP ? COND_NONE : COND_NOT_ACCEPTABLE, r, trace, reason);
	*ret_condition = COND_NOT_ACCEPTABLE;
	*ret_text = "many send this";
	return verdict;
}

void rules_write_waves(const struct node *n, struct json *j)
{
	const struct policy_wave_slot *s = n->waves.slots;

	json_array(j, "waves");
	for (unsigned i = 0, shown = 0; s && i < POLICY_WAVE_SLOTS && shown < WAVES_SHOWN; i++) {
		char print[20];
		if (!s[i].print || 2 * s[i].n < n->config->limits.wave_senders ||
			n->now - s[i].since > n->config->limits.wave_ms)
			continue;
		snprintf(print, sizeof(print), "%016llx", (unsigned long long)s[i].print);
		json_object(j, NULL);
		json_cstr(j, "fingerprint", print);
		json_cstr(j, "of", s[i].link ? "link" : "text");
		json_u64(j, "senders", s[i].n);
		json_u64(j, "messages", s[i].messages);
		json_u64(j, "age_ms", n->now - s[i].since);
		json_bool(j, "refused", s[i].told);
		json_end(j);
		shown++;
	}
	json_end(j);
}

/* --- one record --- */

/* The rules that remember what passed before. */
static enum policy_verdict judge_by_memory(struct node *n, bool inbound, const struct record *r,
	uint64_t trace, enum record_condition *ret_condition, const char **ret_text)
{
	if (!inbound)
		return POLICY_PASS;
	if (looks_at_answers(n, inbound, r) && judge_answer(n, r, trace) != POLICY_PASS)
		return POLICY_DROP;
	return r->kind == RECORD_MESSAGE ? judge_wave(n, r, trace, ret_condition, ret_text)
					 : POLICY_PASS;
}

enum policy_verdict rules_judge(struct node *n, bool inbound, struct record *r, struct arena *a,
	uint64_t trace, enum record_condition *ret_condition, const char **ret_text)
{
	struct policy_findings f;
	enum policy_verdict verdict = judge_addresses(n, r, trace, ret_condition, ret_text);

	if (verdict == POLICY_PASS)
		verdict = judge_by_memory(n, inbound, r, trace, ret_condition, ret_text);
	if (verdict != POLICY_PASS)
		return verdict;
	verdict = policy_content(n->config, inbound, r, a, &f);
	if (f.n)
		log_found(n, &f, r, trace);
	if (verdict == POLICY_REJECT || verdict == POLICY_DROP) {
		n->rule_hits[f.rule]++;
		log_refusal(config_rule_rows[f.rule].name, verdict,
			verdict == POLICY_DROP ? COND_NONE : f.condition, r, trace, f.text);
		*ret_condition = f.condition;
		*ret_text = f.text;
	} else if (!inbound && looks_at_answers(n, inbound, r)) {
		const struct policy_question_limits limits = question_limits(n);
		policy_question(&n->questions, &limits, r, n->now);
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
	log_refusal(config_rule_rows[CONFIG_RULE_LOOP].name, POLICY_DROP, COND_NONE, r, trace,
		"the same stanza comes again and again: look for two gateways or rooms that lead "
		"to "
		"each other");
	return true;
}
