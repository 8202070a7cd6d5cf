/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <stdlib.h>

#include "base/check.h"

char *str_dup_c(struct str s)
{
	char *copy = malloc(s.len + 1);
	check(copy);
	if (s.len)
		memcpy(copy, s.p, s.len);
	copy[s.len] = '\0';
	return copy;
}

struct str str_dup(struct str s)
{
	if (s.len == 0)
		return (struct str){ NULL, 0 };
	return (struct str){ str_dup_c(s), s.len };
}

void str_free(struct str *s)
{
	free((void *)(uintptr_t)s->p);
	*s = (struct str){ NULL, 0 };
}

int str_cmp(struct str a, struct str b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n ? memcmp(a.p, b.p, n) : 0;
	if (c)
		return c;
	return a.len < b.len ? -1 : a.len > b.len;
}

bool str_to_u64(struct str s, uint64_t *ret_n)
{
	uint64_t n = 0;

	if (s.len == 0 || s.len > 20)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned digit = (unsigned char)s.p[i] - (unsigned)'0';
		if (digit > 9 || n > (UINT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*ret_n = n;
	return true;
}
