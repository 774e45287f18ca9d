/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Which sender may reach which port. Every frame that is delivered to a port of this node
 * passes delivery_gate() first, unicast or flooded, and so does an ARP or ND answer: an
 * endpoint that cannot be reached is not named in answers either.
 */
#ifndef DELIVERY_GATE_H
#define DELIVERY_GATE_H

#include "lookup.h"

/*
 * Why a frame of `from` may not go to the port with host end `to`, or REASON_UNSPEC. from is
 * NULL for frames of other nodes, which know nothing of this node's isolated ports.
 *
 * Isolated ports do not reach each other. A frame that the host sends back to where it came
 * from may be of one (GATEWAY_MARK_BACK); only the host's own port leaves a frame its mark.
 */
static __always_inline enum reason delivery_gate(const struct __sk_buff *skb,
						 const struct endpoint *from, __u32 to)
{
	const struct endpoint *port;

	if (!from || (!(from->flags & ENDPOINT_ISOLATED) && skb->mark != GATEWAY_MARK_BACK))
		return REASON_UNSPEC;
	port = endpoint_find(to);
	return port && port->flags & ENDPOINT_ISOLATED ? REASON_ISOLATED : REASON_UNSPEC;
}

/*
 * Does a frame to 01:80:c2:00:00:00 to :0f leave its link? As br_handle_frame() in the kernel
 * decides for a bridge without a spanning tree of its own: BPDUs do, so that bridges inside
 * endpoints find their loops; pause frames never do; the others where the network's mask says so.
 */
static __always_inline bool network_forwards_group(const struct network *network, const __u8 *mac)
{
	switch (mac[5]) {
	case 0x00:
		return true;
	case 0x01:
		return false;
	}
	return network->group_forward & 1U << (mac[5] & 0xf);
}

#endif
