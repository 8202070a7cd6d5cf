/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files in and out. */
#ifndef CLI_FILE_H
#define CLI_FILE_H

#include <stdio.h>

#include "base/buf.h"

/* Appends the file's content to out. False, and a line in messages, when it cannot be read. */
bool file_read(const char *path, struct buf *out, struct buf *messages);
void file_write(const struct buf *b, FILE *to);

#endif
