/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Deliver a frame to the one endpoint that has the destination MAC. */
#ifndef DELIVERY_UNICAST_H
#define DELIVERY_UNICAST_H

#include "delivery/gate.h"
#include "delivery/reachable.h"
#include "fdb/find.h"

#undef HERE
#define HERE FILE_DELIVERY_UNICAST

/*
 * To an endpoint of this node that can be reached, from another (ep) or from a node
 * (ep NULL, from FROM_NODE()). typed: the kernel knows the EtherType of the frame.
 */
static __always_inline int deliver_up(struct __sk_buff *skb, struct endpoint *ep, __u64 from,
				      struct fdb_place to, bool typed)
{
	long verdict;

	/*
	 * Straight into the container, past the queue of this CPU. Only for the
	 * container's own MAC: since 6.15 redirect_peer makes a frame look as if it
	 * were to the receiver (skb_scrub_packet in skb_do_redirect), and then its
	 * IP stack would take what is for a MAC behind it. And not for the host's
	 * port, whose peer is in this namespace, which redirect_peer does not reach.
	 */
	if (typed && (to.flags & (FDB_ENDPOINT | FDB_GATEWAY)) == FDB_ENDPOINT) {
		/* Before 6.15 the frame keeps the type it got from the host end's MAC. */
		bpf_skb_change_type(skb, 0 /* PACKET_HOST */);
		verdict = bpf_redirect_peer(to.owner.ifindex, redirect_flags);
	} else {
		verdict = bpf_redirect(to.owner.ifindex, redirect_flags);
	}
	if (verdict != TC_ACT_REDIRECT)
		return drop_from(skb, ep, from, REASON_REDIRECT, verdict);
	count_rx(to.owner.endpoint, skb->len);
	return verdict;
}

/* The destination is on this node but cannot be reached. Returns the verdict. */
static __always_inline int deliver_missed(struct __sk_buff *skb, struct endpoint *ep, __u64 from,
					  __u32 endpoint, __u32 reason)
{
	count_rx_dropped(endpoint);
	return drop_from(skb, ep, from, reason, endpoint);
}

/* To an endpoint of this node, if it can be reached. */
static __always_inline int deliver_here(struct __sk_buff *skb, struct endpoint *ep, __u64 from,
					struct fdb_place to, bool typed)
{
	__u32 reason = delivery_gate(skb, ep, to.owner.ifindex);

	if (reason)
		return drop_from(skb, ep, from, reason, 0);
	reason = port_unreachable(skb, to.owner.ifindex);
	if (reason)
		return deliver_missed(skb, ep, from, to.owner.endpoint, reason);
	return deliver_up(skb, ep, from, to, typed);
}

#endif
