/* SPDX-License-Identifier: Apache-2.0 */
/* `sallyport nats config`: from the command line and the certificates of `pki init` to a file for each broker. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/bus_config.h"
#include "cli/cli.h"
#include "config/config.h"
#include "net/pki.h"

enum {
	PATH_MOST = PATH_MAX + 256,
	FILE_MOST = 2 << 20,
	TEXT_MOST = 16 << 20,
	MESSAGES_MOST = 4 << 20
};

static bool complain(const char *what, const char *why)
{
	fprintf(stderr, "sallyport: %s: %s\n", what, why);
	return false;
}

/* --- nodes from their configurations --- */

/* A node that uses brokers has to use these. */
static bool knows_brokers(const char *path, const struct config *config, const struct bus *bus)
{
	for (size_t i = 0; i < config->nats.n_servers; i++) {
		bool found = false;
		for (size_t k = 0; k < bus->n_brokers; k++)
			found = found || str_is(config->nats.servers[i], bus->brokers[k].clients);
		if (!found) {
			fprintf(stderr,
				"sallyport: %s: its `nats` names %.*s, which is no --broker\n",
				path, STR_FMT(config->nats.servers[i]));
			return false;
		}
	}
	return true;
}

static struct config *read_config(const char *path)
{
	struct buf text, messages;
	enum config_role role;
	struct config *config = NULL;

	buf_init(&text, FILE_MOST);
	buf_init(&messages, MESSAGES_MOST);
	if (file_read(path, &text, &messages)) {
		if (config_guess_role(buf_bytes(&text), &role))
			config = config_parse(role, path, buf_bytes(&text), &messages);
		else
			complain(path, "is it for outer or for inner?");
	}
	file_write(&messages, stderr);
	buf_done(&text);
	buf_done(&messages);
	return config;
}

/* Adds the node of one file to the outers or the inners. */
static bool read_node(const char *path, struct arena *arena, const struct bus *bus,
	struct words *outers, struct words *inners)
{
	struct config *config = read_config(path);
	bool ok = config && knows_brokers(path, config, bus);

	if (ok) {
		char *id = arena_alloc(arena, config->node.len + 1);
		check(id);
		snprintf(id, config->node.len + 1, "%.*s", STR_FMT(config->node));
		words_add(config->role == CONFIG_OUTER ? outers : inners, id);
	}
	config_free(config);
	return ok;
}

static bool same_word(const struct words *w, const char *word)
{
	for (size_t i = 0; i < w->n; i++) {
		if (strcmp(w->word[i], word) == 0)
			return true;
	}
	return false;
}

/* The words that stand twice, in arguments and in files, are one node. */
static void add_words(struct words *to, const struct words *from)
{
	for (size_t i = 0; i < from->n; i++) {
		if (!same_word(to, from->word[i]))
			words_add(to, from->word[i]);
	}
}

/* --- files --- */

static bool read_pins(const char *keys, const struct bus *bus, struct bus_pins *pins)
{
	char path[PATH_MOST], err[512];
	size_t n = 0;
	const struct words *nodes[] = { bus->outers, bus->inners };

	for (size_t side = 0; side < 2; side++) {
		for (size_t i = 0; i < nodes[side]->n; i++) {
			snprintf(path, sizeof(path), "%s/%s.crt", keys, nodes[side]->word[i]);
			if (!net_pki_pin(path, pins->nodes[n++], err, sizeof(err)))
				return complain(err, "make it with `sallyport pki init --broker`");
		}
	}
	for (size_t i = 0; i < bus->n_brokers; i++) {
		snprintf(path, sizeof(path), "%s/%s-route.crt", keys, bus->brokers[i].name);
		if (!net_pki_pin(path, pins->routes[i], err, sizeof(err)))
			return complain(err, "make it with `sallyport pki init --broker`");
	}
	return true;
}

/* The file appears whole or not at all. */
static bool write_file(const char *path, const struct buf *text)
{
	char temporary[PATH_MOST];

	if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary))
		return complain(path, "name is too long");
	FILE *f = fopen(temporary, "we");
	if (!f)
		return complain(temporary, strerror(errno));
	file_write(text, f);
	bool ok = !ferror(f);
	ok = fclose(f) == 0 && ok && rename(temporary, path) == 0;
	if (!ok) {
		complain(path, strerror(errno));
		remove(temporary);
	}
	return ok;
}

