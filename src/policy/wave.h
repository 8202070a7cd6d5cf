/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waves of spam and worms: one text, or one link, from many senders. A message has fingerprints: of its text without
 * case, spaces, digits and signs, and of each link without query. They do not depend on the process, so that a
 * configuration can name them (`refuse text`). Senders are counted in a table of fixed size; a slot that holds
 * another fingerprint is taken over, so a flood of texts makes it forget, never grow.
 */
#ifndef POLICY_WAVE_H
#define POLICY_WAVE_H

#include "config/config.h"
#include "record/record.h"

enum {
	POLICY_WAVE_SLOTS = 2048,
	POLICY_WAVE_SENDERS = 32, /* counted of one fingerprint at most */
	POLICY_WAVE_PRINTS = 5, /* of one message: its text and the first links */
	POLICY_WAVE_LETTERS = 24, /* texts with less are what people say every day */
};

struct policy_wave_slot {
	uint64_t print;
	uint64_t since;
	uint64_t messages;
	uint32_t senders[POLICY_WAVE_SENDERS]; /* digests */
	uint8_t n;
	bool link; /* of a link, not of a text */
	bool told;
};

/* All zero: nothing was seen yet. */
struct policy_waves {
	struct policy_wave_slot *slots; /* NULL until the first message */
};

struct policy_prints {
	uint64_t print[POLICY_WAVE_PRINTS];
	unsigned n;
	bool has_text; /* the first one is of the text */
};

void policy_waves_done(struct policy_waves *w);

/* The fingerprints of a message; none for other stanzas, errors, and what is too short. */
void policy_prints(const struct record *r, struct policy_prints *ret_prints);
/* Does the configuration name one of them? *ret_print is it. */
bool policy_print_listed(
	const struct config *c, const struct policy_prints *prints, uint64_t *ret_print);
/*
 * Counts the sender of a message with these fingerprints. Returns the slot of one that as many senders sent as the
 * limits say, or NULL.
 */
struct policy_wave_slot *policy_wave_count(struct policy_waves *w, const struct config_limits *l,
	const struct record *r, const struct policy_prints *prints, uint64_t now);

#endif
