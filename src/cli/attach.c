/* SPDX-License-Identifier: Apache-2.0 */
/* `sallyport attach`: reads inner's configuration, chooses the server, shows the recipe. */
#include "cli/attach.h"

#include <stdio.h>

#include "base/json.h"
#include "cli/cli.h"
#include "base/file.h"

enum { MESSAGES_MAX = 4 << 20, FILE_MOST = 2 << 20, JSON_MOST = 8 << 20 };

static const char default_config[] = "/etc/sallyport/inner.conf";

static struct config *load(const char *path)
{
	struct buf text, messages;
	struct config *config = NULL;

	buf_init(&text, FILE_MOST);
	buf_init(&messages, MESSAGES_MAX);
	if (file_read(path, &text, &messages))
		config = config_parse(CONFIG_INNER, path, buf_bytes(&text), &messages);
	file_write(&messages, stderr);
	buf_done(&text);
	buf_done(&messages);
	return config;
}

/* The server of this name; without a name the only one. */
static const struct config_server *choose(const struct config *c, const char *name)
{
	if (!name && c->n_servers == 1)
		return &c->servers[0];
	for (size_t i = 0; name && i < c->n_servers; i++) {
		if (str_is(c->servers[i].name, name))
			return &c->servers[i];
	}
	fprintf(stderr, "sallyport: %s\n",
		name ? "the configuration has no such server"
		     : "which server of the configuration? (--server NAME)");
	return NULL;
}

static struct str lines_of(const struct attach_result *r, const struct attach_part *p)
{
	return str_from(buf_bytes(&r->lines).p + p->from, p->to - p->from);
}

static void show_text(const struct attach_result *r)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct attach_part *p = &r->parts[i];
		struct str lines = lines_of(r, p);
		if (lines.len)
			printf("%s== %.*s\n%.*s", i ? "\n" : "", STR_FMT(p->where), STR_FMT(lines));
	}
}

static void show_json(const char *kind, const struct attach_result *r)
{
	struct buf out;
	struct json j;

	buf_init(&out, JSON_MOST);
	json_init(&j, &out);
	json_object(&j, NULL);
	json_cstr(&j, "server", kind);
	json_array(&j, "parts");
	for (size_t i = 0; i < r->n; i++) {
		json_object(&j, NULL);
		json_str(&j, "name", r->parts[i].name);
		json_str(&j, "where", r->parts[i].where);
		json_str(&j, "lines", lines_of(r, &r->parts[i]));
		json_end(&j);
	}
	json_end(&j);
	json_end(&j);
	buf_append_c(&out, "\n");
	file_write(&out, stdout);
	buf_done(&out);
}

int cmd_attach(const struct cli *c)
{
	struct attach_result result;
	int code = EXIT_FAILED;

	if (c->words.n != 1)
		return cli_usage("attach takes one kind of server");
	struct config *config = load(c->config ? c->config : default_config);
	struct attach_site site = { .config = config, .trust = c->trust };
	if (config)
		site.server = choose(config, c->server);
	if (site.server) {
		const char *why = attach_fill(c->words.word[0], &site, &result);
		if (why)
			fprintf(stderr, "sallyport: attach %s: %s\n", c->words.word[0], why);
		else if (c->json)
			show_json(c->words.word[0], &result);
		else
			show_text(&result);
		attach_done(&result);
		code = why ? EXIT_FAILED : EXIT_OK;
	}
	config_free(config);
	return code;
}
