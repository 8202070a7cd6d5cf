/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which addresses may send to which: the statements `refuse` and `allow from`. First match wins; what none matches
 * passes. A pattern of an account matches all its resources; one of a domain matches that domain and not those
 * below it.
 */
#ifndef POLICY_ADDRESS_H
#define POLICY_ADDRESS_H

#include "config/config.h"
#include "jid/jid.h"

bool policy_address_matches(const struct config_address *a, const struct jid *jid);

/* The statement that refuses a stanza with these prepared addresses, or NULL. */
const struct config_stanzas *policy_refusal(
	const struct config *c, const struct jid *from, const struct jid *to);

#endif
