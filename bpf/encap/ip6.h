/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Outer headers of an IPv6 underlay. The UDP checksum is 0, as RFC 6935 and 6936 allow tunnels. */
#ifndef ENCAP_IP6_H
#define ENCAP_IP6_H

#include "encap/outer_common.h"

static __always_inline void encap_route6(struct __sk_buff *skb, const struct underlay *underlay,
					 const struct node *node, __be16 port, struct route *route)
{
	struct bpf_fib_lookup fib = {
		.family = FAMILY_IP6,
		.sport = port,
	};

	__builtin_memcpy(fib.ipv6_src, underlay->local, sizeof(fib.ipv6_src));
	__builtin_memcpy(fib.ipv6_dst, node->vtep, sizeof(fib.ipv6_dst));
	encap_lookup(skb, underlay, &fib, route);
}

/* Fill in the outer headers, for which there is room in front of the frame. */
static __always_inline void encap_outer6(struct __sk_buff *skb, const struct underlay *underlay,
					 const struct node *node, const struct encap_plan *plan,
					 struct outer6 *outer)
{
	__u32 datagram = skb->len - ETH_HLEN - sizeof(outer->ip);

	__builtin_memset(outer, 0, sizeof(*outer));
	outer->eth.h_proto = bpf_htons(ETH_P_IPV6);
	outer->ip.version = 6;
	outer->ip.priority = plan->class >> 4;
	outer->ip.flow_lbl[0] = plan->class << 4;
	/* Only packets that are yet to be segmented exceed the field: 0, as in BIG TCP. */
	outer->ip.payload_len = datagram <= 0xffff ? bpf_htons(datagram) : 0;
	outer->ip.nexthdr = IPPROTO_UDP;
	outer->ip.hop_limit = underlay->ttl;
	__builtin_memcpy(&outer->ip.saddr, underlay->local, sizeof(outer->ip.saddr));
	__builtin_memcpy(&outer->ip.daddr, node->vtep, sizeof(outer->ip.daddr));
	outer->udp.source = plan->port;
	outer->udp.dest = underlay->port;
	outer->udp.len = outer->ip.payload_len;
	outer->vxlan.flags = bpf_htonl(VXLAN_FLAG_VNI);
	outer->vxlan.vni = plan->vni;
}

#endif
