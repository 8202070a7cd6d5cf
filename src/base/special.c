/* SPDX-License-Identifier: Apache-2.0 */
#include "base/special.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct range {
	unsigned char prefix[16];
	unsigned bits;
	const char *word;
};

static const struct range ranges_v4[] = {
	{ { 0 }, 8, "unspecified" },
	{ { 10 }, 8, "private" },
	{ { 100, 64 }, 10, "private" },
	{ { 127 }, 8, "loopback" },
	{ { 169, 254 }, 16, "link-local" },
	{ { 172, 16 }, 12, "private" },
	{ { 192, 0, 0 }, 24, "reserved" },
	{ { 192, 168 }, 16, "private" },
	{ { 198, 18 }, 15, "private" },
	{ { 224 }, 4, "multicast" },
	{ { 240 }, 4, "reserved" },
};

/* ::/96 holds unspecified, loopback and the old IPv4-compatible form. */
static const struct range ranges_v6[] = {
	{ { 0 }, 128, "unspecified" },
	{ { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, 128, "loopback" },
	{ { 0 }, 96, "reserved" },
	{ { 0x01, 0x00 }, 64, "reserved" },
	{ { 0xfc }, 7, "private" },
	{ { 0xfe, 0x80 }, 10, "link-local" },
	{ { 0xfe, 0xc0 }, 10, "private" },
	{ { 0xff }, 8, "multicast" },
	{ { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 48, "private" },
};

/* IPv6 ranges that carry an IPv4 address from this byte on; xor: as in Teredo. */
static const struct {
	struct range range;
	unsigned at;
	unsigned char xor ;
} carriers[] = {
	{ { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, 96, NULL }, 12, 0 },
	{ { { 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, 96, NULL }, 12, 0 },
	{ { { 0x00, 0x64, 0xff, 0x9b }, 96, NULL }, 12, 0 },
	{ { { 0x20, 0x02 }, 16, NULL }, 2, 0 },
	{ { { 0x20, 0x01, 0x00, 0x00 }, 32, NULL }, 12, 0xff },
};

static bool in_range(const unsigned char *addr, const struct range *r)
{
	unsigned bytes = r->bits / 8;
	unsigned rest = r->bits % 8;

	if (memcmp(addr, r->prefix, bytes) != 0)
		return false;
	return rest == 0 || (addr[bytes] ^ r->prefix[bytes]) >> (8 - rest) == 0;
}

static const char *find(const unsigned char *addr, const struct range *ranges, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (in_range(addr, &ranges[i]))
			return ranges[i].word;
	}
	return NULL;
}

const char *special_v4(const unsigned char addr[4])
{
	return find(addr, ranges_v4, sizeof(ranges_v4) / sizeof(ranges_v4[0]));
}

const char *special_v6(const unsigned char addr[16])
{
	for (size_t i = 0; i < sizeof(carriers) / sizeof(carriers[0]); i++) {
		unsigned char inner[4];
		if (!in_range(addr, &carriers[i].range))
			continue;
		for (unsigned k = 0; k < 4; k++)
			inner[k] = addr[carriers[i].at + k] ^ carriers[i].xor ;
		return special_v4(inner);
	}
	return find(addr, ranges_v6, sizeof(ranges_v6) / sizeof(ranges_v6[0]));
}
