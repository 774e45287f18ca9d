/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Can a frame reach a port? The kernel does not report it: it frees a frame to a peer
 * that is gone or down, and reports a successful redirect. So the datapath checks the
 * device first.
 */
#ifndef DELIVERY_REACHABLE_H
#define DELIVERY_REACHABLE_H

#include <linux/errno.h>

#include "report.h"

#ifndef NO_KERNEL_TYPES
#include "delivery/netdev.h"
#else
/* Without the kernel's types only the MTU tells that the device exists; not whether its far end is up. */
int port_search(struct __sk_buff *skb, __u32 ifindex);

__noinline int port_search(struct __sk_buff *skb, __u32 ifindex)
{
	__u32 mtu = 0;

	return bpf_check_mtu(skb, ifindex, &mtu, 0, 0) == -ENODEV ? REASON_PORT_GONE : REASON_UNSPEC;
}

/* REASON_UNSPEC if a port can be reached through its host end, else why not. */
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
