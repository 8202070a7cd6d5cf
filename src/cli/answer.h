/* SPDX-License-Identifier: Apache-2.0 */
/* Asking each daemon for one JSON object, and showing it as it is or as text. */
#ifndef CLI_ANSWER_H
#define CLI_ANSWER_H

#include <jansson.h>

#include "cli/client.h"

/* Makes text, or with --json another object (a new reference), of the answer of one daemon. */
struct answer_view {
	void (*text)(struct buf *out, const struct cli *c, json_t *answer);
	json_t *(*json)(const struct cli *c, json_t *answer); /* NULL: the answer itself */
};

/*
 * Sends the line to every daemon that the command line or the system names, and shows what each says: with --json one
 * object a line. The exit code.
 */
int answer_each(const struct cli *c, const char *request, const struct answer_view *view);

/* The same with "VERB WORD...": the words of the command line are domains. */
int answer_of_domains(const struct cli *c, const char *verb, const struct answer_view *view);

/* How many more there are than the answer shows of this list, or 0: its "KEY_total" less what it has. */
uint64_t answer_left_out(const json_t *answer, const char *key);
/* A line about it below the table, when there are. */
void answer_put_left_out(struct buf *out, const json_t *answer, const char *key);

/* The same with the one daemon that is meant; where there are two, the command line has to name it. */
int answer_one(const struct cli *c, const char *request, const struct answer_view *view);

#endif
