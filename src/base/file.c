/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>

bool file_read(const char *path, struct buf *out, struct buf *messages)
{
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f) {
		buf_printf(messages, "%s: %s\n", path, strerror(errno));
		return false;
	}
	do {
		char *p = buf_space(out, 65536);
		n = p ? fread(p, 1, 65536, f) : 0;
		buf_commit(out, n);
	} while (n > 0);
	bool ok = !ferror(f);
	if (!ok)
		buf_printf(messages, "%s: %s\n", path, strerror(errno));
	fclose(f);
	return ok;
}

void file_write(const struct buf *b, FILE *to)
{
	fwrite(buf_bytes(b).p, 1, buf_len(b), to);
}
