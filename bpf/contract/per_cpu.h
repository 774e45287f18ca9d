/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* What a CPU keeps for itself, between packets or between programs. */
#ifndef CONTRACT_PER_CPU_H
#define CONTRACT_PER_CPU_H

#include <linux/types.h>

/*
 * dp_route, one for each CPU: what the kernel's routes said of the way to a node.
 * Asked anew in each jiffy (1 to 10 ms), so a change is as good as obeyed at once,
 * and a thousand packets of a jiffy don't all ask.
 */
struct route {
	__u64 jiffies; /* when */
	__u32 key; /* ROUTE_BUCKETS * number of the node + bucket; 0: nothing */
	__s32 code; /* 0, or why there is no way: a BPF_FIB_LKUP_RET_ code or a negative errno */
	__u32 ifindex;
	__u32 mtu; /* bytes of layer 3 that the way takes */
	__u32 hop_family; /* of the next hop; 0: the kernel finds that itself */
	__u8 hop[16];
	__u32 pad;
};

/* dp_copy, one for each CPU: for which node a copy is that is being made at this moment. */
struct copy {
	__u32 ifindex; /* where the frame came in; 0: no copy is being made */
	__u32 node; /* its number */
	__u32 vni;
};

#endif
