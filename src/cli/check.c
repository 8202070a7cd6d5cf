/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sallyport check`: the language first, then the files that the configuration names, at last what several
 * configurations say of each other.
 */
#include <stdio.h>
#include <time.h>

#include "base/json.h"
#include "cli/cli.h"
#include "base/file.h"
#include "config/config.h"
#include "config/together.h"
#include "node/preflight.h"

enum { MESSAGES_MAX = 4 << 20, FILE_MOST = 2 << 20, PRINT_MAX = 256 << 20, FILES_MOST = 64 };

static enum config_role choose_role(const struct cli *c, struct str text)
{
	enum config_role role;

	config_guess_role(text, &role);
	if (c->outer)
		return CONFIG_OUTER;
	return c->inner ? CONFIG_INNER : role;
}

static const char *role_name(enum config_role role)
{
	return role == CONFIG_OUTER ? "outer" : "inner";
}

static void show_json(const char *path, enum config_role role, bool ok, const struct buf *messages,
	const struct buf *printed)
{
	struct buf out;
	struct json j;

	buf_init(&out, PRINT_MAX);
	json_init(&j, &out);
	json_object(&j, NULL);
	json_cstr(&j, "file", path);
	json_cstr(&j, "role", role_name(role));
	json_bool(&j, "ok", ok);
	json_str(&j, "messages", buf_bytes(messages));
	if (buf_len(printed))
		json_str(&j, "configuration", buf_bytes(printed));
	json_end(&j);
	buf_append_c(&out, "\n");
	file_write(&out, stdout);
	buf_done(&out);
}

static void show_text(const char *path, enum config_role role, bool ok, const struct buf *messages,
	const struct buf *printed)
{
	file_write(messages, stderr);
	if (buf_len(printed)) {
		file_write(printed, stdout);
	} else if (ok) {
		printf("%s: a good configuration for sallyport-%s\n", path, role_name(role));
	}
}

/* One file: what is in it and what it names. *ret_config is its configuration, NULL when it has none. */
static bool check_file(const struct cli *c, const char *path, struct config **ret_config)
{
	struct buf text, messages, printed;
	enum config_role role = CONFIG_OUTER;
	struct config *config = NULL;

	buf_init(&text, FILE_MOST);
	buf_init(&messages, MESSAGES_MAX);
	buf_init(&printed, PRINT_MAX);
	if (file_read(path, &text, &messages)) {
		role = choose_role(c, buf_bytes(&text));
		config = config_parse(role, path, buf_bytes(&text), &messages);
	}
	if (config && c->print)
		config_print(config, &printed);
	bool ok = config && preflight(config, (long long)time(NULL), &messages);
	(c->json ? show_json : show_text)(path, role, ok, &messages, &printed);
	buf_done(&text);
	buf_done(&messages);
	buf_done(&printed);
	*ret_config = config;
	return ok;
}

/* What several files say of each other. */
static bool check_together(const struct cli *c, const struct config *const *configs, size_t n)
{
	struct buf messages, out;
	struct json j;

	buf_init(&messages, MESSAGES_MAX);
	bool ok = config_together(configs, n, &messages);
	if (!c->json) {
		file_write(&messages, stderr);
		if (ok && !c->print)
			printf("the files fit together\n");
		buf_done(&messages);
		return ok;
	}
	buf_init(&out, PRINT_MAX);
	json_init(&j, &out);
	json_object(&j, NULL);
	json_bool(&j, "together", ok);
	json_str(&j, "messages", buf_bytes(&messages));
	json_end(&j);
	buf_append_c(&out, "\n");
	file_write(&out, stdout);
	buf_done(&out);
	buf_done(&messages);
	return ok;
}

int cmd_check(const struct cli *c)
{
	struct config *configs[FILES_MOST];
	bool ok = true, all = true;

	if (c->words.n < 1 || c->words.n > FILES_MOST)
		return cli_usage("check takes a file, or several that belong together");
	if (c->outer && c->inner)
		return cli_usage("a file is for outer or for inner");
	for (size_t i = 0; i < c->words.n; i++) {
		ok = check_file(c, c->words.word[i], &configs[i]) && ok;
		all = all && configs[i];
	}
	if (c->words.n > 1 && all)
		ok = check_together(c, (const struct config *const *)configs, c->words.n) && ok;
	for (size_t i = 0; i < c->words.n; i++)
		config_free(configs[i]);
	return ok ? EXIT_OK : EXIT_FAILED;
}
