/* SPDX-License-Identifier: Apache-2.0 */
#include "s2s/limits.h"

#include "xml/names.h"

enum { SECOND = 1000, IDLE_SECONDS_MAX = 1000000000 };

void limits_put(struct buf *out, const struct s2s_face *f)
{
	/* Twice: an incoming stream is closed when a probe after the first silence was of no use. */
	uint64_t idle = 2 * (uint64_t)f->settings.idle_ms / SECOND;

	buf_printf(out,
		"<limits xmlns=\"" NS_LIMITS "\"><max-bytes>%llu</max-bytes>"
		"<idle-seconds>%llu</idle-seconds></limits>",
		(unsigned long long)f->settings.limits.bytes, (unsigned long long)idle);
}

/* The number in this child; 0 when there is none. */
static uint64_t read_number(const struct xml_node *limits, const char *name)
{
	const struct xml_node *e = xml_child(limits, STRL(NS_LIMITS), name);
	uint64_t n = 0;

	return e && str_to_u64(xml_text(e), &n) ? n : 0;
}

void limits_read(struct s2s_stream *s, const struct xml_node *parent)
{
	const struct xml_node *limits = xml_child(parent, STRL(NS_LIMITS), "limits");

	s->peer_bytes = s->peer_idle_ms = 0;
	if (!limits)
		return;
	uint64_t idle = read_number(limits, "idle-seconds");
	s->peer_bytes = read_number(limits, "max-bytes");
	s->peer_idle_ms = (idle < IDLE_SECONDS_MAX ? idle : IDLE_SECONDS_MAX) * SECOND;
}
