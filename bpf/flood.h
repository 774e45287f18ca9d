/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Broadcast, multicast and unknown unicast: to everybody else on the network.
 *
 * Every receiver but the last gets a clone; the last gets the frame itself. All
 * go out of the host end (not redirect_peer), so that the receiver's end of the
 * veth decides by its own MAC whether the frame is to it (eth_type_trans).
 */
#ifndef FLOOD_H
#define FLOOD_H

#include "neigh.h"

#undef HERE
#define HERE FILE_FLOOD

struct flood {
	struct __sk_buff *skb;
	struct endpoint *ep;
	__u32 ifindex; /* where the frame came in */
	struct port last; /* the receiver found last, not yet served; ifindex 0: none */
};

static __always_inline void flood_clone(struct flood *flood)
{
	struct __sk_buff *skb = flood->skb;
	__u32 bytes = skb->len;
	long error;

	error = bpf_clone_redirect(skb, flood->last.ifindex, redirect_flags);
	if (error)
		notice(skb, flood->ep, REASON_FLOOD_COPY, 1, error);
	else
		count_rx(flood->last.endpoint, bytes);
}

static long flood_port(__u32 slot, struct flood *flood)
{
	struct endpoint *ep = flood->ep, *other;
	struct port_key key = { .network = ep->network, .slot = slot };
	struct port *port = bpf_map_lookup_elem(&dp_port_v1, &key);

	if (!port || port->ifindex == flood->ifindex)
		return 0;
	if (ep->flags & ENDPOINT_ISOLATED) {
		other = endpoint_find(port->ifindex);
		if (other && other->flags & ENDPOINT_ISOLATED)
			return 0;
	}
	if (flood->last.ifindex)
		flood_clone(flood);
	flood->last = *port;
	return 0;
}

static __noinline int flood(struct __sk_buff *skb, struct endpoint *ep, struct network *network)
{
	struct flood state = { .skb = skb, .ep = ep, .ifindex = skb->ifindex };
	struct endpoint_stats *stats = stats_find(ep->id);
	__u32 slots = network->slots;
	long verdict;

	if (stats)
		stats->tx_flooded++;
	if (slots > FLOOD_PORT_MAX) {
		notice(skb, ep, REASON_FLOOD_BOUND, slots - FLOOD_PORT_MAX, 0);
		slots = FLOOD_PORT_MAX;
	}
	bpf_loop(slots, flood_port, &state, 0);
	if (!state.last.ifindex)
		return drop(skb, ep, REASON_NO_PORT, 0);
	verdict = bpf_redirect(state.last.ifindex, redirect_flags);
	if (verdict != TC_ACT_REDIRECT)
		return drop(skb, ep, REASON_REDIRECT, verdict);
	count_rx(state.last.endpoint, skb->len);
	return verdict;
}

#endif
