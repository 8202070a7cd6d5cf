/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sallyport pki init`: everything secret that a new gateway needs.
 *
 *	DIR/link/ca.{crt,key}        the CA of the link
 *	DIR/link/ID.{crt,key}        each node's certificate
 *	DIR/mint/ca.{crt,key}        the CA that only the local servers trust
 *	DIR/bus/...                  see pki_bus.c
 *	DIR/dialback.secret          of the outers
 *	DIR/mint/dialback.secret     of the inners
 *	DIR/lab/ca.{crt,key}, DIR/lab/NAME.{crt,key}   tests only
 *
 * With --domain alone it makes the minting CA alone: the one that follows.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/random.h"
#include "cli/broker.h"
#include "cli/pki.h"
#include "jid/jid.h"

enum { DAYS = 1825, DAYS_MOST = 36500, NAMES_MOST = 100 };

static bool complain(const char *what, const char *why)
{
	fprintf(stderr, "sallyport: %s: %s\n", what, why);
	return false;
}

/* DIR/folder/stem+suffix */
static const char *path_of(struct pki *p, const char *folder, struct str stem, const char *suffix)
{
	size_t size = strlen(p->dir) + strlen(folder) + stem.len + strlen(suffix) + 3;
	char *path = arena_alloc(&p->arena, size);

	check(path);
	snprintf(path, size, "%s/%s%s%.*s%s", p->dir, folder, folder[0] ? "/" : "", STR_FMT(stem),
		suffix);
	return path;
}

static bool make_folder(struct pki *p, const char *name)
{
	const char *path = path_of(p, name, STRL(""), "");

	if (mkdir(path, 0755) == 0 || errno == EEXIST)
		return true;
	return complain(path, strerror(errno));
}

/* All folders on the way to DIR, and DIR. */
static bool make_path(struct pki *p)
{
	char *path = str_dup_c(str_of(p->dir));
	bool ok = true;

	for (char *at = path + 1; ok && *at; at++) {
		if (*at != '/')
			continue;
		*at = 0;
		ok = mkdir(path, 0755) == 0 || errno == EEXIST;
		*at = '/';
	}
	ok = ok && (mkdir(path, 0755) == 0 || errno == EEXIST);
	if (!ok)
		complain(path, strerror(errno));
	free(path);
	return ok;
}

/* One line of the summary. made: not there before. */
static void note(struct pki *p, const char *path, bool made, const char *host)
{
	json_object(&p->j, NULL);
	json_cstr(&p->j, "file", path);
	json_bool(&p->j, "made", made);
	json_cstr(&p->j, "for", host);
	json_end(&p->j);
	buf_printf(&p->text, "  %s  %s\n      %s\n", made ? "made" : "kept", path, host);
}

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

struct net_pki_ca *pki_ca(struct pki *p, const char *folder, const char *name,
	const struct words *excluded, const char *host, const char *key_host)
{
	char err[512] = "";
	const struct net_pki_ca_settings settings = {
		.name = name,
		.certificate = path_of(p, folder, STRL("ca"), ".crt"),
		.key = path_of(p, folder, STRL("ca"), ".key"),
		.days = p->days,
		.excluded = excluded ? excluded->word : NULL,
		.n_excluded = excluded ? excluded->n : 0,
	};
	bool made = !exists(settings.certificate);
	struct net_pki_ca *ca =
		make_folder(p, folder) ? net_pki_ca(&settings, err, sizeof(err)) : NULL;

	if (!ca) {
		if (err[0])
			complain(folder, err);
		return NULL;
	}
	note(p, settings.certificate, made, host);
	note(p, settings.key, made, key_host);
	return ca;
}

bool pki_leaf(struct pki *p, struct net_pki_ca *ca, const char *folder, struct str stem,
	const struct words *names, const char *host)
{
	char err[512] = "";
	const char *certificate = path_of(p, folder, stem, ".crt");
	const char *key = path_of(p, folder, stem, ".key");
	bool made = !exists(certificate);

	if (!net_pki_leaf(ca, names->word, names->n, p->days, certificate, key, err, sizeof(err)))
		return complain(certificate, err);
	note(p, certificate, made, host);
	note(p, key, made, host);
	return true;
}

static bool make_nodes(
	struct pki *p, struct net_pki_ca *ca, const struct words *ids, const char *kind)
{
	char host[128];

	for (size_t i = 0; i < ids->n; i++) {
		struct words name = { &ids->word[i], 1 };
		snprintf(host, sizeof(host), "%s node %.63s", kind, ids->word[i]);
		if (!pki_leaf(p, ca, "link", str_of(ids->word[i]), &name, host))
			return false;
	}
	return true;
}

static bool make_link(struct pki *p, const struct cli *c)
{
	struct net_pki_ca *ca = pki_ca(p, "link", "sallyport link CA", NULL, "every node",
		"keep it offline: it makes nodes");
	bool ok = ca && make_nodes(p, ca, &c->outers, "outer") &&
		make_nodes(p, ca, &c->inners, "inner");

	net_pki_ca_free(ca);
	return ok;
}

/* 64 hexadecimal digits, readable by the owner alone. */
static bool make_secret(struct pki *p, const char *folder, const char *host)
{
	const char *path = path_of(p, folder, STRL("dialback"), ".secret");
	char text[66];

	if (exists(path)) {
		note(p, path, false, host);
		return true;
	}
	random_id(text);
	random_id(text + 32);
	text[64] = '\n';
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return complain(path, strerror(errno));
	bool ok = write(fd, text, 65) == 65;
	if (close(fd) != 0 || !ok)
		return complain(path, "not written");
	note(p, path, true, host);
	return true;
}

/* The A-label form of a domain, zero-terminated. */
static const char *to_ascii(struct pki *p, struct str name)
{
	struct str domain, ascii;
	enum jid_error error = jid_parse_domain(&p->arena, name, &domain);

	if (error == JID_OK)
		error = jid_domain_to_ascii(&p->arena, domain, &ascii);
	if (error != JID_OK) {
		fprintf(stderr, "sallyport: not a domain: %s\n", jid_error_text(error));
		return NULL;
	}
	char *text = arena_alloc(&p->arena, ascii.len + 1);
	check(text);
	memcpy(text, ascii.p, ascii.len);
	text[ascii.len] = 0;
	return text;
}

static bool make_mint(struct pki *p, const struct cli *c)
{
	struct words excluded = { 0 };
	bool ok = true;

	for (size_t i = 0; ok && i < c->domains.n; i++) {
		const char *name = to_ascii(p, str_of(c->domains.word[i]));
		ok = name != NULL;
		if (ok)
			words_add(&excluded, name);
	}
	struct net_pki_ca *ca = NULL;
	if (ok)
		ca = pki_ca(p, "mint", "sallyport minting CA", &excluded,
			"inner nodes; and the s2s part of your XMPP servers, which trust it",
			"inner nodes");
	net_pki_ca_free(ca);
	words_free(&excluded);
	return ca != NULL;
}

/* NAME[+NAME...]: one certificate, its file called after the first as written. */
static bool make_lab_leaf(struct pki *p, struct net_pki_ca *ca, const char *spec)
{
	struct str stem = { spec, strcspn(spec, "+") };
	struct words names = { 0 };
	bool ok = true;

	for (const char *at = spec; ok && names.n < NAMES_MOST;) {
		size_t len = strcspn(at, "+");
		const char *name = to_ascii(p, str_from(at, len));
		ok = name != NULL;
		if (ok)
			words_add(&names, name);
		if (!at[len])
			break;
		at += len + 1;
	}
	ok = ok && pki_leaf(p, ca, "lab", stem, &names, "tests only");
	words_free(&names);
	return ok;
}

static bool make_lab(struct pki *p, const struct cli *c)
{
	struct net_pki_ca *ca =
		pki_ca(p, "lab", "sallyport lab CA", NULL, "tests only", "tests only");
	bool ok = ca != NULL;

	for (size_t i = 0; ok && i < c->lab_domains.n; i++)
		ok = make_lab_leaf(p, ca, c->lab_domains.word[i]);
	net_pki_ca_free(ca);
	return ok;
}

static bool make_all(struct pki *p, const struct cli *c)
{
	if (!make_path(p))
		return false;
	if ((c->outers.n || c->inners.n) && !make_link(p, c))
		return false;
	if (c->domains.n && !make_mint(p, c))
		return false;
	if (c->brokers.n && !pki_bus(p, c))
		return false;
	if (c->outers.n && !make_secret(p, "", "outer nodes, all of them"))
		return false;
	if (c->inners.n && !make_secret(p, "mint", "inner nodes, all of them"))
		return false;
	return !(c->lab || c->lab_domains.n) || make_lab(p, c);
}

static bool good_ids(const struct words *ids)
{
	for (size_t i = 0; i < ids->n; i++) {
		if (!bus_good_id(ids->word[i]))
			return complain(ids->word[i],
				"not a node name: lower-case letters, digits and `-`");
	}
	return true;
}

static bool good_days(const char *word, unsigned *ret_days)
{
	uint64_t n = DAYS;

	if (word && (!str_to_u64(str_of(word), &n) || n < 1 || n > DAYS_MOST))
		return complain(word, "not a number of days");
	*ret_days = (unsigned)n;
	return true;
}

static void show(const struct pki *p)
{
	const struct buf *b = p->json ? &p->json_text : &p->text;

	fwrite(buf_bytes(b).p, 1, buf_len(b), stdout);
}

int cmd_pki_init(const struct cli *c)
{
	struct pki p = { .json = c->json };
	struct bus bus;

	if (c->words.n != 1)
		return cli_usage("pki init takes one folder");
	if (!c->outers.n && !c->inners.n && !c->domains.n && !c->lab && !c->lab_domains.n)
		return cli_usage("pki init needs --outer and --inner, or --lab");
	if ((c->outers.n || c->inners.n) && !c->domains.n)
		return cli_usage("pki init needs --domain: names that the minting CA may not sign");
	if (c->brokers.n && !c->outers.n && !c->inners.n)
		return cli_usage("pki init --broker needs the nodes as well");
	if (c->brokers.n && !bus_read(&c->brokers, &c->outers, &c->inners, &bus))
		return EXIT_USAGE;
	if (!good_ids(&c->outers) || !good_ids(&c->inners) || !good_days(c->days, &p.days))
		return EXIT_USAGE;
	p.dir = c->words.word[0];
	arena_init(&p.arena, 64 << 20);
	buf_init(&p.text, 16 << 20);
	buf_init(&p.json_text, 16 << 20);
	json_init(&p.j, &p.json_text);
	json_object(&p.j, NULL);
	json_array(&p.j, "files");
	bool ok = make_all(&p, c);
	json_end(&p.j);
	json_bool(&p.j, "ok", ok);
	json_end(&p.j);
	buf_append_c(&p.json_text, "\n");
	show(&p);
	arena_done(&p.arena);
	buf_done(&p.text);
	buf_done(&p.json_text);
	return ok ? EXIT_OK : EXIT_FAILED;
}
