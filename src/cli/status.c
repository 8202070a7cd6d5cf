/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sallyport status`: the JSON of a daemon as tables. What a daemon does not say is left out;
 * single values that this version does not know become columns, or lines below.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/utf8.h"
#include "cli/client.h"
#include "cli/show.h"

enum { EXTRA_MAX = 16, COLUMNS_MAX = 16 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef void put_fn(struct buf *out, const json_t *row, const char *key);

/* One column: title, the member that it shows, and how. */
struct column {
	const char *title;
	const char *key;
	put_fn *put;
	bool right;
};

/* One array of the answer. */
struct section {
	const char *key;
	const char *title;
	const struct column *columns;
	size_t n;
};

static void put_str(struct buf *out, const json_t *value)
{
	show_safe(out, str_from(json_string_value(value), json_string_length(value)));
}

/* --- values --- */

static void put_plain(struct buf *out, const json_t *row, const char *key)
{
	const json_t *v = json_object_get(row, key);

	if (json_is_string(v)) {
		put_str(out, v);
	} else if (json_is_integer(v)) {
		buf_printf(out, "%lld", (long long)json_integer_value(v));
	} else if (json_is_real(v)) {
		buf_printf(out, "%g", json_real_value(v));
	} else if (json_is_boolean(v)) {
		buf_append_c(out, json_is_true(v) ? "yes" : "no");
	} else {
		buf_append_c(out, "-");
	}
}

static bool get_count(const json_t *row, const char *key, uint64_t *ret)
{
	const json_t *v = json_object_get(row, key);

	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return false;
	*ret = (uint64_t)json_integer_value(v);
	return true;
}

static void put_ms(struct buf *out, const json_t *row, const char *key)
{
	uint64_t n;

	if (get_count(row, key, &n)) {
		show_ms(out, n);
	} else {
		buf_append_c(out, "-");
	}
}

static void put_seconds(struct buf *out, const json_t *row, const char *key)
{
	uint64_t n;

	if (get_count(row, key, &n) && n < UINT64_MAX / 1000) {
		show_ms(out, n * 1000);
	} else {
		buf_append_c(out, "-");
	}
}

static void put_bytes(struct buf *out, const json_t *row, const char *key)
{
	uint64_t n;

	if (get_count(row, key, &n)) {
		show_bytes(out, n);
	} else {
		buf_append_c(out, "-");
	}
}

static void put_up(struct buf *out, const json_t *row, const char *key)
{
	const json_t *v = json_object_get(row, key);

	buf_append_c(out, json_is_true(v) ? "up" : json_is_false(v) ? "DOWN" : "-");
}

/* The members of a stream's object that say something, with spaces between them. */
static void put_words(struct buf *out, const json_t *object, const char *const *keys, size_t n)
{
	const char *between = "";

	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_object_get(object, keys[i]);
		if (!json_is_string(v))
			continue;
		buf_append_c(out, between);
		put_str(out, v);
		between = " ";
	}
	if (!between[0])
		buf_append_c(out, "-");
}

/* An object {"state", "proof", "tls"} or an array of them: the first, and how many more. */
static void put_streams(struct buf *out, const json_t *row, const char *key)
{
	static const char *const keys[] = { "state", "proof", "tls" };
	const json_t *v = json_object_get(row, key);
	size_t n = json_is_array(v) ? json_array_size(v) : 1;

	if (json_is_string(v)) {
		put_str(out, v);
		return;
	}
	put_words(out, json_is_array(v) ? json_array_get(v, 0) : v, keys, COUNT(keys));
	if (n > 1)
		buf_printf(out, " and %zu more", n - 1);
}

static void put_failure(struct buf *out, const json_t *row, const char *key)
{
	static const char *const keys[] = { "failure", "reason", "text" };
	const json_t *v = json_object_get(row, key);
	uint64_t n;

	put_words(out, v, keys, COUNT(keys));
	if (get_count(v, "seconds_ago", &n)) {
		buf_append_c(out, ", ");
		put_seconds(out, v, "seconds_ago");
		buf_append_c(out, " ago");
	}
	if (get_count(v, "in_a_row", &n) && n > 1)
		buf_printf(out, ", %llu in a row", (unsigned long long)n);
	if (get_count(v, "retry_in_ms", &n) && n) {
		buf_append_c(out, ", next try in ");
		show_ms(out, n);
	}
}

/* --- sections --- */

static const struct column link_columns[] = {
	{ "NODE", "peer", put_plain },
	{ "STATE", "up", put_up },
	{ "LEASE", "lease", put_plain },
	{ "HEARD AGO", "heard_ms_ago", put_ms, true },
	{ "RTT", "rtt_ms", put_ms, true },
	{ "FRAMES IN", "frames_in", put_plain, true },
	{ "OUT", "frames_out", put_plain, true },
	{ "BYTES IN", "bytes_in", put_bytes, true },
	{ "OUT", "bytes_out", put_bytes, true },
	{ "CONNECTS", "connections", put_plain, true },
	{ "FAULTS", "faults", put_plain, true },
	{ "DRAINING", "draining", put_plain },
	{ "WHY DOWN", "why", put_plain },
};
static const struct column channel_columns[] = {
	{ "LOCAL", "local", put_plain },
	{ "FOREIGN", "foreign", put_plain },
	{ "WAY", "way", put_plain },
	{ "OWNER", "owner", put_plain },
	{ "FROM", "from", put_plain },
	{ "STATE", "state", put_plain },
	{ "EPOCH", "epoch", put_plain, true },
	{ "QUEUED", "queued", put_plain, true },
	{ "UNACKED", "unacknowledged", put_plain, true },
	{ "SENT", "sent", put_plain, true },
	{ "ACKED", "acked", put_plain, true },
	{ "RESENT", "resent", put_plain, true },
	{ "UNTAKEN", "untaken", put_plain, true },
	{ "DELIVERED", "delivered", put_plain, true },
	{ "REPEATED", "repeated", put_plain, true },
	{ "REJECTED", "rejected", put_plain, true },
};
static const struct column pair_columns[] = {
	{ "US", "us", put_plain },
	{ "THEM", "them", put_plain },
	{ "IN", "in", put_streams },
	{ "OUT", "out", put_streams },
	{ "READ", "stanzas_in", put_plain, true },
	{ "WRITTEN", "stanzas_out", put_plain, true },
	{ "QUEUED", "queued", put_plain, true },
	{ "BYTES", "queued_bytes", put_bytes, true },
	{ "UNSENT", "unsent", put_plain, true },
	{ "LAST FAILURE", "failed", put_failure },
};
static const struct column stream_columns[] = {
	{ "STREAM", "stream", put_plain, true },
	{ "DIRECTION", "direction", put_plain },
	{ "US", "us", put_plain },
	{ "THEM", "them", put_plain },
	{ "STATE", "state", put_plain },
	{ "TLS", "tls", put_plain },
	{ "AGE", "seconds", put_seconds, true },
	{ "STANZAS", "stanzas", put_plain, true },
	{ "PAIRS", "pairs", put_plain, true },
	{ "UNWRITTEN", "unwritten_bytes", put_bytes, true },
};

static const struct section sections[] = {
	{ "links", "links", link_columns, COUNT(link_columns) },
	{ "pairs", "pairs (us: the domain that this node plays)", pair_columns,
		COUNT(pair_columns) },
	{ "channels", "channels of the link", channel_columns, COUNT(channel_columns) },
	{ "streams", "streams", stream_columns, COUNT(stream_columns) },
};

static bool is_known(const struct section *s, const struct words *extra, const char *key)
{
	for (size_t i = 0; i < extra->n; i++) {
		if (strcmp(extra->word[i], key) == 0)
			return true;
	}
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->columns[i].key, key) == 0)
			return true;
	}
	return false;
}

/* Members that hold one value and are in no column. */
static void find_extra(const struct section *s, json_t *rows, struct words *ret_keys)
{
	json_t *value;
	const char *key;

	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_object_foreach(json_array_get(rows, i), key, value)
		{
			bool scalar = !json_is_object(value) && !json_is_array(value);
			if (scalar && ret_keys->n < EXTRA_MAX && !is_known(s, ret_keys, key))
				words_add(ret_keys, key);
		}
	}
}

/* Is there anything to show in this column? */
static bool is_used(json_t *rows, const char *key)
{
	size_t i;
	json_t *row;

	json_array_foreach(rows, i, row)
	{
		if (json_object_get(row, key))
			return true;
	}
	return false;
}

static size_t used_columns(const struct section *s, json_t *rows, const struct column *ret[])
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (is_used(rows, s->columns[i].key))
			ret[n++] = &s->columns[i];
	}
	return n;
}

static void put_titles(
	struct grid *g, const struct column *columns[], size_t n, const struct words *extra)
{
	for (size_t i = 0; i < n; i++) {
		buf_append_c(&g->text, columns[i]->title);
		grid_cell(g);
		if (columns[i]->right)
			grid_right(g, i);
	}
	for (size_t i = 0; i < extra->n; i++) {
		show_safe(&g->text, str_of(extra->word[i]));
		grid_cell(g);
		grid_right(g, n + i);
	}
}

static void put_row(struct grid *g, const struct column *columns[], size_t n,
	const struct words *extra, const json_t *row)
{
	for (size_t i = 0; i < n; i++) {
		columns[i]->put(&g->text, row, columns[i]->key);
		grid_cell(g);
	}
	for (size_t i = 0; i < extra->n; i++) {
		put_plain(&g->text, row, extra->word[i]);
		grid_cell(g);
	}
}

static void put_section(struct buf *out, const struct section *s, json_t *rows)
{
	const struct column *columns[COLUMNS_MAX];
	struct words extra = { 0 };
	struct grid g;

	check(s->n <= COUNT(columns));
	if (json_array_size(rows) == 0)
		return;
	find_extra(s, rows, &extra);
	size_t n = used_columns(s, rows, columns);
	if (n + extra.n) {
		grid_init(&g, n + extra.n);
		put_titles(&g, columns, n, &extra);
		for (size_t i = 0; i < json_array_size(rows); i++)
			put_row(&g, columns, n, &extra, json_array_get(rows, i));
		buf_printf(out, "\n%s\n", s->title);
		grid_show(&g, out);
		grid_done(&g);
	}
	words_free(&extra);
}

/* --- the node, and counters --- */

static void put_node(struct buf *out, const json_t *node)
{
	static const struct {
		const char *before;
		const char *key;
		put_fn *put;
		const char *after;
	} parts[] = {
		{ "", "id", put_plain, "" },
		{ " (", "role", put_plain, ")" },
		{ " ", "version", put_plain, "" },
		{ ", up ", "uptime_ms", put_ms, "" },
		{ ", ", "rss", put_bytes, " of memory" },
		{ ", profile ", "profile", put_plain, "" },
		{ ", pid ", "pid", put_plain, "" },
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
		put_plain(&g->text, object, key);
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

static void put_status(struct buf *out, json_t *status)
{
	const char *key;
	json_t *value;

	put_node(out, json_object_get(status, "node"));
	for (size_t i = 0; i < COUNT(sections); i++)
		put_section(out, &sections[i], json_object_get(status, sections[i].key));
	json_object_foreach(status, key, value)
	{
		if (json_is_object(value) && strcmp(key, "node") != 0)
			put_object(out, key, value);
	}
}

/* --- the command --- */

static bool show(const struct cli *c, const char *path, json_t *status)
{
	const json_t *refused = json_object_get(status, "error");
	struct buf out;

	buf_init(&out, CLIENT_ANSWER_MAX);
	if (json_is_string(refused)) {
		buf_printf(&out, "sallyport: %s: ", path);
		put_str(&out, refused);
		buf_append_c(&out, "\n");
	} else if (c->json) {
		char *text = json_dumps(status, JSON_COMPACT | JSON_ENSURE_ASCII);
		check(text);
		buf_append_c(&out, text);
		buf_append_c(&out, "\n");
		free(text);
	} else {
		put_status(&out, status);
	}
	fwrite(buf_bytes(&out).p, 1, buf_len(&out), json_is_string(refused) ? stderr : stdout);
	buf_done(&out);
	return !json_is_string(refused);
}

static bool status_of(const struct cli *c, const char *path)
{
	struct buf answer;
	json_error_t error;
	json_t *status = NULL;

	buf_init(&answer, CLIENT_ANSWER_MAX);
	if (client_answer(path, "status\n", &answer)) {
		status = json_loadb(buf_bytes(&answer).p, buf_len(&answer), JSON_ALLOW_NUL, &error);
		if (!json_is_object(status))
			fprintf(stderr, "sallyport: %s: not an answer\n", path);
	}
	buf_done(&answer);
	bool ok = json_is_object(status) && show(c, path, status);
	json_decref(status);
	return ok;
}

int cmd_status(const struct cli *c)
{
	struct words paths = { 0 };
	bool ok = true;

	if (c->words.n != 0)
		return cli_usage("status takes no words");
	if (!client_sockets(c, &paths))
		return EXIT_FAILED;
	for (size_t i = 0; i < paths.n; i++) {
		if (i && !c->json)
			putchar('\n');
		ok = status_of(c, paths.word[i]) && ok;
	}
	words_free(&paths);
	return ok ? EXIT_OK : EXIT_FAILED;
}
