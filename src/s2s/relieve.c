/* SPDX-License-Identifier: Apache-2.0 */
/* What nobody uses goes first, then what streams hold in half-read elements: nothing was promised for it. */
#include "s2s/stream.h"

enum { FAT = 64 * 1024 };

void s2s_set_short(struct s2s_face *f, bool memory_short)
{
	f->memory_short = memory_short;
}

static size_t weight(const struct s2s_stream *s)
{
	return s->reader && s->state != ST_GONE ? xml_reader_footprint(s->reader) : 0;
}

static struct s2s_stream *fattest(struct s2s_face *f)
{
	struct s2s_stream *most = NULL;
	size_t least = FAT;

	LIST_EACH (&f->streams, it) {
		struct s2s_stream *s = LIST_OWNER(it, struct s2s_stream, link);
		/* Of equals the newest: it stands behind the others. */
		if (weight(s) < least)
			continue;
		least = weight(s);
		most = s;
	}
	return most;
}

size_t s2s_relieve(struct s2s_face *f, size_t bytes, uint64_t now)
{
	struct s2s_stream *s;
	size_t freed = spares_drop(&f->spares);

	f->now = now;
	while (freed < bytes && (s = fattest(f))) {
		freed += weight(s);
		stream_close(s, CLOSE_SHORT, STRL(""));
		s->deaf = true;
		xml_reader_free(s->reader);
		s->reader = NULL;
	}
	return freed;
}
