/* SPDX-License-Identifier: Apache-2.0 */
/* Whose certificate is this (doc/conformance.md E9 to E11)? For tests and fuzzing without a handshake. */
#ifndef NET_IDENTITY_H
#define NET_IDENTITY_H

#include "base/str.h"

/*
 * Does this certificate (DER) name the A-label domain: by DNS-ID, whole-label wildcard one level
 * deep, SRV-ID for _xmpp-server, or bare-domain XmppAddr? Says nothing of trust. *ret_why: static,
 * when not.
 */
bool net_identity_der_names(struct str der, struct str domain, const char **ret_why);

#endif
