/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/client.h"
#include "cli/show.h"

static void show(const char *path, const json_t *answer, bool ok)
{
	const json_t *text = json_object_get(answer, "message");
	struct buf out;

	if (!text)
		text = json_object_get(answer, "error");
	buf_init(&out, CLIENT_ANSWER_MAX);
	buf_printf(&out, "%s: %s\n", path,
		ok ? "reloaded" : "not reloaded, the old configuration stays");
	/* The daemon's messages have lines; everything else in them stays text. */
	const char *p = json_string_value(text) ? json_string_value(text) : "";
	while (*p) {
		struct str line = { p, strcspn(p, "\n") };
		buf_append_c(&out, "  ");
		show_safe(&out, line);
		buf_append_c(&out, "\n");
		p += line.len + (p[line.len] == '\n');
	}
	fwrite(buf_bytes(&out).p, 1, buf_len(&out), ok ? stdout : stderr);
	buf_done(&out);
}

static bool reload_one(const struct cli *c, const char *path)
{
	struct buf answer;
	json_error_t error;

	buf_init(&answer, CLIENT_ANSWER_MAX);
	json_t *json = NULL;
	if (client_answer(path, "reload\n", &answer)) {
		json = json_loadb(buf_bytes(&answer).p, buf_len(&answer), 0, &error);
		if (!json)
			fprintf(stderr, "sallyport: %s: not an answer\n", path);
	}
	buf_done(&answer);
	bool ok = json_is_true(json_object_get(json, "ok"));
	if (json && c->json) {
		json_dumpf(json, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
		putchar('\n');
	} else if (json) {
		show(path, json, ok);
	}
	json_decref(json);
	return ok;
}

int cmd_reload(const struct cli *c)
{
	struct words paths = { 0 };
	bool ok = true;

	if (c->words.n != 0)
		return cli_usage("reload takes no words");
	if (!client_sockets(c, &paths))
		return EXIT_FAILED;
	for (size_t i = 0; i < paths.n; i++)
		ok = reload_one(c, paths.word[i]) && ok;
	words_free(&paths);
	return ok ? EXIT_OK : EXIT_FAILED;
}
