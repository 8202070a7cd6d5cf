/* SPDX-License-Identifier: Apache-2.0 */
#include "node/admit.h"

/* The most that any configuration lets a node send (config.h, CONFIG_LIMITS). */
static const struct record_limits widest = {
	.bytes = SIZE_MAX,
	.depth = 128,
	.attrs = 1024,
	.ns_decls = 1025, /* one more than attributes */
	.elements = 1000000,
	.name = 1024,
	.value = 1048576,
	.strays = true,
};

static enum record_profile own_profile(const struct node *n)
{
	return n->config->open_profile ? PROFILE_OPEN : PROFILE_STANDARD;
}

static const char *decode_own(struct node *n, struct str bytes, struct record *ret_record)
{
	const struct config_limits *l = &n->config->limits;
	const struct record_limits limits = {
		.bytes = l->stanza_bytes * 2,
		.depth = (unsigned)l->depth,
		.attrs = (unsigned)l->attributes,
		.ns_decls = (unsigned)l->namespaces,
		.elements = (unsigned)l->elements,
		.name = l->name_bytes,
		.value = l->value_bytes,
	};

	return record_decode(bytes, &limits, own_profile(n), &n->arena, ret_record);
}

/* Valid on the link, but not here as it is: strips, and then it must fit. */
static enum admit restrict_record(struct node *n, struct buf *scratch, struct record *record,
	struct record_report *report, enum record_condition *ret_condition, const char **ret_text)
{
	*ret_condition = record_restrict(record, own_profile(n), &n->arena, report);
	*ret_text = report->reason;
	if (*ret_condition != COND_NONE)
		return ADMIT_REJECT;
	buf_clear(scratch, SIZE_MAX);
	if (record_encode(record, scratch) && !decode_own(n, buf_bytes(scratch), record))
		return ADMIT_PASS;
	*ret_condition = COND_POLICY_VIOLATION;
	*ret_text = "larger than the limits of the next node";
	return ADMIT_REJECT;
}

enum admit admit_record(struct node *n, struct str bytes, struct buf *scratch,
	struct record *ret_record, struct record_report *report,
	enum record_condition *ret_condition, const char **ret_text)
{
	arena_reset(&n->arena);
	if (!decode_own(n, bytes, ret_record))
		return ADMIT_PASS;
	arena_reset(&n->arena);
	*ret_text = record_decode(bytes, &widest, PROFILE_OPEN, &n->arena, ret_record);
	if (*ret_text)
		return ADMIT_BAD;
	return restrict_record(n, scratch, ret_record, report, ret_condition, ret_text);
}

bool admit_own(struct node *n, struct str bytes, struct record *ret_record)
{
	arena_reset(&n->arena);
	return !record_decode(bytes, &widest, PROFILE_OPEN, &n->arena, ret_record);
}
