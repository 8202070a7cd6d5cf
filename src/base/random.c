/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include <errno.h>
#include <sys/random.h>

#include "base/check.h"

void random_bytes(void *p, size_t n)
{
	unsigned char *at = p;

	while (n) {
		ssize_t got = getrandom(at, n, 0);
		check(got > 0 || errno == EINTR);
		if (got > 0) {
			at += got;
			n -= (size_t)got;
		}
	}
}

uint64_t random_below(uint64_t below)
{
	uint64_t x, limit = UINT64_MAX - UINT64_MAX % below;

	do
		random_bytes(&x, sizeof(x));
	while (x >= limit);
	return x % below;
}

void random_id(char ret_id[33])
{
	unsigned char raw[16];

	random_bytes(raw, sizeof(raw));
	for (int i = 0; i < 16; i++) {
		ret_id[2 * i] = "0123456789abcdef"[raw[i] >> 4];
		ret_id[2 * i + 1] = "0123456789abcdef"[raw[i] & 15];
	}
	ret_id[32] = '\0';
}
