/* SPDX-License-Identifier: Apache-2.0 */
/* Names in a peer's certificate: the input is DER. A name that is found must stand there in plain letters. */
#include <strings.h>

#include "base/check.h"
#include "net/identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool contains(struct str bytes, struct str part)
{
	for (size_t at = 0; at + part.len <= bytes.len; at++) {
		if (strncasecmp(bytes.p + at, part.p, part.len) == 0)
			return true;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct str never[] = { STR(""), STR("*"), STR("*.example"), STR("*.a.example"),
		STR("a b"), STR("a\0b"), STR("a.example/r"), STR("\xc3\xa9.example") };
	struct str der = str_from(data, size);
	const char *why = NULL;

	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		check(!net_identity_der_names(der, never[i], &why) && why);
	if (net_identity_der_names(der, STRL("a.example"), &why))
		check(contains(der, STRL("a.example")));
	if (net_identity_der_names(der, STRL("b.a.example"), &why))
		check(contains(der, STRL("b.a.example")) || contains(der, STRL("*.a.example")));
	return 0;
}
