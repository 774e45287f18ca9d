/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Send an answer back to the port that asked. */
#ifndef NEIGHBOUR_REPLY_H
#define NEIGHBOUR_REPLY_H

#include "delivery/reachable.h"
#include "report.h"

#undef HERE
#define HERE FILE_NEIGHBOUR_REPLY

/* The frame has become the answer: back to where it came from. */
static __always_inline int neigh_reply(struct __sk_buff *skb, struct endpoint *ep)
{
	struct endpoint_stats *stats = stats_find(ep->id);
	__u32 reason = port_search(skb, skb->ifindex);
	long verdict;

	/* The asking endpoint may be gone by now. */
	if (reason) {
		count_rx_dropped(ep->id);
		return drop(skb, ep, reason, ep->id);
	}
	verdict = bpf_redirect(skb->ifindex, redirect_flags);
	if (verdict != TC_ACT_REDIRECT)
		return drop(skb, ep, REASON_REDIRECT, verdict);
	if (stats) {
		stats->suppressed++;
		stats->rx_packets++;
		stats->rx_bytes += skb->len;
	}
	return verdict;
}

#endif
