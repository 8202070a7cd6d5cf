/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel cannot even send, as the interface or a filter of this host refuses it, does not count as sent: it
 * probes for that. The probes that a peer with a full window is sent are answered, which sets their number to 0.
 */
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

#include "net/conn_int.h"

bool net_conn_is_mute(const struct net_conn *c, unsigned silent_ms)
{
	enum { TIMEOUTS = 2 };
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);
	int held = 0; /* sent and not acknowledged, or not sent */

	return c->fd >= 0 && getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
		ioctl(c->fd, SIOCOUTQ, &held) == 0 && held > 0 &&
		info.tcpi_retransmits + info.tcpi_probes >= TIMEOUTS &&
		info.tcpi_last_ack_recv >= silent_ms;
}
