/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Broadcast, multicast and unknown unicast: to every endpoint of the network on
 * this node except the sender.
 *
 * Every receiver but the last gets a clone; the last gets the frame itself. All
 * go out of the host end (not redirect_peer), so that the receiver's end of the
 * veth decides by its own MAC whether the frame is to it (eth_type_trans).
 */
#ifndef DELIVERY_FLOOD_H
#define DELIVERY_FLOOD_H

#include "delivery/gate.h"
#include "delivery/reachable.h"
#include "report.h"
#include "unknown_to_verifier.h"

#undef HERE
#define HERE FILE_DELIVERY_FLOOD

struct flood {
	struct __sk_buff *skb;
	struct endpoint *ep; /* where the frame came in, or NULL: from another node */
	__u64 from; /* FROM_NODE() of that node, or 0 */
	__u32 network;
	__u16 missed; /* enum reason: why the receiver found last could not be reached; 0: all could */
	__u16 missed_endpoint; /* its number */
	struct port last; /* the receiver found last, not yet served; ifindex 0: none */
	__u32 vni;
	__u32 node; /* the node found last, not yet served; 0: none */
};

static __always_inline void flood_clone(struct flood *flood)
{
	struct __sk_buff *skb = flood->skb;
	__u32 bytes = skb->len;
	long error;

	error = bpf_clone_redirect(skb, flood->last.ifindex, redirect_flags);
	if (error)
		notice_from(skb, flood->ep, flood->from, REASON_FLOOD_COPY, 1, error);
	else
		count_rx(flood->last.endpoint, bytes);
}

/* Count the lost copy for the unreachable receiver found last; the frame goes on. */
static __noinline void flood_report_missed(struct flood *flood)
{
	struct __sk_buff *skb = flood->skb;

	if (flood->missed)
		notice_from(skb, flood->ep, flood->from, flood->missed, 1, flood->missed_endpoint);
}

static long flood_port(__u32 slot, struct flood *flood)
{
	struct port_key key = { .network = flood->network, .slot = slot };
	struct port *port = bpf_map_lookup_elem(&dp_port_v1, &key);
	__u32 reason;

	if (!port || port->ifindex == flood->skb->ifindex)
		return 0;
	if (delivery_gate(flood->skb, flood->ep, port->ifindex))
		return 0;
	reason = port_unreachable(flood->skb, port->ifindex);
	if (reason) {
		/* Keep the last one: if no other receiver is found, the frame ends here. */
		flood_report_missed(flood);
		count_rx_dropped(port->endpoint);
		flood->missed = reason;
		flood->missed_endpoint = port->endpoint;
		return 0;
	}
	if (flood->last.ifindex)
		flood_clone(flood);
	flood->last = *port;
	return 0;
}

/* A clone to each endpoint but the last, which is left in flood->last. */
static __always_inline void flood_ports(struct flood *flood, __u32 slots)
{
	struct __sk_buff *skb = flood->skb;
	__u32 missing = slots - FLOOD_PORT_MAX;

	if (slots > FLOOD_PORT_MAX) {
		notice_from(skb, flood->ep, flood->from, REASON_FLOOD_BOUND, missing, 0);
		slots = FLOOD_PORT_MAX;
	}
	flood->last.ifindex = unknown_zero();
	flood->missed = unknown_zero();
	bpf_loop(slots, flood_port, flood, 0);
}

/* The frame itself to the endpoint found last. Returns the verdict. */
static __always_inline int flood_last(struct flood *flood)
{
	struct __sk_buff *skb = flood->skb;
	long verdict;

	if (!flood->last.ifindex && flood->missed)
		return drop_from(skb, flood->ep, flood->from, flood->missed,
				 flood->missed_endpoint);
	if (!flood->last.ifindex)
		return drop_from(skb, flood->ep, flood->from, REASON_NO_PORT, 0);
	flood_report_missed(flood);
	verdict = bpf_redirect(flood->last.ifindex, redirect_flags);
	if (verdict != TC_ACT_REDIRECT)
		return drop_from(skb, flood->ep, flood->from, REASON_REDIRECT, verdict);
	count_rx(flood->last.endpoint, skb->len);
	return verdict;
}

#endif
