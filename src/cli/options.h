/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command lines with options anywhere, long or short, some of which take several words:
 * `pki init DIR --outer a b --domain example.se`.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum option_kind {
	OPTION_FLAG,
	OPTION_VALUE, /* one word, or --name=word */
	OPTION_LIST, /* one word or more, up to the next option; may be repeated */
};

struct words {
	const char **word;
	size_t n;
};

struct option_row {
	const char *name; /* "--json" */
	const char *brief; /* "-s", or NULL */
	enum option_kind kind;
	bool *flag;
	const char **value;
	struct words *list;
};

/*
 * Reads all arguments. What is no option goes to rest. False, and a message on stderr, for an
 * unknown option or a missing value.
 */
bool options_read(
	int argc, char **argv, const struct option_row *rows, size_t n, struct words *rest);

void words_add(struct words *w, const char *word);
void words_free(struct words *w);

#endif