static bool write_brokers(const struct bus_site *site, const char *keys, struct json *j)
{
	char path[PATH_MOST];
	struct buf text;
	bool ok = true;

	buf_init(&text, TEXT_MOST);
	for (size_t i = 0; ok && i < site->bus->n_brokers; i++) {
		const char *name = site->bus->brokers[i].name;
		snprintf(path, sizeof(path), "%s/%s.conf", keys, name);
		buf_clear(&text, 0);
		bus_config(site, i, &text);
		ok = write_file(path, &text);
		json_object(j, NULL);
		json_cstr(j, "broker", name);
		json_cstr(j, "file", path);
		json_end(j);
	}
	buf_done(&text);
	return ok;
}

static void show_text(const struct bus_site *site, const char *keys)
{
	for (size_t i = 0; i < site->bus->n_brokers; i++) {
		const char *name = site->bus->brokers[i].name;
		printf("  %s/%s.conf\n      broker %s, with ca.crt, %s.crt, %s.key, %s-route.crt, "
		       "%s-route.key in %s\n",
			keys, name, name, name, name, name, name, site->keys);
	}
}

static int write_all(const struct cli *c, const struct bus *bus)
{
	char keys[PATH_MAX], here[PATH_MAX];
	struct bus_pins *pins = calloc(1, sizeof(*pins));
	struct buf out;
	struct json j;

	check(pins);
	snprintf(keys, sizeof(keys), "%s/bus", c->words.word[0]);
	const struct bus_site site = {
		.bus = bus,
		.pins = pins,
		.cluster = c->cluster ? c->cluster : "sallyport",
		.keys = c->keys ? c->keys : realpath(keys, here),
		.store = c->store ? c->store : "/var/lib/nats",
	};
	buf_init(&out, TEXT_MOST);
	json_init(&j, &out);
	json_object(&j, NULL);
	json_array(&j, "files");
	bool ok = site.keys || complain(keys, strerror(errno));
	ok = ok && read_pins(keys, bus, pins) && write_brokers(&site, keys, &j);
	json_end(&j);
	json_bool(&j, "ok", ok);
	json_end(&j);
	buf_append_c(&out, "\n");
	if (c->json)
		file_write(&out, stdout);
	else if (ok)
		show_text(&site, keys);
	buf_done(&out);
	free(pins);
	return ok ? EXIT_OK : EXIT_FAILED;
}

/* What stands between quotes in the files. */
static bool good_path(const char *path)
{
	if (!path || (path[0] == '/' && !strpbrk(path, "\"\\\n\r\t$")))
		return true;
	return complain(path, "an absolute path on the brokers' hosts, without quotes and `$`");
}

static int config_of(const struct cli *c, const struct words *outers, const struct words *inners)
{
	struct bus bus;

	if (!outers->n || !inners->n)
		return cli_usage(
			"nats config needs outers and inners, by --outer and --inner or --config");
	if (!bus_read(&c->brokers, outers, inners, &bus))
		return EXIT_USAGE;
	return write_all(c, &bus);
}

int cmd_nats_config(const struct cli *c)
{
	struct words read_outers = { 0 }, read_inners = { 0 }, outers = { 0 }, inners = { 0 };
	struct arena ids;
	struct bus bus;
	bool ok = true;

	if (c->words.n != 1)
		return cli_usage("nats config takes the folder of pki init");
	if (c->brokers.n != 1 && c->brokers.n != 3 && c->brokers.n != 5)
		return cli_usage("nats config needs three brokers (--broker), or one or five");
	if (c->cluster && !bus_good_id(c->cluster))
		return cli_usage("--cluster takes lower-case letters, digits and `-`");
	if (!good_path(c->keys) || !good_path(c->store))
		return EXIT_USAGE;
	if (!bus_read(&c->brokers, &c->outers, &c->inners, &bus))
		return EXIT_USAGE;
	arena_init(&ids, 1 << 20);
	for (size_t i = 0; ok && i < c->configs.n; i++)
		ok = read_node(c->configs.word[i], &ids, &bus, &read_outers, &read_inners);
	add_words(&outers, &c->outers);
	add_words(&outers, &read_outers);
	add_words(&inners, &c->inners);
	add_words(&inners, &read_inners);
	int code = ok ? config_of(c, &outers, &inners) : EXIT_FAILED;
	words_free(&outers);
	words_free(&inners);
	words_free(&read_outers);
	words_free(&read_inners);
	arena_done(&ids);
	return code;
}
