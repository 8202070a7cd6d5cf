/* SPDX-License-Identifier: Apache-2.0 */
#include "config/owned.h"

#include <stdlib.h>

struct config_owned *owned_new(enum config_role role)
{
	struct config_owned *o = calloc(1, sizeof(*o));

	check(o);
	arena_init(&o->arena, SIZE_MAX / 2);
	o->c.role = role;
	o->c.log_level = LOG_INFO;
	o->c.flush = role == CONFIG_INNER;
	o->c.bidi = true;
	o->c.manage = CONFIG_MANAGE_IN | CONFIG_MANAGE_OUT;
	o->c.control =
		role == CONFIG_OUTER ? "/run/sallyport/outer.sock" : "/run/sallyport/inner.sock";
#define X(member, def, least, most, words, unit, help) o->c.limits.member = (def);
	CONFIG_LIMITS(X)
#undef X
	return o;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	struct config_owned *o = (struct config_owned *)(void *)c;
	arena_done(&o->arena);
	free(o);
}

struct str owned_str(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.len + 1);

	check(p);
	if (s.len)
		memcpy(p, s.p, s.len);
	p[s.len] = 0;
	return str_from(p, s.len);
}

void *owned_grow(struct arena *a, void *array, size_t n, size_t size)
{
	/* Full at each power of two. */
	if ((n & (n - 1)) == 0) {
		void *bigger = arena_zalloc(a, (n ? 2 * n : 1) * size);
		check(bigger);
		if (n)
			memcpy(bigger, array, n * size);
		return bigger;
	}
	return array;
}
