/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Whether what is handed to a port can arrive. The kernel does not say: a frame
 * to a peer that is gone or down is freed without a word, and the program is told
 * that it was redirected. So it looks at the device before.
 */
#ifndef DELIVERY_REACHABLE_H
#define DELIVERY_REACHABLE_H

#include <linux/errno.h>

#include "report.h"

#ifndef NO_KERNEL_TYPES
#include "delivery/netdev.h"
#else
/* Of a device that is there nobody knows whether its far end is up; that it is there, its MTU tells. */
int port_search(struct __sk_buff *skb, __u32 ifindex);

__noinline int port_search(struct __sk_buff *skb, __u32 ifindex)
{
	__u32 mtu = 0;

	return bpf_check_mtu(skb, ifindex, &mtu, 0, 0) == -ENODEV ? REASON_PORT_GONE : REASON_UNSPEC;
}

/* REASON_UNSPEC where a port can be reached by its host end, else why not. */
static __always_inline __u32 port_unreachable(struct __sk_buff *skb, __u32 ifindex)
{
	return port_search(skb, ifindex);
}
#endif

static __always_inline void count_rx_dropped(__u32 endpoint)
{
	struct endpoint_stats *stats = stats_find(endpoint);

	if (stats)
		stats->rx_dropped++;
}

#endif
