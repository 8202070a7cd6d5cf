/* SPDX-License-Identifier: Apache-2.0 */
#include "outer/sources.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/file.h"

enum { TEXT_MAX = 1024 * 1024, TIMEOUT_MS = 10000 };

void sources_init(struct sources *s, struct net_loop *loop,
	bool (*may_dial)(void *user, const struct net_addr *addr), void *user)
{
	*s = (struct sources){ .loop = loop, .may_dial = may_dial, .user = user };
	buf_init(&s->text, TEXT_MAX);
}

void sources_done(struct sources *s)
{
	net_resolver_free(s->resolver);
	buf_done(&s->text);
}

/* The statements, and what is in the files that they name. */
static void put_text(const struct config *c, struct buf *out)
{
	struct buf trouble; /* libunbound says it again */

	buf_init(&trouble, 4096);
	buf_append(out, c->resolver);
	if (!c->resolver.len)
		file_read("/etc/resolv.conf", out, &trouble);
	for (size_t i = 0; i < c->n_anchors; i++) {
		buf_printf(out, "\n%s\n", c->anchors[i].path);
		file_read(c->anchors[i].path, out, &trouble);
	}
	buf_done(&trouble);
}

static bool apply(struct sources *s, const struct config *c, char *err, size_t err_size)
{
	struct net_resolver_settings set = {
		.timeout_ms = TIMEOUT_MS, .may_dial = s->may_dial, .user = s->user
	};

	if (c->resolver.len && !net_addr_read(c->resolver, &set.forward, err, err_size))
		return false;
	const char **anchors = calloc(c->n_anchors + 1, sizeof(*anchors));
	check(anchors);
	for (size_t i = 0; i < c->n_anchors; i++)
		anchors[i] = c->anchors[i].path;
	set.anchors = anchors;
	set.n_anchors = c->n_anchors;
	bool ok = s->resolver && net_resolver_renew(s->resolver, &set, err, err_size);
	if (!s->resolver) {
		s->resolver = net_resolver_new(s->loop, &set, err, err_size);
		ok = s->resolver;
	}
	free(anchors);
	return ok;
}

bool sources_refresh(struct sources *s, const struct config *c, char *err, size_t err_size)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	put_text(c, &text);
	bool same = s->resolver && str_eq(buf_bytes(&text), buf_bytes(&s->text));
	if (!same && !apply(s, c, err, err_size)) {
		buf_done(&text);
		return false;
	}
	buf_done(&s->text);
	s->text = text;
	return true;
}
