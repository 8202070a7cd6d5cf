/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/value.h"

static void put_json(
	struct buf *out, const struct cli *c, const struct answer_view *view, json_t *answer)
{
	json_t *object = view->json ? view->json(c, answer) : json_incref(answer);
	char *text = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);

	check(text);
	buf_append_c(out, text);
	buf_append_c(out, "\n");
	free(text);
	json_decref(object);
}

static bool show(
	const struct cli *c, const char *path, const struct answer_view *view, json_t *answer)
{
	const json_t *refused = json_object_get(answer, "error");
	struct buf out;

	buf_init(&out, CLIENT_ANSWER_MAX);
	if (json_is_string(refused)) {
		buf_printf(&out, "sallyport: %s: ", path);
		value_str(&out, refused);
		buf_append_c(&out, "\n");
	} else if (c->json) {
		put_json(&out, c, view, answer);
	} else {
		view->text(&out, c, answer);
	}
	fwrite(buf_bytes(&out).p, 1, buf_len(&out), json_is_string(refused) ? stderr : stdout);
	buf_done(&out);
	return !json_is_string(refused);
}

static bool ask(
	const struct cli *c, const char *path, const char *request, const struct answer_view *view)
{
	struct buf bytes;
	json_error_t error;
	json_t *answer = NULL;

	buf_init(&bytes, CLIENT_ANSWER_MAX);
	if (client_answer(path, request, &bytes)) {
		answer = json_loadb(buf_bytes(&bytes).p, buf_len(&bytes), JSON_ALLOW_NUL, &error);
		if (!json_is_object(answer))
			fprintf(stderr, "sallyport: %s: not an answer\n", path);
	}
	buf_done(&bytes);
	bool ok = json_is_object(answer) && show(c, path, view, answer);
	json_decref(answer);
	return ok;
}

int answer_each(const struct cli *c, const char *request, const struct answer_view *view)
{
	struct words paths = { 0 };
	bool ok = true;

	if (!client_sockets(c, &paths))
		return EXIT_FAILED;
	for (size_t i = 0; i < paths.n; i++) {
		if (i && !c->json)
			putchar('\n');
		ok = ask(c, paths.word[i], request, view) && ok;
	}
	words_free(&paths);
	return ok ? EXIT_OK : EXIT_FAILED;
}

/* What the daemons take (node/control.h). */
enum { LINE_MAX_BYTES = 1024, DOMAINS_MAX = 4 };

int answer_of_domains(const struct cli *c, const char *verb, const struct answer_view *view)
{
	char line[LINE_MAX_BYTES];
	size_t at = (size_t)snprintf(line, sizeof(line), "%s", verb);

	if (c->words.n > DOMAINS_MAX)
		return cli_usage("four domains at most");
	for (size_t i = 0; i < c->words.n; i++) {
		const char *word = c->words.word[i];
		if (!word[0] || strpbrk(word, " \t\r\n") || strlen(word) > sizeof(line) - at - 3)
			return cli_usage("not a domain");
		at += (size_t)snprintf(line + at, sizeof(line) - at, " %s", word);
	}
	strcpy(line + at, "\n");
	return answer_each(c, line, view);
}

uint64_t answer_left_out(const json_t *answer, const char *key)
{
	uint64_t total = 0, shown = json_array_size(json_object_get(answer, key));
	char name[64];

	snprintf(name, sizeof(name), "%s_total", key);
	value_count(answer, name, &total);
	return total > shown ? total - shown : 0;
}

void answer_put_left_out(struct buf *out, const json_t *answer, const char *key)
{
	uint64_t n = answer_left_out(answer, key);

	if (n)
		buf_printf(out, "  and %llu more %s: name a domain to see its own\n",
			(unsigned long long)n, key);
}

int answer_one(const struct cli *c, const char *request, const struct answer_view *view)
{
	struct words paths = { 0 };
	bool ok = false;

	if (!client_sockets(c, &paths))
		return EXIT_FAILED;
	if (paths.n > 1)
		fprintf(stderr,
			"sallyport: two daemons run here: name the socket of one with -s\n");
	else
		ok = ask(c, paths.word[0], request, view);
	words_free(&paths);
	return ok ? EXIT_OK : EXIT_FAILED;
}
