/* SPDX-License-Identifier: Apache-2.0 */
/* The decision about a certificate: each row is what the proofs said, and what follows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "policy/proof.h"
#include "rows.h"

#define ALL CONFIG_BY_CERTIFICATE
#define PKIX(s) [POLICY_PROOF_PKIX] = { PROOF_##s, "pkix says" }
#define DANE(s) [POLICY_PROOF_DANE] = { PROOF_##s, "dane says" }
#define POSH(s) [POLICY_PROOF_POSH] = { PROOF_##s, "posh says" }
#define PIN(s) [POLICY_PROOF_PIN] = { PROOF_##s, "pin says" }

static const struct {
	const char *name;
	unsigned accept;
	unsigned require;
	struct proof_table table;
	unsigned wanted;
	enum proof_decision decision;
	enum policy_proof proof;
	const char *why;
	bool denied;
} cases[] = {
	{ "nothing was looked at", ALL, 0, { { { 0 } } }, CONFIG_PIN | CONFIG_DANE | CONFIG_PKIX,
		PROOF_REFUSED, 0, "the certificate proves nothing that is accepted", false },
	{ "s2s E9 pkix alone", CONFIG_PKIX, 0, { { PKIX(YES) } }, 0, PROOF_ACCEPTED,
		POLICY_PROOF_PKIX, NULL, false },
	{ "s2s E14 pkix fails, dialback is the stream's affair", CONFIG_PKIX | CONFIG_DIALBACK, 0,
		{ { PKIX(NO) } }, CONFIG_DIALBACK & 0, PROOF_REFUSED, 0, "pkix says", false },
	{ "what is not accepted does not count", CONFIG_PIN, 0, { { PKIX(YES), PIN(NO) } }, 0,
		PROOF_REFUSED, 0, "pin says", false },
	{ "s2s E16 TLSA decides: it holds", CONFIG_PKIX | CONFIG_DANE, 0,
		{ { PKIX(NO), DANE(YES) } }, 0, PROOF_ACCEPTED, POLICY_PROOF_DANE, NULL, false },
	{ "s2s E16 TLSA decides: it contradicts", CONFIG_PKIX | CONFIG_DANE | CONFIG_DIALBACK, 0,
		{ { PKIX(YES), DANE(DENIES) } }, 0, PROOF_REFUSED, 0, "dane says", true },
	{ "threats I8 no usable record, then PKIX", CONFIG_PKIX | CONFIG_DANE, 0,
		{ { PKIX(YES), DANE(SILENT) } }, 0, PROOF_ACCEPTED, POLICY_PROOF_PKIX, NULL,
		false },
	{ "threats I8 no usable record, PKIX bad", CONFIG_PKIX | CONFIG_DANE, 0,
		{ { PKIX(NO), DANE(SILENT) } }, 0, PROOF_REFUSED, 0, "pkix says", false },
	{ "threats I7 bogus denies a pin, too", CONFIG_PIN | CONFIG_DANE, 0,
		{ { PIN(YES), DANE(DENIES) } }, 0, PROOF_REFUSED, 0, "dane says", true },
	{ "DANE that is not accepted cannot deny", CONFIG_PKIX, 0, { { PKIX(YES), DANE(DENIES) } },
		0, PROOF_ACCEPTED, POLICY_PROOF_PKIX, NULL, false },
	{ "s2s E16 TLSA is waited for", CONFIG_PKIX | CONFIG_DANE, 0,
		{ { PKIX(YES), DANE(PENDING) } }, 0, PROOF_WAIT, 0, NULL, false },
	{ "s2s E17 POSH is looked at last", ALL, 0, { { PIN(NO), DANE(SILENT), PKIX(NO) } },
		CONFIG_POSH, PROOF_REFUSED, 0, "pin says", false },
	{ "s2s E17 POSH is not looked at in vain", ALL, 0, { { PIN(NO), DANE(SILENT), PKIX(YES) } },
		0, PROOF_ACCEPTED, POLICY_PROOF_PKIX, NULL, false },
	{ "s2s E17 POSH waits for DANE", ALL, 0, { { PIN(NO), DANE(PENDING), PKIX(NO) } }, 0,
		PROOF_WAIT, 0, NULL, false },
	{ "s2s E17 POSH pending", CONFIG_PKIX | CONFIG_POSH, 0, { { PKIX(NO), POSH(PENDING) } }, 0,
		PROOF_WAIT, 0, NULL, false },
	{ "s2s E17 POSH holds", CONFIG_PKIX | CONFIG_POSH, 0, { { PKIX(NO), POSH(YES) } }, 0,
		PROOF_ACCEPTED, POLICY_PROOF_POSH, NULL, false },
	{ "s2s E17 POSH pending, PKIX is enough", CONFIG_PKIX | CONFIG_POSH, 0,
		{ { PKIX(YES), POSH(PENDING) } }, 0, PROOF_ACCEPTED, POLICY_PROOF_PKIX, NULL,
		false },
	{ "s2s E18 several proofs, one association", ALL, 0,
		{ { PIN(NO), DANE(YES), PKIX(YES), POSH(YES) } }, 0, PROOF_ACCEPTED,
		POLICY_PROOF_DANE, NULL, false },
	{ "s2s E18 the strongest names it", ALL, 0,
		{ { PIN(YES), DANE(YES), PKIX(YES), POSH(YES) } }, 0, PROOF_ACCEPTED,
		POLICY_PROOF_PIN, NULL, false },
	{ "all that is required", CONFIG_PKIX | CONFIG_PIN, CONFIG_PKIX | CONFIG_PIN,
		{ { PKIX(YES), PIN(YES) } }, 0, PROOF_ACCEPTED, POLICY_PROOF_PIN, NULL, false },
	{ "half of what is required", CONFIG_PKIX | CONFIG_PIN, CONFIG_PKIX | CONFIG_PIN,
		{ { PKIX(YES), PIN(NO) } }, 0, PROOF_REFUSED, 0, "pin says", false },
	{ "DANE required and not there", CONFIG_DANE, CONFIG_DANE, { { DANE(SILENT) } }, 0,
		PROOF_REFUSED, 0, "dane says", false },
	{ "POSH required beside PKIX", CONFIG_PKIX | CONFIG_POSH, CONFIG_PKIX | CONFIG_POSH,
		{ { PKIX(YES) } }, CONFIG_POSH, PROOF_REFUSED, 0,
		"the certificate proves nothing that is accepted", false },
	{ "dialback required: no certificate will do", CONFIG_DIALBACK, CONFIG_DIALBACK,
		{ { PKIX(YES) } }, CONFIG_DIALBACK & 0, PROOF_REFUSED, 0, NULL, false },
};

static void decides(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct config_peer peer = { .accept = cases[i].accept,
			.require = cases[i].require };
		struct proof_verdict v = proof_judge(&peer, &cases[i].table);
		name_row(cases[i].name);
		bool same_why = !cases[i].why || (v.why && strcmp(v.why, cases[i].why) == 0);
		if (proof_wanted(&peer, &cases[i].table) != cases[i].wanted ||
			v.decision != cases[i].decision || v.proof != cases[i].proof ||
			v.denied != cases[i].denied || !same_why)
			fail_msg("%s: decision %d, proof %d, wanted %u, why %s", cases[i].name,
				v.decision, v.proof, proof_wanted(&peer, &cases[i].table),
				v.why ? v.why : "-");
	}
}

/* Whatever the proofs say: nothing is accepted without a yes of an accepted row, nor against a denial. */
static void never_without_a_yes(void **state)
{
	const enum policy_proof rows[] = { POLICY_PROOF_PKIX, POLICY_PROOF_DANE, POLICY_PROOF_POSH,
		POLICY_PROOF_PIN };
	const unsigned bits[] = { CONFIG_PKIX, CONFIG_DANE, CONFIG_POSH, CONFIG_PIN };

	for (unsigned said = 0; said < 6 * 6 * 6 * 6; said++) {
		struct proof_table t = { 0 };
		unsigned rest = said, yes = 0, denied = 0;
		for (unsigned i = 0; i < 4; i++, rest /= 6) {
			t.by[rows[i]].said = (enum proof_said)(rest % 6);
			yes |= rest % 6 == PROOF_YES ? bits[i] : 0;
			denied |= rest % 6 == PROOF_DENIES ? bits[i] : 0;
		}
		for (unsigned accept = 0; accept < 32; accept++) {
			const struct config_peer any = { .accept = accept };
			const struct config_peer all = { .accept = accept, .require = accept };
			bool some = proof_judge(&any, &t).decision == PROOF_ACCEPTED;
			bool every = proof_judge(&all, &t).decision == PROOF_ACCEPTED;
			if (some && (!(accept & yes) || (accept & denied)))
				fail_msg("accepted: said %u, accept %u", said, accept);
			if (every && ((accept & ~yes) || (accept & denied) || !accept))
				fail_msg("required: said %u, accept %u", said, accept);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decides),
		cmocka_unit_test(never_without_a_yes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
