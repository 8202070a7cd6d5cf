/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sallyport status`: the JSON of a daemon as tables. What a daemon does not say is left out;
 * single values that this version does not know become columns, or lines below.
 */
#include <stdio.h>

#include "base/count.h"
#include "base/utf8.h"
#include "cli/answer.h"
#include "cli/show.h"
#include "cli/table.h"

static const struct column link_columns[] = {
	{ "NODE", "peer", value_plain },
	{ "STATE", "up", value_up },
	{ "LEASE", "lease", value_plain },
	{ "HEARD AGO", "heard_ms_ago", value_ms, true },
	{ "RTT", "rtt_ms", value_ms, true },
	{ "FRAMES IN", "frames_in", value_plain, true },
	{ "OUT", "frames_out", value_plain, true },
	{ "BYTES IN", "bytes_in", value_bytes, true },
	{ "OUT", "bytes_out", value_bytes, true },
	{ "CONNECTS", "connections", value_plain, true },
	{ "FAULTS", "faults", value_plain, true },
	{ "DRAINING", "draining", value_plain },
	{ "WHY DOWN", "why", value_plain },
};
static const struct column channel_columns[] = {
	{ "LOCAL", "local", value_plain },
	{ "FOREIGN", "foreign", value_plain },
	{ "WAY", "way", value_plain },
	{ "OWNER", "owner", value_plain },
	{ "FROM", "from", value_plain },
	{ "STATE", "state", value_plain },
	{ "EPOCH", "epoch", value_plain, true },
	{ "QUEUED", "queued", value_plain, true },
	{ "UNACKED", "unacknowledged", value_plain, true },
	{ "SENT", "sent", value_plain, true },
	{ "ACKED", "acked", value_plain, true },
	{ "RESENT", "resent", value_plain, true },
	{ "UNTAKEN", "untaken", value_plain, true },
	{ "DELIVERED", "delivered", value_plain, true },
	{ "REPEATED", "repeated", value_plain, true },
	{ "REJECTED", "rejected", value_plain, true },
};
static const struct column pair_columns[] = {
	{ "US", "us", value_plain },
	{ "THEM", "them", value_plain },
	{ "IN", "in", value_streams },
	{ "OUT", "out", value_streams },
	TRAFFIC_COLUMNS,
};
static const struct column stream_columns[] = {
	{ "STREAM", "stream", value_plain, true },
	{ "DIRECTION", "direction", value_plain },
	{ "US", "us", value_plain },
	{ "THEM", "them", value_plain },
	{ "STATE", "state", value_plain },
	{ "TLS", "tls", value_plain },
	{ "AGE", "seconds", value_seconds, true },
	{ "STANZAS", "stanzas", value_plain, true },
	{ "PAIRS", "pairs", value_plain, true },
	{ "UNWRITTEN", "unwritten_bytes", value_bytes, true },
};

static const struct column dial_columns[] = {
	{ "NODE", "peer", value_plain },
	{ "ADDRESS", "address", value_plain },
	{ "REASON", "reason", value_plain },
	{ "WHAT TO DO", "cure", value_plain },
};

static const struct column wave_columns[] = {
	{ "FINGERPRINT", "fingerprint", value_plain },
	{ "OF", "of", value_plain },
	{ "SENDERS", "senders", value_plain, true },
	{ "MESSAGES", "messages", value_plain, true },
	{ "SINCE", "age_ms", value_ms, true },
	{ "REFUSED", "refused", value_plain },
};

static const struct section sections[] = {
	{ "links", "links", link_columns, COUNT(link_columns) },
	{ "unlinked", "outer nodes that cannot be reached", dial_columns, COUNT(dial_columns) },
	{ "pairs", "pairs (us: the domain that this node plays)", pair_columns,
		COUNT(pair_columns) },
	{ "channels", "channels of the link", channel_columns, COUNT(channel_columns) },
	{ "streams", "streams", stream_columns, COUNT(stream_columns) },
	{ "waves", "texts and links of many senders (rule wave)", wave_columns,
		COUNT(wave_columns) },
};

static void put_node(struct buf *out, const json_t *node)
{
	static const struct {
		const char *before;
		const char *key;
		value_fn *put;
		const char *after;
	} parts[] = {
		{ "", "id", value_plain, "" },
		{ " (", "role", value_plain, ")" },
		{ " ", "version", value_plain, "" },
		{ ", up ", "uptime_ms", value_ms, "" },
		{ ", ", "rss", value_bytes, " of memory" },
		{ ", profile ", "profile", value_plain, "" },
		{ ", pid ", "pid", value_plain, "" },
	};

	for (size_t i = 0; i < COUNT(parts); i++) {
		if (!json_object_get(node, parts[i].key))
			continue;
		buf_append_c(out, parts[i].before);
		parts[i].put(out, node, parts[i].key);
		buf_append_c(out, parts[i].after);
	}
	if (json_is_true(json_object_get(node, "draining")))
		buf_append_c(out, ", DRAINING");
	if (json_is_true(json_object_get(node, "isolated")))
		buf_append_c(out, ", ISOLATED: it does not listen");
	buf_append_c(out, "\n");
}

static bool is_zero(const json_t *v)
{
	return json_is_integer(v) && json_integer_value(v) == 0;
}

/* Each value that is not 0, as "prefix.name value"; objects inside go one level down. */
static void put_counters(struct grid *g, const char *prefix, json_t *object, unsigned depth)
{
	const char *key;
	json_t *value;
	char name[128];

	json_object_foreach(object, key, value)
	{
		snprintf(name, sizeof(name), "%s%s%s", prefix, prefix[0] ? "." : "", key);
		if (json_is_object(value)) {
			if (depth < 4)
				put_counters(g, name, value, depth + 1);
			continue;
		}
		if (is_zero(value) || json_is_array(value))
			continue;
		struct str text = str_of(name);
		text.len = utf8_xml_prefix(text);
		show_safe(&g->text, text);
		grid_cell(g);
		value_plain(&g->text, object, key);
		grid_cell(g);
	}
}

static void put_object(struct buf *out, const char *key, json_t *object)
{
	struct grid g;

	grid_init(&g, 2);
	grid_right(&g, 1);
	put_counters(&g, "", object, 0);
	if (g.n) {
		buf_append_c(out, "\n");
		show_safe(out, str_of(key));
		buf_append_c(out, " (what is not 0)\n");
		grid_show(&g, out);
	}
	grid_done(&g);
}

static void put_status(struct buf *out, const struct cli *c, json_t *status)
{
	const char *key;
	json_t *value;

	(void)c;
	put_node(out, json_object_get(status, "node"));
	for (size_t i = 0; i < COUNT(sections); i++) {
		table_show(out, &sections[i], json_object_get(status, sections[i].key));
		answer_put_left_out(out, status, sections[i].key);
	}
	json_object_foreach(status, key, value)
	{
		if (json_is_object(value) && strcmp(key, "node") != 0)
			put_object(out, key, value);
	}
}

int cmd_status(const struct cli *c)
{
	static const struct answer_view view = { .text = put_status };

	return answer_of_domains(c, "status", &view);
}
