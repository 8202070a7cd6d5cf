/* SPDX-License-Identifier: Apache-2.0 */
/* `sallyport check`: the language first, then the files that the configuration names. */
#include <stdio.h>
#include <time.h>

#include "base/json.h"
#include "cli/cli.h"
#include "base/file.h"
#include "config/config.h"
#include "node/preflight.h"

enum { MESSAGES_MAX = 4 << 20, FILE_MOST = 2 << 20, PRINT_MAX = 256 << 20 };

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

int cmd_check(const struct cli *c)
{
	struct buf text, messages, printed;
	enum config_role role = CONFIG_OUTER;
	struct config *config = NULL;

	if (c->words.n != 1)
		return cli_usage("check takes one file");
	if (c->outer && c->inner)
		return cli_usage("a file is for outer or for inner");
	const char *path = c->words.word[0];
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
	config_free(config);
	buf_done(&text);
	buf_done(&messages);
	buf_done(&printed);
	return ok ? EXIT_OK : EXIT_FAILED;
}
