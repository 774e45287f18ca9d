/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Outer headers of an IPv6 underlay. The UDP checksum is 0, as RFC 6935 and 6936 allow tunnels. */
#ifndef ENCAP6_H
#define ENCAP6_H

#include "encap_route.h"

static __always_inline long encap_route6(struct __sk_buff *skb, const struct underlay *underlay,
					 const struct node *node, struct encap_plan *plan)
{
	struct bpf_fib_lookup fib = {
		.family = FAMILY_IP6,
		.l4_protocol = IPPROTO_UDP,
		.sport = plan->port,
		.dport = underlay->port,
		.tot_len = plan->length < 0xffff ? plan->length : 0xffff,
		.ifindex = LOOPBACK_IFINDEX,
		.flowinfo = bpf_htonl((__u32)plan->class << 20),
	};
	long code;

	__builtin_memcpy(fib.ipv6_src, underlay->local, sizeof(fib.ipv6_src));
	__builtin_memcpy(fib.ipv6_dst, node->vtep, sizeof(fib.ipv6_dst));
	code = bpf_fib_lookup(skb, &fib, sizeof(fib), fib_flags);
	return encap_route_found(underlay, &fib, code, plan);
}

/* The outer headers of a frame that has been made room for. */
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
	/* More than the field holds is only seen in segments that are yet to be cut: as in BIG TCP. */
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
