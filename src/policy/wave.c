/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/wave.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/table.h"
#include "record/catalogue.h"

/* FNV-1a: whoever can make another text collide with one could send that text as well. */
#define FNV_BASIS 14695981039346656037ull
#define FNV_PRIME 1099511628211ull

void policy_waves_done(struct policy_waves *w)
{
	free(w->slots);
	w->slots = NULL;
}

static uint64_t fnv(uint64_t h, unsigned char c)
{
	return (h ^ c) * FNV_PRIME;
}

/* Letters of ASCII and all bytes above it: what a sender changes in passing does not count. */
static bool is_letter(unsigned char c)
{
	return c >= 0x80 || (c >= 'a' && c <= 'z');
}

static void add(struct policy_prints *p, uint64_t print)
{
	for (unsigned i = 0; i < p->n; i++) {
		if (p->print[i] == print)
			return;
	}
	if (p->n < POLICY_WAVE_PRINTS)
		p->print[p->n++] = print;
}

/* The text without its links, so that many texts around one link are many texts. */
struct letters {
	uint64_t hash;
	size_t n;
};

static bool starts_link(struct str s, size_t *ret_skip)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t n = strlen(schemes[i]), k = 0;
		while (k < n && k < s.len && str_lower(s.p[k]) == schemes[i][k])
			k++;
		if (k == n) {
			*ret_skip = n;
			return true;
		}
	}
	return false;
}

static bool ends_link(char c)
{
	return (unsigned char)c <= ' ' || c == '"' || c == '<' || c == '>' || c == ')' || c == ',';
}

/* Host and path. Returns how long the link is. */
static size_t take_link(struct str s, struct policy_prints *p)
{
	uint64_t h = fnv(FNV_BASIS, 'l');
	size_t at = 0, counted = 0;
	bool counts = true, host = true;

	for (; at < s.len && !ends_link(s.p[at]); at++) {
		char c = s.p[at];
		counts = counts && c != '?' && c != '#';
		host = host && c != '/';
		if (!counts)
			continue;
		h = fnv(h, (unsigned char)(host ? str_lower(c) : c));
		counted++;
	}
	if (counted)
		add(p, h);
	return at;
}

static void take_text(struct str s, struct policy_prints *p, struct letters *l)
{
	size_t skip;

	for (size_t at = 0; at < s.len;) {
		if (starts_link(str_skip(s, at), &skip)) {
			at += skip;
			at += take_link(str_skip(s, at), p);
			continue;
		}
		unsigned char c = (unsigned char)str_lower(s.p[at++]);
		if (!is_letter(c))
			continue;
		l->hash = fnv(l->hash, c);
		l->n++;
	}
}

void policy_prints(const struct record *r, struct policy_prints *ret_prints)
{
	struct letters letters = { .hash = FNV_BASIS };
	struct policy_prints links = { 0 };

	*ret_prints = (struct policy_prints){ 0 };
	if (r->kind != RECORD_MESSAGE || r->type == RECORD_ERROR)
		return;
	for (const struct xml_node *e = r->payload; e; e = e->next) {
		const struct xml_node *url = NULL;
		if (e->kind != XML_ELEM)
			continue;
		if (e->id == EL_BODY || e->id == EL_SUBJECT)
			take_text(xml_text(e), &links, &letters);
		for (const struct xml_node *k = e->id == EL_OOB_X ? e->children : NULL; k;
			k = k->next)
			url = k->kind == XML_ELEM && k->id == EL_OOB_URL ? k : url;
		if (url)
			take_text(xml_text(url), &links, &(struct letters){ 0 });
	}
	if (letters.n >= POLICY_WAVE_LETTERS) {
		ret_prints->has_text = true;
		add(ret_prints, letters.hash);
	}
	for (unsigned i = 0; i < links.n; i++)
		add(ret_prints, links.print[i]);
}

bool policy_print_listed(
	const struct config *c, const struct policy_prints *prints, uint64_t *ret_print)
{
	for (size_t i = 0; i < c->n_fingerprints; i++) {
		for (unsigned k = 0; k < prints->n; k++) {
			if (c->fingerprints[i] != prints->print[k])
				continue;
			*ret_print = prints->print[k];
			return true;
		}
	}
	return false;
}

/* An account, whatever its resource. A room is one sender, whoever speaks in it. */
static uint32_t digest_of(const struct jid *from)
{
	return (uint32_t)(table_hash(from->local) * 3 + table_hash(from->domain));
}

static bool is_many(struct policy_wave_slot *s, const struct config_limits *l, uint32_t sender)
{
	unsigned i = 0;

	while (i < s->n && s->senders[i] != sender)
		i++;
	if (i == s->n && s->n < POLICY_WAVE_SENDERS)
		s->senders[s->n++] = sender;
	return s->n >= l->wave_senders;
}

struct policy_wave_slot *policy_wave_count(struct policy_waves *w, const struct config_limits *l,
	const struct record *r, const struct policy_prints *prints, uint64_t now)
{
	struct policy_wave_slot *many = NULL;

	if (prints->n && !w->slots) {
		w->slots = calloc(POLICY_WAVE_SLOTS, sizeof(*w->slots));
		check(w->slots);
	}
	for (unsigned i = 0; i < prints->n; i++) {
		struct policy_wave_slot *s = &w->slots[prints->print[i] % POLICY_WAVE_SLOTS];
		if (s->print != prints->print[i] || now - s->since > l->wave_ms)
			*s = (struct policy_wave_slot){
				.print = prints->print[i],
				.since = now,
				.link = i || !prints->has_text,
			};
		s->messages++;
		if (is_many(s, l, digest_of(&r->from)))
			many = many ? many : s;
	}
	return many;
}
