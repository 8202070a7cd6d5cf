/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

void words_add(struct words *w, const char *word)
{
	const char **bigger = realloc(w->word, (w->n + 1) * sizeof(*bigger));

	check(bigger);
	w->word = bigger;
	w->word[w->n++] = word;
}

void words_free(struct words *w)
{
	free(w->word);
	*w = (struct words){ 0 };
}

static bool is_option(const char *arg)
{
	return arg[0] == '-' && arg[1] != 0;
}

/* The row of "--name", "--name=value" or "-n"; *ret_value points behind the '=' or is NULL. */
static const struct option_row *find(
	const char *arg, const struct option_row *rows, size_t n, const char **ret_value)
{
	const char *equal = strchr(arg, '=');
	size_t len = equal ? (size_t)(equal - arg) : strlen(arg);

	*ret_value = equal ? equal + 1 : NULL;
	for (size_t i = 0; i < n; i++) {
		if (strlen(rows[i].name) == len && strncmp(rows[i].name, arg, len) == 0)
			return &rows[i];
		if (!equal && rows[i].brief && strcmp(rows[i].brief, arg) == 0)
			return &rows[i];
	}
	return NULL;
}

/* Takes what belongs to the option at argv[at]; the index of the next argument, or 0. */
static int take(const struct option_row *row, const char *value, int at, int argc, char **argv)
{
	if (row->kind == OPTION_FLAG) {
		*row->flag = true;
		return value ? 0 : at + 1;
	}
	if (!value && at + 1 < argc && !is_option(argv[at + 1]))
		value = argv[++at];
	if (!value)
		return 0;
	at++;
	if (row->kind == OPTION_VALUE) {
		*row->value = value;
		return at;
	}
	words_add(row->list, value);
	while (at < argc && !is_option(argv[at]))
		words_add(row->list, argv[at++]);
	return at;
}

bool options_read(
	int argc, char **argv, const struct option_row *rows, size_t n, struct words *rest)
{
	for (int at = 1; at < argc;) {
		const char *value;
		if (!is_option(argv[at])) {
			words_add(rest, argv[at++]);
			continue;
		}
		const struct option_row *row = find(argv[at], rows, n, &value);
		if (!row) {
			fprintf(stderr, "sallyport: unknown option %s (try --help)\n", argv[at]);
			return false;
		}
		int next = take(row, value, at, argc, argv);
		if (next == 0) {
			fprintf(stderr, "sallyport: %s %s\n", argv[at],
				row->kind == OPTION_FLAG ? "takes no value" : "needs a value");
			return false;
		}
		at = next;
	}
	return true;
}
