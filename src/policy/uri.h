/* SPDX-License-Identifier: Apache-2.0 */
/* What a link from outside would do to a client that follows it. */
#ifndef POLICY_URI_H
#define POLICY_URI_H

#include "base/str.h"

/*
 * Is the text of this URI one that runs code, carries a document in itself, or reads files of the client
 * (javascript:, data:, file: and their like)? Also true when it has no scheme.
 */
bool policy_uri_active(struct str uri);

/* Only the schemes that belong into formatted text (XEP-0071 section 7 and 11): http, xmpp, mailto, cid, ... */
bool policy_uri_harmless(struct str uri);

/*
 * Does its authority name a host that is not on the Internet: a private, loopback or otherwise special address in
 * any notation that clients take (RFC 3986 section 7.4), localhost, a single label, or one of the names for local
 * networks? False when it has no authority.
 */
bool policy_uri_internal(struct str uri);

/* The same for the bare host of a candidate. */
bool policy_host_internal(struct str host);

#endif
