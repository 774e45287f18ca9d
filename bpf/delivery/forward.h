/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* A frame of an endpoint whose destination is known: to an endpoint, or to another node. */
#ifndef DELIVERY_FORWARD_H
#define DELIVERY_FORWARD_H

#include "anti_spoof/host.h"
#include "delivery/gate.h"
#include "delivery/unicast.h"
#include "encap/send.h"

#undef HERE
#define HERE FILE_DELIVERY_FORWARD

/*
 * The port is gone or down. A MAC behind a port that is gone may be on another node by
 * now: CONTINUE then floods the frame as unknown.
 */
static __noinline int forward_missed(struct __sk_buff *skb, struct endpoint *ep,
				     struct network *network, __u32 endpoint, __u32 reason)
{
	if (reason == REASON_PORT_GONE && network->replicas &&
	    !(network->flags & NETWORK_NO_FLOOD_UNKNOWN))
		return CONTINUE;
	return deliver_missed(skb, ep, 0, endpoint, reason);
}

/* The verdict, or CONTINUE: the place of the destination is no longer known. */
static __always_inline int forward(struct __sk_buff *skb, struct endpoint *ep,
				   struct network *network, struct fdb_place to)
{
	enum reason reason;

	if (to.owner.node)
		return encap_send(skb, ep, FROM_NODE(to.owner.node, network->vni), true);
	if (to.owner.ifindex == skb->ifindex)
		return drop(skb, ep, REASON_SAME_PORT, 0);
	if (to.flags & FDB_GATEWAY) {
		reason = anti_spoof_host(skb, false);
		if (reason)
			return drop(skb, ep, reason, 0);
	}
	reason = delivery_gate(skb, ep, to.owner.ifindex);
	if (reason)
		return drop(skb, ep, reason, 0);
	reason = port_unreachable(skb, to.owner.ifindex);
	if (reason)
		return forward_missed(skb, ep, network, to.owner.endpoint, reason);
	skb->mark = 0;
	return deliver_up(skb, ep, 0, to, true);
}

#endif
