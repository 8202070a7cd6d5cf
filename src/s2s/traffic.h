/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much a pair may bring in. Stanzas and bytes over the rate make the stream be read more slowly, which loses
 * nothing. Recipients, requests and joins over the limit are refused, each with an error to its sender: waiting would
 * hold up everything else. The buckets hang on the pair; a stanza costs two small sums and one hash.
 */
#ifndef S2S_TRAFFIC_H
#define S2S_TRAFFIC_H

#include "base/distinct.h"
#include "s2s/face.h"

struct traffic {
	struct rate stanzas;
	struct rate bytes;
	struct rate requests; /* subscriptions and invitations */
	struct rate joins; /* of rooms */
	struct distinct recipients;
};

void traffic_done(struct traffic *t);
/* A stanza of so many bytes came: for how many milliseconds the stream should not be read. */
uint64_t traffic_charge(
	struct traffic *t, const struct s2s_traffic_limits *limits, size_t bytes, uint64_t now);
/* Is this stanza one too many of its kind? */
enum s2s_excess traffic_judge(struct traffic *t, const struct s2s_traffic_limits *limits,
	const struct s2s_stanza *stanza, uint64_t now);

#endif
