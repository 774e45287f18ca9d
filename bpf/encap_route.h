/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The way to another node, asked of the kernel for each frame: a route, a next
 * hop or a path MTU that has changed is obeyed by the next frame.
 */
#ifndef ENCAP_ROUTE_H
#define ENCAP_ROUTE_H

#include "report.h"
#include "vxlan.h"

/* Not in the headers of the kernel; the same in every address family table since the first. */
#define FAMILY_IP4 2
#define FAMILY_IP6 10

/*
 * Where a packet of this host starts, as seen by bpf_fib_lookup: from the
 * loopback device all devices are possible, as for what a local socket sends.
 * The helper insists on a device that forwards; on loopback that has no effect
 * on anybody else (net.ipv4.conf.lo.forwarding, net.ipv6.conf.lo.forwarding).
 */
#define LOOPBACK_IFINDEX 1

/*
 * BPF_FIB_LOOKUP_SKIP_NEIGH where the kernel has it (6.3): bpf_redirect_neigh
 * looks the neighbour up anyway.
 */
const volatile __u32 fib_flags = 0;

/* What a frame says of itself to its outer headers. */
struct encap_frame {
	__u16 pad; /* aligns what follows */
	struct ethhdr eth;
	struct iphdr ip; /* of an IPv4 frame; of an IPv6 one its first bytes */
	__u8 class; /* traffic class of an IP frame, else 0 */
	__u8 transport; /* protocol of an IP frame */
	__u16 network; /* bytes of its IP header */
};

/* What its outer headers will say, and the way that they take. */
struct encap_plan {
	__u32 length; /* bytes of layer 3 that the path has to carry */
	__be32 vni;
	__be16 port; /* source port */
	__u8 class;
	bool routed; /* false: the kernel is to find the next hop itself */
	__u32 ifindex;
	__u32 mtu; /* bytes of layer 3 that the path takes */
	struct bpf_redir_neigh hop;
};

/* What was found. FIB_LKUP codes that are no obstacle become 0. */
static __always_inline long encap_route_found(const struct underlay *underlay,
					      struct bpf_fib_lookup *fib, long code,
					      struct encap_plan *plan)
{
	plan->mtu = underlay->mtu;
	switch (code) {
	case BPF_FIB_LKUP_RET_SUCCESS:
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		plan->ifindex = fib->ifindex;
		plan->routed = true;
		plan->hop.nh_family = fib->family;
		/* A next hop may be of the other family (RFC 8950). */
		if (fib->family == FAMILY_IP4)
			plan->hop.ipv4_nh = fib->ipv4_dst;
		else
			__builtin_memcpy(plan->hop.ipv6_nh, fib->ipv6_dst,
					 sizeof(plan->hop.ipv6_nh));
		return 0;
	case BPF_FIB_LKUP_RET_FRAG_NEEDED:
		plan->mtu = fib->mtu_result;
		return 0;
	case BPF_FIB_LKUP_RET_FWD_DISABLED:
		/* Nothing was looked up; bpf_redirect_neigh will, in its own, slower way. */
		plan->ifindex = underlay->ifindex;
		plan->routed = false;
		return 0;
	}
	return code;
}

#endif
