/* SPDX-License-Identifier: Apache-2.0 */
#include "node/trace.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/json.h"
#include "net/local.h"

enum { TRACE_LINE_MAX = 256 * 1024 };

/* A client that traces; "*" matches any domain. */
struct watcher {
	struct list link; /* in node->watchers */
	struct net_local_client *client;
	struct str local;
	struct str foreign;
};

bool trace_wanted(const struct node *n)
{
	return !list_empty(&n->watchers);
}

static bool watches(const struct watcher *w, struct link_pair pair)
{
	return (str_is(w->local, "*") || str_eq(w->local, pair.local)) &&
		(str_is(w->foreign, "*") || str_eq(w->foreign, pair.foreign));
}

static void write_trace(struct node *n, const char *direction, struct link_pair pair,
	uint64_t trace, const struct record *rec, struct str bytes, struct buf *out)
{
	struct buf text;
	struct json j;
	char id[20];

	buf_init(&text, TRACE_LINE_MAX);
	snprintf(id, sizeof(id), "%016llx", (unsigned long long)trace);
	json_init(&j, out);
	json_object(&j, NULL);
	json_u64(&j, "time_ms", net_wall_ms());
	json_cstr(&j, "trace", id);
	json_str(&j, "node", n->config->node);
	json_cstr(&j, "direction", direction);
	json_str(&j, "local", pair.local);
	json_str(&j, "foreign", pair.foreign);
	json_cstr(&j, "kind", record_kind_word(rec->kind));
	json_str(&j, "from", rec->from.full);
	json_str(&j, "to", rec->to.full);
	json_u64(&j, "bytes", bytes.len);
	if (record_diag(bytes, &text))
		json_str(&j, "diag", buf_bytes(&text));
	buf_clear(&text, 0);
	if (record_write(rec, &text))
		json_str(&j, "xml", buf_bytes(&text));
	json_end(&j);
	buf_append_c(out, "\n");
	buf_done(&text);
}

void trace_record(struct node *n, const char *direction, struct link_pair pair, uint64_t trace,
	const struct record *rec, struct str bytes)
{
	struct buf line;
	bool written = false;

	buf_init(&line, 8 * TRACE_LINE_MAX);
	LIST_EACH_SAFE (&n->watchers, it) {
		struct watcher *w = LIST_OWNER(it, struct watcher, link);
		if (!watches(w, pair))
			continue;
		if (!written)
			write_trace(n, direction, pair, trace, rec, bytes, &line);
		written = true;
		net_local_send(w->client, buf_bytes(&line));
	}
	buf_done(&line);
}

void trace_leave(struct watcher *w)
{
	list_remove(&w->link);
	str_free(&w->local);
	str_free(&w->foreign);
	free(w);
}

void trace_start(struct node *n, struct net_local_client *client, const struct control_request *r)
{
	struct watcher *w = calloc(1, sizeof(*w));

	check(w);
	*w = (struct watcher){
		.client = client,
		.local = str_dup(r->n_words > 0 ? r->words[0] : STRL("*")),
		.foreign = str_dup(r->n_words > 1 ? r->words[1] : STRL("*")),
	};
	list_append(&n->watchers, &w->link);
	net_local_set_user(client, w);
}

void trace_end(struct node *n)
{
	LIST_EACH_SAFE (&n->watchers, it)
		trace_leave(LIST_OWNER(it, struct watcher, link));
}
