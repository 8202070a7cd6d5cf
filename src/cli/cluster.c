/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sallyport cluster`: the nodes that a daemon knows, and each pair that it sends on with the reason for its place.
 * `drain`, `undrain`, `move` and `expel` are orders to one daemon, answered with {"ok":true} or {"error":...}.
 */
#include <stdio.h>

#include "base/count.h"
#include "cli/answer.h"
#include "cli/show.h"
#include "cli/table.h"

/* --- cluster --- */

static const char *string_of(const json_t *row, const char *key)
{
	const char *s = json_string_value(json_object_get(row, key));

	return s ? s : "";
}

static void put_word(struct buf *out, const char *before, const json_t *row, const char *key)
{
	buf_append_c(out, before);
	value_str(out, json_object_get(row, key));
}

/* What brought the pair to its owner, in the words of enum link_why. */
static void put_event(struct buf *out, const json_t *row)
{
	static const struct {
		const char *why;
		const char *before;
		const char *after;
	} events[] = {
		{ "dead", "", " was dead" },
		{ "restarted", "", " was started anew" },
		{ "refused", "", " could not reach the domain" },
		{ "revoked", "the lease of ", " had run out" },
		{ "drained", "", " was drained" },
		{ "command", "moved by command from ", "" },
		{ "home", "came back from ", "" },
	};

	for (size_t i = 0; i < COUNT(events); i++) {
		if (strcmp(events[i].why, string_of(row, "why")) != 0 || !string_of(row, "from")[0])
			continue;
		buf_append_c(out, ", ");
		put_word(out, events[i].before, row, "from");
		buf_append_c(out, events[i].after);
		return;
	}
}

/* "away: outer-a was dead 12 s ago, goes back there when idle for 30 s" */
static void value_place(struct buf *out, const json_t *pair, const char *key)
{
	const json_t *row = json_object_get(pair, key);
	const char *state = string_of(row, "state");
	uint64_t line, since;

	if (strcmp(state, "held") == 0)
		buf_append_c(out, "held here by command");
	else if (strcmp(state, "moving") == 0)
		put_word(out, "moves when all is acknowledged, by command, to ", row, "pinned");
	else if (strcmp(state, "waiting") == 0)
		buf_append_c(out, "no node may have it now");
	else if (strcmp(state, "idle") == 0)
		buf_append_c(out, "nowhere until its next stanza");
	else if (value_count(row, "route_line", &line))
		buf_printf(out, "%s: route in line %llu", state, (unsigned long long)line);
	else
		buf_printf(out, "%s: by the hash over all live nodes", state);
	put_event(out, row);
	if (string_of(row, "from")[0] && value_count(row, "since_ms", &since)) {
		buf_append_c(out, " ");
		show_ms(out, since);
		buf_append_c(out, " ago");
	}
	if (strcmp(state, "away") == 0)
		put_word(out, "; when idle for a while it goes to ", row, "home");
}

static void value_drained(struct buf *out, const json_t *row, const char *key)
{
	const char *where = string_of(row, key);

	buf_append_c(out,
		strcmp(where, "here") == 0            ? "by this node"
			: strcmp(where, "there") == 0 ? "by itself"
						      : "-");
}

static const struct column node_columns[] = {
	{ "NODE", "node", value_plain },
	{ "ROLE", "role", value_plain },
	{ "STATE", "up", value_up },
	{ "VERSION", "version", value_plain },
	{ "BOOT", "boot", value_plain, true },
	{ "HEARD AGO", "heard_ms_ago", value_ms, true },
	{ "RTT", "rtt_ms", value_ms, true },
	{ "PROTOCOL", "protocol", value_plain, true },
	{ "CATALOGUE", "catalogue", value_plain, true },
	{ "LOAD", "load", value_percent, true },
	{ "OTHERS", "others", value_plain, true },
	{ "OWNS", "owns", value_plain, true },
	{ "SENDS", "sends", value_plain, true },
	{ "DRAINED", "drained", value_drained },
	{ "WHY DOWN", "why_down", value_plain },
};
static const struct column dial_columns[] = {
	{ "NODE", "peer", value_plain },
	{ "ADDRESS", "address", value_plain },
	{ "REASON", "reason", value_plain },
	{ "WHAT TO DO", "cure", value_plain },
};
static const struct column pair_columns[] = {
	{ "LOCAL", "local", value_plain },
	{ "FOREIGN", "foreign", value_plain },
	{ "OWNER", "owner", value_plain },
	{ "EPOCH", "epoch", value_plain, true },
	{ "IDLE", "idle_ms", value_ms, true },
	{ "QUEUED", "queued", value_plain, true },
	{ "UNACKED", "unacknowledged", value_plain, true },
	{ "WHY THERE", "place", value_place },
};

static const struct section sections[] = {
	{ "nodes", "nodes", node_columns, COUNT(node_columns) },
	{ "unlinked", "nodes that cannot be reached", dial_columns, COUNT(dial_columns) },
	{ "pairs", "pairs that this node sends on, and which node has the lease", pair_columns,
		COUNT(pair_columns) },
};

static void put_self(struct buf *out, const json_t *node)
{
	uint64_t load;

	put_word(out, "", node, "node");
	put_word(out, " (", node, "role");
	put_word(out, ") ", node, "version");
	buf_append_c(out, ", boot ");
	value_plain(out, node, "boot");
	buf_append_c(out, ", up ");
	value_ms(out, node, "uptime_ms");
	if (value_count(node, "load", &load)) {
		buf_append_c(out, ", load ");
		value_percent(out, node, "load");
	}
	if (json_is_true(json_object_get(node, "drained")))
		buf_append_c(out, ", DRAINED");
	if (json_is_true(json_object_get(node, "stopping")))
		buf_append_c(out, ", STOPPING");
	if (json_is_true(json_object_get(node, "isolated")))
		buf_append_c(out, ", ISOLATED: it does not listen");
	buf_append_c(out, "\n");
}

static void put_cluster(struct buf *out, const struct cli *c, json_t *answer)
{
	(void)c;
	put_self(out, json_object_get(answer, "node"));
	for (size_t i = 0; i < COUNT(sections); i++) {
		table_show(out, &sections[i], json_object_get(answer, sections[i].key));
		answer_put_left_out(out, answer, sections[i].key);
	}
}

int cmd_cluster(const struct cli *c)
{
	static const struct answer_view view = { .text = put_cluster };

	return answer_of_domains(c, "cluster", &view);
}

/* --- orders --- */

static void put_done(struct buf *out, const struct cli *c, json_t *answer)
{
	(void)c;
	(void)answer;
	buf_append_c(out, "done; `sallyport cluster` shows what becomes of it\n");
}

/* The words of the command line must be words of the protocol, too. */
static bool is_word(const char *word)
{
	return word[0] && !strpbrk(word, " \t\r\n");
}

static int give_order(const struct cli *c, const char *verb, size_t n_words, const char *usage)
{
	static const struct answer_view view = { .text = put_done };
	char line[1024];
	size_t at;
	bool good = c->words.n == n_words;

	for (size_t i = 0; good && i < n_words; i++)
		good = is_word(c->words.word[i]);
	if (!good)
		return cli_usage(usage);
	at = (size_t)snprintf(line, sizeof(line), "%s", verb);
	for (size_t i = 0; i < n_words && at < sizeof(line); i++)
		at += (size_t)snprintf(line + at, sizeof(line) - at, " %s", c->words.word[i]);
	if (at + 1 >= sizeof(line))
		return cli_usage("the words are too long");
	line[at] = '\n';
	line[at + 1] = '\0';
	return answer_one(c, line, &view);
}

int cmd_drain(const struct cli *c)
{
	return give_order(c, "drain", 1, "drain takes the name of a node");
}

int cmd_undrain(const struct cli *c)
{
	return give_order(c, "undrain", 1, "undrain takes the name of a node");
}

int cmd_expel(const struct cli *c)
{
	return give_order(c, "expel", 2, "expel takes an inner and the boot id of its process");
}

int cmd_move(const struct cli *c)
{
	return give_order(c, "move", 3, "move takes a local domain, a foreign domain and a node");
}
