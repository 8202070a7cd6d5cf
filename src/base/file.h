/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files in and out. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdio.h>

#include "base/buf.h"

/*
 * Appends the file's content to out, or as much of it as out has room for. False, and a line in messages, when it
 * cannot be read.
 */
bool file_read(const char *path, struct buf *out, struct buf *messages);
void file_write(const struct buf *b, FILE *to);

#endif
