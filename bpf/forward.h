/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* A frame of an endpoint whose destination is known: to an endpoint, or to another node. */
#ifndef FORWARD_H
#define FORWARD_H

#include "deliver.h"
#include "encap.h"
#include "guard.h"

#undef HERE
#define HERE FILE_FORWARD

static __always_inline int forward(struct __sk_buff *skb, struct endpoint *ep,
				   struct network *network, struct fdb_place to)
{
	struct endpoint *other;
	enum reason reason;

	if (to.owner.node)
		return encap(skb, ep, FROM_NODE(to.owner.node, network->vni), true);
	if (to.owner.ifindex == skb->ifindex)
		return drop(skb, ep, REASON_SAME_PORT, 0);
	if (to.flags & FDB_GATEWAY) {
		reason = guard(skb, false);
		if (reason)
			return drop(skb, ep, reason, 0);
	}
	if (endpoint_is_apart(skb, ep)) {
		other = endpoint_find(to.owner.ifindex);
		if (other && other->flags & ENDPOINT_ISOLATED)
			return drop(skb, ep, REASON_ISOLATED, 0);
	}
	skb->mark = 0;
	return deliver_here(skb, ep, 0, to, true);
}

#endif
