/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Per-CPU state, kept between packets or passed between programs. */
#ifndef CONTRACT_PER_CPU_H
#define CONTRACT_PER_CPU_H

#include <linux/types.h>

/*
 * dp_route, per CPU: a cache of the kernel's routes to nodes.
 * An entry holds for one jiffy (1 to 10 ms): a change takes effect almost at once,
 * and the packets of a jiffy share one lookup.
 */
struct route {
	__u64 jiffies; /* when */
	__u32 key; /* ROUTE_BUCKETS * number of the node + bucket; 0: nothing */
	__s32 code; /* 0, or why there is no route: a BPF_FIB_LKUP_RET_ code or a negative errno */
	__u32 ifindex;
	__u32 mtu; /* MTU of the route, bytes of layer 3 */
	__u32 hop_family; /* of the next hop; 0: the kernel finds that itself */
	__u8 hop[16];
	__u32 pad;
};

/* dp_copy, per CPU: the node that the copy in progress is for. */
struct copy {
	__u32 ifindex; /* where the frame came in; 0: no copy is being made */
	__u32 node; /* its number */
	__u32 vni;
};

#endif
