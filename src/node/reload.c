/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All or nothing: the new configuration is read, its files are looked at, and every part takes it over; when one
 * cannot, the old one is applied again. Then what stands is judged by it.
 */
#include "node/reload.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "node/carrier.h"
#include "node/choose.h"
#include "node/listen.h"
#include "node/preflight.h"
#include "node/secrets.h"
#include "node/settings.h"
#include "node/transport.h"

/* Makes the node live by this configuration. False: it may be half applied; the old one can be applied again. */
static bool use_config(
	struct node *n, struct config *c, struct net_tls *tls, char *err, size_t err_size)
{
	n->config = c;
	n->tls = tls;
	net_loop_busy_poll(n->loop, (unsigned)c->limits.busy_ms);
	choose_prepare(n);
	return secrets_load(n, err, err_size) && n->role->reload(n, err, err_size) &&
		listen_apply(n, err, err_size) && carrier_apply(n->carrier, err, err_size);
}

/* A configuration that parts of the node may live by, although it was not taken over. */
struct half_applied {
	struct list link; /* in node->half_applied */
	struct config *config;
	struct net_tls *tls;
};

void reload_forget(struct node *n)
{
	LIST_EACH_SAFE (&n->half_applied, it) {
		struct half_applied *h = LIST_OWNER(it, struct half_applied, link);
		list_remove(&h->link);
		net_tls_unref(h->tls);
		config_free(h->config);
		free(h);
	}
}

static void keep(struct node *n, struct config *c, struct net_tls *tls)
{
	struct half_applied *h = malloc(sizeof(*h));

	check(h);
	*h = (struct half_applied){ .config = c, .tls = tls };
	list_append(&n->half_applied, &h->link);
}

/*
 * Puts the old configuration back, and takes over c and tls. When that fails too, parts of the node live by these
 * still and point into them: then they stay until a whole one is taken over.
 */
static void undo(struct node *n, struct config *old_config, struct net_tls *old_tls,
	struct config *c, struct net_tls *tls)
{
	char err[512];

	/* What the old one names was there a moment ago. */
	if (use_config(n, old_config, old_tls, err, sizeof(err))) {
		net_tls_unref(tls);
		config_free(c);
		return;
	}
	LOG(LOG_ALARM, "reload-not-undone", LF_CSTR("reason", err));
	keep(n, c, tls);
}

/* Takes c over, or frees it. */
static bool replace_config(struct node *n, struct config *c, char *err, size_t err_size)
{
	struct config *old_config = n->config;
	struct net_tls *old_tls = n->tls;
	struct net_tls *tls = settings_tls(c, err, err_size);
	struct s2s_settings settings;

	if (!tls) {
		config_free(c);
		return false;
	}
	if (!use_config(n, c, tls, err, err_size)) {
		undo(n, old_config, old_tls, c, tls);
		return false;
	}
	net_tls_unref(old_tls);
	log_init(c->log_level, c->node);
	settings_face(n, &settings);
	s2s_set_settings(n->face, &settings);
	settings_apply_limits(n);
	settings_announce(n);
	s2s_rejudge(n->face, n->now);
	if (n->role->keep)
		n->role->keep(n);
	transport_recheck_all(n);
	config_free(old_config);
	reload_forget(n);
	return true;
}

/* Statements that are looked at only when the node starts. */
static void note_restart(const struct config *old, const struct config *c, struct buf *message)
{
	const char *late = "counts from the next start";

	if (strcmp(old->control, c->control) != 0)
		buf_printf(message, "`control` %s\n", late);
	if (old->limits.queue_stanzas != c->limits.queue_stanzas ||
		old->limits.queue_bytes != c->limits.queue_bytes ||
		old->limits.queue_ms != c->limits.queue_ms)
		buf_printf(message, "`limit queue` %s for the link\n", late);
	if (old->limits.streams != c->limits.streams)
		buf_printf(message, "`limit streams` %s for the link's channels\n", late);
	if (old->limits.home_ms != c->limits.home_ms)
		buf_printf(message, "`limit return time` %s\n", late);
	if (old->limits.lease_ms != c->limits.lease_ms)
		buf_printf(message, "`limit lease wait` %s\n", late);
}

bool node_reload(struct node *n, struct buf *message)
{
	char err[512] = "";
	struct config *c = settings_read(n->role->config, n->config_path, message);
	struct buf notes;

	buf_init(&notes, 4096);
	if (c)
		note_restart(n->config, c, &notes);
	if (c && !preflight(c, (long long)(net_wall_ms() / 1000), message)) {
		/* the message says it all */
	} else if (c && !str_eq(c->node, n->config->node)) {
		buf_append_c(message, "the node id cannot change while the node runs\n");
	} else if (c && replace_config(n, c, err, sizeof(err))) {
		struct str note = buf_bytes(&notes);
		if (note.len == 0)
			note.p = NULL;
		LOG(LOG_INFO, "reloaded", LF_CSTR("file", n->config_path), LF_STR("note", note));
		buf_append(message, buf_bytes(&notes));
		buf_done(&notes);
		return true;
	} else if (c) {
		buf_printf(message, "%s\n", err);
		c = NULL;
	}
	config_free(c);
	buf_done(&notes);
	LOG(LOG_ERROR, "reload-failed", LF_STR("reason", buf_bytes(message)));
	return false;
}
