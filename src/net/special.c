/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses that a name of the Internet must not lead us to. */
#include <netinet/in.h>

#include "base/special.h"
#include "net/resolver.h"

const char *net_addr_special(const struct net_addr *a)
{
	if (a->sa.ss_family == AF_INET) {
		const struct sockaddr_in *sin = (const void *)&a->sa;
		return special_v4((const unsigned char *)&sin->sin_addr);
	}
	if (a->sa.ss_family == AF_INET6) {
		const struct sockaddr_in6 *sin6 = (const void *)&a->sa;
		return special_v6(sin6->sin6_addr.s6_addr);
	}
	return "unknown";
}
