/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Outer headers of an IPv4 underlay. */
#ifndef ENCAP_IP4_H
#define ENCAP_IP4_H

#include "encap/outer_common.h"
#include "wire/checksum.h"

static __always_inline void encap_route4(struct __sk_buff *skb, const struct underlay *underlay,
					 const struct node *node, __be16 port, struct route *route)
{
	struct bpf_fib_lookup fib = {
		.family = FAMILY_IP4,
		.sport = port,
		.ipv4_src = ip4_of(underlay->local),
		.ipv4_dst = ip4_of(node->vtep),
	};

	encap_lookup(skb, underlay, &fib, route);
}

/* Fill in the outer headers, for which there is room in front of the frame. */
static __always_inline void encap_outer4(struct __sk_buff *skb, const struct underlay *underlay,
					 const struct node *node, const struct encap_plan *plan,
					 struct outer4 *outer)
{
	__u32 length = skb->len - ETH_HLEN;
	__u32 datagram = length - sizeof(outer->ip);

	__builtin_memset(outer, 0, sizeof(*outer));
	outer->eth.h_proto = bpf_htons(ETH_P_IP);
	outer->ip.version = 4;
	outer->ip.ihl = 5;
	outer->ip.tos = plan->class;
	/* Only packets that are yet to be segmented exceed the field: 0, as in BIG TCP. */
	outer->ip.tot_len = length <= 0xffff ? bpf_htons(length) : 0;
	/* A packet that may be fragmented needs an id of its own; others need none (RFC 6864, 4.1). */
	if (underlay->flags & UNDERLAY_FRAGMENT)
		outer->ip.id = bpf_get_prandom_u32();
	else
		outer->ip.frag_off = bpf_htons(IP4_DF);
	outer->ip.ttl = underlay->ttl;
	outer->ip.protocol = IPPROTO_UDP;
	outer->ip.saddr = ip4_of(underlay->local);
	outer->ip.daddr = ip4_of(node->vtep);
	outer->ip.check = checksum_header4(&outer->ip);
	outer->udp.source = plan->port;
	outer->udp.dest = underlay->port;
	outer->udp.len = datagram <= 0xffff ? bpf_htons(datagram) : 0;
	outer->vxlan.flags = bpf_htonl(VXLAN_FLAG_VNI);
	outer->vxlan.vni = plan->vni;
}

#endif
