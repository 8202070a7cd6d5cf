/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sallyport peers`: the pairs of a daemon's status, gathered by foreign domain. For outer that is the other side of
 * the pair on its face, for inner the domain that it plays there.
 *
 *	status: {"node", "pairs": [{"us", "them", "in", "out", "failed", ...}], "streams": [{"stream", "seconds"}]}
 *	  └► {"domain", "state", "seconds", "in", "out", "stanzas_in", ..., "failed"} for each domain
 */
#include <stdio.h>

#include "base/check.h"
#include "base/count.h"
#include "cli/answer.h"
#include "cli/show.h"
#include "cli/table.h"

/* The better state of two: what comes first here. */
static const char *const states[] = { "up", "connecting", "failing", "idle" };
enum { STATE_UP, STATE_CONNECTING, STATE_FAILING, STATE_IDLE };

static unsigned state_of(const json_t *pair)
{
	const json_t *out = json_object_get(pair, "out");
	const char *word = json_string_value(json_object_get(out, "state"));
	uint64_t in_a_row;

	if (json_array_size(json_object_get(pair, "in")) || (word && strcmp(word, "ready") == 0))
		return STATE_UP;
	if (json_is_object(out))
		return STATE_CONNECTING;
	if (value_count(json_object_get(pair, "failed"), "in_a_row", &in_a_row) && in_a_row)
		return STATE_FAILING;
	return STATE_IDLE;
}

static unsigned known_state(const json_t *row)
{
	const char *word = json_string_value(json_object_get(row, "state"));

	for (unsigned i = 0; i < COUNT(states); i++) {
		if (word && strcmp(states[i], word) == 0)
			return i;
	}
	return COUNT(states);
}

static void add(json_t *row, const json_t *pair, const char *key)
{
	uint64_t sum = 0, more = 0;

	value_count(row, key, &sum);
	if (value_count(pair, key, &more))
		json_object_set_new(row, key, json_integer((json_int_t)(sum + more)));
}

/* The ages of all streams, by their numbers as text. */
static json_t *ages_of(json_t *status)
{
	json_t *ages = json_pack("{}"); /* json_object() is the writer of base/ here */
	char number[24];
	uint64_t n;
	size_t i;
	json_t *s;

	json_array_foreach(json_object_get(status, "streams"), i, s)
	{
		if (!value_count(s, "stream", &n))
			continue;
		snprintf(number, sizeof(number), "%llu", (unsigned long long)n);
		json_object_set(ages, number, s);
	}
	return ages;
}

/* Since when: the oldest stream that serves the domain. */
static void take_age(json_t *row, const json_t *ages, const json_t *stream)
{
	uint64_t n, age, known = 0;
	char number[24];

	if (!value_count(stream, "stream", &n))
		return;
	snprintf(number, sizeof(number), "%llu", (unsigned long long)n);
	value_count(row, "seconds", &known);
	if (value_count(json_object_get(ages, number), "seconds", &age) && age >= known)
		json_object_set_new(row, "seconds", json_integer((json_int_t)age));
}

static void take_streams(json_t *row, const json_t *ages, const json_t *pair)
{
	json_t *out = json_object_get(pair, "out"), *in = json_object_get(pair, "in");
	json_t *known = json_object_get(row, "in");
	size_t i;
	json_t *stream;

	if (json_is_object(out)) {
		take_age(row, ages, out);
		if (!json_object_get(row, "out"))
			json_object_set(row, "out", out);
	}
	json_array_foreach(in, i, stream)
	{
		take_age(row, ages, stream);
		json_array_append(known, stream);
	}
}

/* The latest failure of all pairs with the domain. */
static void take_failure(json_t *row, const json_t *pair)
{
	json_t *failed = json_object_get(pair, "failed");
	uint64_t known = UINT64_MAX, ago;

	value_count(json_object_get(row, "failed"), "seconds_ago", &known);
	if (json_is_object(failed) && value_count(failed, "seconds_ago", &ago) && ago < known)
		json_object_set(row, "failed", failed);
}

static json_t *row_of(json_t *rows, json_t *index, const char *domain)
{
	json_t *row = json_object_get(index, domain);

	if (row)
		return row;
	row = json_pack("{s:s, s:s, s:[], s:i}", "domain", domain, "state", states[STATE_IDLE],
		"in", "pairs", 0);
	check(row);
	json_object_set_new(index, domain, row);
	json_array_append(rows, row);
	return row;
}

static void take_pair(json_t *row, const json_t *ages, const json_t *pair)
{
	static const char *const sums[] = { "stanzas_in", "stanzas_out", "queued", "queued_bytes",
		"unsent" };
	unsigned state = state_of(pair);
	uint64_t pairs = 0;

	if (state < known_state(row))
		json_object_set_new(row, "state", json_string(states[state]));
	value_count(row, "pairs", &pairs);
	json_object_set_new(row, "pairs", json_integer((json_int_t)pairs + 1));
	for (size_t i = 0; i < COUNT(sums); i++)
		add(row, pair, sums[i]);
	take_streams(row, ages, pair);
	take_failure(row, pair);
}

/* A new array with an object for each foreign domain. */
static json_t *gather(json_t *status)
{
	const char *role =
		json_string_value(json_object_get(json_object_get(status, "node"), "role"));
	const char *key = role && strcmp(role, "inner") == 0 ? "us" : "them";
	json_t *rows = json_pack("[]"), *index = json_pack("{}"), *ages = ages_of(status);
	size_t i;
	json_t *pair;

	json_array_foreach(json_object_get(status, "pairs"), i, pair)
	{
		const char *domain = json_string_value(json_object_get(pair, key));
		if (domain)
			take_pair(row_of(rows, index, domain), ages, pair);
	}
	json_decref(index);
	json_decref(ages);
	return rows;
}

static json_t *as_json(const struct cli *c, json_t *status)
{
	json_t *answer = json_pack("{}"), *node = json_object_get(status, "node");

	if (node)
		json_object_set(answer, "node", node);
	json_object_set_new(answer, "peers", gather(status));
	/* Of pairs that the daemon did not tell of nothing is known here. */
	json_object_set_new(answer, "pairs_left_out",
		json_integer((json_int_t)answer_left_out(status, "pairs")));
	return answer;
}

static void put_cures(struct buf *out, json_t *rows)
{
	bool first = true;
	size_t i;
	json_t *row;

	json_array_foreach(rows, i, row)
	{
		const json_t *failed = json_object_get(row, "failed");
		const json_t *cure = json_object_get(failed, "cure");
		if (known_state(row) != STATE_FAILING || !json_is_string(cure))
			continue;
		buf_append_c(out, first ? "\nwhat to do\n" : "");
		first = false;
		buf_append_c(out, "  ");
		value_plain(out, row, "domain");
		buf_append_c(out, ", ");
		value_plain(out, failed, "step");
		buf_append_c(out, ": ");
		value_str(out, cure);
		buf_append_c(out, "\n");
	}
}

static void as_text(struct buf *out, const struct cli *c, json_t *status)
{
	static const struct column columns[] = {
		{ "DOMAIN", "domain", value_plain },
		{ "STATE", "state", value_plain },
		{ "SINCE", "seconds", value_seconds, true },
		{ "IN", "in", value_streams },
		{ "OUT", "out", value_streams },
		{ "PAIRS", "pairs", value_plain, true },
		TRAFFIC_COLUMNS,
	};
	static const struct section section = { "peers", "foreign domains", columns,
		COUNT(columns) };
	json_t *rows = gather(status);
	const json_t *node = json_object_get(status, "node");

	value_plain(out, node, "id");
	buf_append_c(out, " (");
	value_plain(out, node, "role");
	buf_append_c(out, ")\n");
	if (json_array_size(rows) == 0)
		buf_append_c(out,
			c->words.n ? "  knows nothing of these domains\n"
				   : "  no traffic with any domain yet\n");
	table_show(out, &section, rows);
	answer_put_left_out(out, status, "pairs");
	put_cures(out, rows);
	json_decref(rows);
}

int cmd_peers(const struct cli *c)
{
	static const struct answer_view view = { .text = as_text, .json = as_json };

	return answer_of_domains(c, "status", &view);
}
