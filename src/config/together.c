/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every outer is compared with every inner. Patterns are compared by a name that stands for all that they match: of
 * `*.suffix` one that no other statement names, of `any` one that only `any` matches.
 */
#include "config/together.h"

#include <stdarg.h>
#include <stdio.h>

struct together {
	const struct config *const *all;
	size_t n;
	struct buf *out;
	bool ok;
};

__attribute__((format(printf, 5, 0))) static void put(struct together *t, const char *before,
	const struct config *c, struct config_place at, const char *format, va_list args)
{
	char text[1024];

	vsnprintf(text, sizeof(text), format, args);
	buf_printf(t->out, "%s%s:", before, c->file);
	if (at.line)
		buf_printf(t->out, "%u:%u:", at.line, at.column);
	buf_printf(t->out, " %s\n", text);
}

__attribute__((format(printf, 4, 5))) static void fail(
	struct together *t, const struct config *c, struct config_place at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put(t, "", c, at, format, args);
	va_end(args);
	t->ok = false;
}

__attribute__((format(printf, 4, 5))) static void warn(
	struct together *t, const struct config *c, struct config_place at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put(t, "warning: ", c, at, format, args);
	va_end(args);
}

static const struct config_place nowhere = { 0 };

/* --- the link --- */

static const struct config_link *link_to(const struct config *inner, const struct config *outer)
{
	for (size_t i = 0; i < inner->n_links; i++) {
		if (str_eq(inner->links[i].node, outer->node))
			return &inner->links[i];
	}
	return NULL;
}

static bool accepts(const struct config *outer, const struct config *inner)
{
	for (size_t i = 0; i < outer->n_listen_link; i++) {
		for (size_t k = 0; k < outer->listen_link[i].n_accept; k++) {
			if (str_eq(outer->listen_link[i].accept[k], inner->node))
				return true;
		}
	}
	return false;
}

static void check_link(struct together *t, const struct config *outer, const struct config *inner)
{
	const struct config_link *link = link_to(inner, outer);
	bool accepted = accepts(outer, inner);

	if (link && !accepted)
		fail(t, outer, nowhere, "no `listen link` accepts `%.*s`, which dials this node",
			STR_FMT(inner->node));
	if (!link && accepted)
		fail(t, inner, nowhere, "there is no `link %.*s`, and outer dials nobody",
			STR_FMT(outer->node));
	if (!link && !accepted)
		warn(t, inner, nowhere, "`%.*s` and `%.*s` do not know each other",
			STR_FMT(inner->node), STR_FMT(outer->node));
}

/* --- the local domains --- */

static bool plays(const struct config *outer, struct str domain)
{
	for (size_t i = 0; i < outer->n_domains; i++) {
		if (str_eq(outer->domains[i].name, domain))
			return true;
	}
	return false;
}

static bool serves(const struct config *inner, struct str domain)
{
	for (size_t i = 0; i < inner->n_servers; i++) {
		for (size_t k = 0; k < inner->servers[i].n_domains; k++) {
			if (str_eq(inner->servers[i].domains[k], domain))
				return true;
		}
	}
	return false;
}

/* Does a node of the other role have the domain? */
static bool somebody_has(const struct together *t, enum config_role role, struct str domain)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct config *c = t->all[i];
		if (c->role == role &&
			(role == CONFIG_OUTER ? plays(c, domain) : serves(c, domain)))
			return true;
	}
	return false;
}

static void check_played(struct together *t, const struct config *outer)
{
	for (size_t i = 0; i < outer->n_domains; i++) {
		const struct config_domain *d = &outer->domains[i];
		if (!somebody_has(t, CONFIG_INNER, d->name))
			fail(t, outer, d->keys.at,
				"`%.*s` is played here, but no `server` of inner has this domain: "
				"what comes for it goes nowhere",
				STR_FMT(d->name));
	}
}

static void check_served(struct together *t, const struct config *inner)
{
	for (size_t i = 0; i < inner->n_servers; i++) {
		const struct config_server *s = &inner->servers[i];
		for (size_t k = 0; k < s->n_domains; k++) {
			if (!somebody_has(t, CONFIG_OUTER, s->domains[k]))
				fail(t, inner, s->at,
					"`%.*s` is served here, but outer has no `domain` for it: "
					"nobody outside can reach it, nor be reached from it",
					STR_FMT(s->domains[k]));
		}
	}
}

