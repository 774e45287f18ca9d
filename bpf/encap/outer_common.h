/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Common to underlays of both families: the route to a node, and values of the outer headers. */
#ifndef ENCAP_OUTER_COMMON_H
#define ENCAP_OUTER_COMMON_H

#include "encap/inner_frame.h"

/* Not in the headers that BPF programs may include; no family changes its number. */
#define FAMILY_IP4 2
#define FAMILY_IP6 10

/*
 * The input device of this host's packets for bpf_fib_lookup: from loopback a
 * route may use any device, as for packets of a local socket. The helper requires
 * forwarding on the device; on loopback that affects nothing else
 * (net.ipv4.conf.lo.forwarding, net.ipv6.conf.lo.forwarding).
 */
#define LOOPBACK_IFINDEX 1

/*
 * BPF_FIB_LOOKUP_SKIP_NEIGH where the kernel has it (6.3): bpf_redirect_neigh
 * looks the neighbour up anyway.
 */
const volatile __u32 fib_flags = 0;

/* The values of the outer headers other than the addresses. */
struct encap_plan {
	__be32 vni;
	__be16 port; /* source port */
	__u8 class;
};

/*
 * Ask the kernel. A packet of one byte fits every route, so the lookup succeeds and
 * returns the MTU.
 */
static __always_inline void encap_lookup(struct __sk_buff *skb, const struct underlay *underlay,
					 struct bpf_fib_lookup *fib, struct route *route)
{
	__u32 *hop = (__u32 *)route->hop;

	fib->l4_protocol = IPPROTO_UDP;
	fib->dport = underlay->port;
	fib->tot_len = 1;
	fib->ifindex = LOOPBACK_IFINDEX;
	route->code = bpf_fib_lookup(skb, fib, sizeof(*fib), fib_flags);
	switch (route->code) {
	case BPF_FIB_LKUP_RET_SUCCESS:
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		route->code = 0;
		route->ifindex = fib->ifindex;
		route->mtu = fib->mtu_result;
		/* It may be of the other family than the route (RFC 8950). */
		route->hop_family = fib->family;
		hop[0] = fib->ipv6_dst[0];
		hop[1] = fib->ipv6_dst[1];
		hop[2] = fib->ipv6_dst[2];
		hop[3] = fib->ipv6_dst[3];
		break;
	case BPF_FIB_LKUP_RET_FWD_DISABLED:
		/* Nothing was looked up; bpf_redirect_neigh will do it, more slowly. */
		route->code = 0;
		route->ifindex = underlay->ifindex;
		route->mtu = underlay->mtu;
		route->hop_family = 0;
	}
}

#endif
