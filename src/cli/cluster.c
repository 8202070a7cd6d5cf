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

static void put_number(struct buf *out, const char *before, const json_t *row, const char *key)
{
	buf_append_c(out, before);
	value_plain(out, row, key);
}

/* What brought the pair to its owner, in the words of enum link_why. */
static void put_event(struct buf *out, const json_t *row)
{
	static const struct {
		const char *why;
		const char *before;
		const char *after; /* NULL: without the node */
	} events[] = {
		{ "dead", "", " was dead" },
		{ "restarted", "", " was started anew" },
		{ "refused", "", " could not reach the domain" },
		{ "revoked", "the lease of ", " had run out" },
		{ "drained", "", " was drained" },
		{ "command", "moved by command from ", "" },
		{ "shared", "another inner had it there", NULL },
		{ "wished", "another inner wished it away from ", "" },
		{ "home", "came back from ", "" },
	};

	for (size_t i = 0; i < COUNT(events); i++) {
		if (strcmp(events[i].why, string_of(row, "why")) != 0)
			continue;
		if (!events[i].after) {
			buf_append_c(out, ", ");
			buf_append_c(out, events[i].before);
		} else if (string_of(row, "from")[0]) {
			buf_append_c(out, ", ");
			put_word(out, events[i].before, row, "from");
			buf_append_c(out, events[i].after);
		}
		return;
	}
}

/* Those who keep a pair where it is, and the only way to end that if they are dead. */
static void put_silent(struct buf *out, const json_t *row)
{
	const json_t *all = json_object_get(row, "silent");

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *one = json_array_get(all, i);
		put_word(out, i ? ", and " : ": ", one, "node");
		put_number(out, " (boot ", one, "boot");
		put_word(out, ") does not give it up; if it is dead for good: sallyport expel ",
			one, "node");
		put_number(out, " ", one, "boot");
	}
}

/* Without what it is followed by. */
static bool put_waiting(struct buf *out, const json_t *row)
{
	static const struct {
		const char *state;
		const char *text;
	} states[] = {
		{ "waiting", "no node may have it now" },
		{ "asking", "waits for the table of leases" },
		{ "leaving",
			"waits for other inners, who are asked to leave the node that had it" },
		{ "blocked", "waits, and the node that had it is not there" },
		{ "kept", "stays here" },
		{ "idle", "nowhere until its next stanza" },
		{ "held", "held here by command" },
	};

	for (size_t i = 0; i < COUNT(states); i++) {
		if (strcmp(states[i].state, string_of(row, "state")) == 0) {
			buf_append_c(out, states[i].text);
			put_silent(out, row);
			return true;
		}
	}
	return false;
}

static void put_home(struct buf *out, const json_t *row)
{
	uint64_t others;

	if (value_count(row, "others", &others) && others) {
		put_word(out, "; it belongs to ", row, "home");
		buf_append_c(out, ", but other inners use it here");
	} else {
		put_word(out, "; when idle for a while it goes to ", row, "home");
	}
}

/* "away: outer-a was dead 12 s ago, goes back there when idle for 30 s" */
static void value_place(struct buf *out, const json_t *pair, const char *key)
{
	const json_t *row = json_object_get(pair, key);
	const char *state = string_of(row, "state");
	uint64_t line, since;

	if (strcmp(state, "moving") == 0)
		put_word(out, "moves when all is acknowledged, by command, to ", row, "pinned");
	else if (put_waiting(out, row))
		; /* that is all */
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
		put_home(out, row);
}

/* The entry of the table: "outer-a 1790000000123 (wished: outer-b): inner-a inner-b" */
static void value_lease(struct buf *out, const json_t *pair, const char *key)
{
	const json_t *lease = json_object_get(pair, key);
	const json_t *holders = json_object_get(lease, "holders");

	if (!lease) {
		buf_append_c(out, "-");
		return;
	}
	put_word(out, "", lease, "owner");
	put_number(out, " ", lease, "epoch");
	if (string_of(lease, "wish")[0]) {
		put_word(out, " (wished: ", lease, "wish");
		buf_append_c(out, ")");
	}
	for (size_t i = 0; i < json_array_size(holders); i++)
		put_word(out, i ? " " : ": ", json_array_get(holders, i), "node");
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
	{ "LEASE", "lease", value_lease },
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