/* --- the peers --- */

/* A domain that stands for all that the pattern matches. */
static struct str example_of(struct str pattern, char *text, size_t size)
{
	if (str_is(pattern, "any"))
		return STRL("-");
	if (!str_starts(pattern, STRL("*.")))
		return pattern;
	int n = snprintf(text, size, "-.%.*s", STR_FMT(str_skip(pattern, 2)));
	return str_from(text, n > 0 && (size_t)n < size ? (size_t)n : 0);
}

static const struct config_peer *peer_of(const struct config *c, struct str domain)
{
	for (size_t i = 0; i < c->n_peers; i++) {
		if (config_match(c->peers[i].pattern, domain))
			return &c->peers[i];
	}
	return NULL;
}

/* One statement of `mine` against what `other` says of the same domains. */
static void check_peer(struct together *t, const struct config *mine, const struct config *other,
	const struct config_peer *peer)
{
	char text[1100];
	const struct config_peer *theirs =
		peer_of(other, example_of(peer->pattern, text, sizeof(text)));

	if (peer->refuse || !theirs)
		return;
	if (theirs->refuse && peer->at.line && !str_is(peer->pattern, "any"))
		warn(t, mine, peer->at, "`%.*s` is let in here and refused by %s",
			STR_FMT(peer->pattern), other->file);
	/* Outer proves the peer, and inner judges what was proved. */
	if (!theirs->refuse && mine->role == CONFIG_OUTER && !(peer->accept & theirs->accept))
		fail(t, mine, peer->at,
			"no proof that is accepted for `%.*s` here is accepted by %s: nothing "
			"passes",
			STR_FMT(peer->pattern), other->file);
}

static void check_peers(struct together *t, const struct config *mine, const struct config *other)
{
	for (size_t i = 0; i < mine->n_peers; i++)
		check_peer(t, mine, other, &mine->peers[i]);
}

/* --- what passes --- */

static struct str first_of(const struct str *patterns, size_t n)
{
	return n ? patterns[0] : STRL("any");
}

static void check_rules(struct together *t, const struct config *mine, const struct config *other)
{
	if (mine->open_profile && !other->open_profile)
		warn(t, mine, nowhere,
			"`profile open` here, but `standard` in %s: what it does not know is "
			"stripped all the same",
			other->file);
	for (size_t i = 0; i < mine->n_rules; i++) {
		const struct config_rule *r = &mine->rules[i];
		char local[1100], foreign[1100];
		if (r->on ||
			!config_rule_on(other, r->id,
				example_of(first_of(r->local, r->n_local), local, sizeof(local)),
				example_of(first_of(r->foreign, r->n_foreign), foreign,
					sizeof(foreign))))
			continue;
		warn(t, mine, nowhere, "`rule %s off` here, but it is on in %s, and so in force",
			config_rule_rows[r->id].name, other->file);
	}
}

static void check_two(struct together *t, const struct config *outer, const struct config *inner)
{
	check_link(t, outer, inner);
	check_peers(t, outer, inner);
	check_peers(t, inner, outer);
	check_rules(t, outer, inner);
	check_rules(t, inner, outer);
}

static bool has_role(const struct together *t, enum config_role role)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->all[i]->role == role)
			return true;
	}
	return false;
}

bool config_together(const struct config *const *configs, size_t n, struct buf *messages)
{
	struct together t = { .all = configs, .n = n, .out = messages, .ok = true };

	if (!has_role(&t, CONFIG_OUTER) || !has_role(&t, CONFIG_INNER))
		return true;
	for (size_t i = 0; i < n; i++) {
		if (configs[i]->role == CONFIG_OUTER)
			check_played(&t, configs[i]);
		else
			check_served(&t, configs[i]);
		for (size_t k = 0; configs[i]->role == CONFIG_OUTER && k < n; k++) {
			if (configs[k]->role == CONFIG_INNER)
				check_two(&t, configs[i], configs[k]);
		}
	}
	return t.ok;
}
