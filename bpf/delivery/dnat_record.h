/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The host's own port records flows that the host has translated (delivery/dnat_flows.h). */
#ifndef DELIVERY_DNAT_RECORD_H
#define DELIVERY_DNAT_RECORD_H

#include "delivery/dnat_flows.h"

/* Is the address on the segment, whose hosts are answered directly? */
static __always_inline bool translated_on_link(const struct segment *segment,
					    const struct in6_addr *ip)
{
	const __u32 *subnet, *mask, *word = ip->s6_addr32;

	/* IPv4 in the form of the tables has a mask of its own, which an IPv6 subnet never has. */
	subnet = (const __u32 *)segment->ip4;
	mask = (const __u32 *)segment->mask4;
	if (mask[2] && !((word[0] ^ subnet[0]) & mask[0] || (word[1] ^ subnet[1]) & mask[1] ||
			 (word[2] ^ subnet[2]) & mask[2] || (word[3] ^ subnet[3]) & mask[3]))
		return true;
	subnet = (const __u32 *)segment->ip6;
	mask = (const __u32 *)segment->mask6;
	return mask[0] && !((word[0] ^ subnet[0]) & mask[0] || (word[1] ^ subnet[1]) & mask[1] ||
			    (word[2] ^ subnet[2]) & mask[2] || (word[3] ^ subnet[3]) & mask[3]);
}

static __always_inline void translated_put(const struct flow_key *key, const struct flow *flow)
{
	struct flow *old = bpf_map_lookup_elem(&dp_flow_v1, key);

	/* In an LRU map a lookup keeps the entry from being evicted next. */
	if (old && old->ifindex == flow->ifindex && old->endpoint == flow->endpoint)
		return;
	bpf_map_update_elem(&dp_flow_v1, key, flow, BPF_ANY);
}

/*
 * A unicast frame of the host's own port. If its source is on the segment and not the host's
 * own, the host forwards the flow.
 */
static __noinline int translated_note(struct __sk_buff *skb, struct endpoint *ep,
				   struct network *network)
{
	struct flow flow = { .ifindex = skb->ifindex, .endpoint = ep->id };
	struct translated_packet packet;
	__u32 index = ep->network;
	struct segment *segment = bpf_map_lookup_elem(&dp_segment_v1, &index);
	struct in6_addr own;
	struct flow_key key = {};

	if (!segment || !translated_read(skb, &packet))
		return CONTINUE;
	ip4_map(&own, ep->ip4);
	if ((ep->flags & ENDPOINT_IP4 && ip6_equal(&packet.source, &own)) ||
	    (ep->flags & ENDPOINT_IP6 && ip6_equal(&packet.source, ep->ip6)) ||
	    !translated_on_link(segment, &packet.source))
		return CONTINUE;
	/* As in its answers: the source is the frame's destination. */
	key.vni = network->vni;
	__builtin_memcpy(key.source, &packet.destination, sizeof(key.source));
	__builtin_memcpy(key.destination, &packet.source, sizeof(key.destination));
	/* Fragments, and errors about any of the flows. */
	translated_put(&key, &flow);
	if (packet.protocol) {
		key.protocol = packet.protocol;
		key.ports[0] = packet.ports[1];
		key.ports[1] = packet.ports[0];
		translated_put(&key, &flow);
	}
	if (!segment->own_flows)
		segment->own_flows = 1;
	return CONTINUE;
}

#endif
