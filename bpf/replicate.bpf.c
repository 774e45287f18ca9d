// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * One copy of a flooded frame, for one node: runs at TC egress of the replicator, a
 * device that exists for nothing else. bpf_clone_redirect can only hand a copy to a
 * device as it is, so this program encapsulates it there and sends it on. All other
 * traffic of the device (the host's own multicast) passes untouched.
 */
/* It delivers to no port. */
#define NO_KERNEL_TYPES
#include "delivery/replica_copy.h"
#include "encap/send.h"
#include "report.h"

#undef HERE
#define HERE FILE_REPLICATE

char LICENSE[] SEC("license") = "GPL";

SEC("tc")
int replicate(struct __sk_buff *skb)
{
	struct copy *copy = replica_copy_find();
	struct endpoint *ep;
	__u64 to;

	if (!copy || !copy->ifindex)
		return TC_ACT_UNSPEC;
	ep = endpoint_find(copy->ifindex);
	to = FROM_NODE(copy->node, copy->vni);
	copy->ifindex = 0;
	if (!ep)
		return drop_from(skb, NULL, to, REASON_NO_ENDPOINT, 0);
	return encap_send(skb, ep, to, false);
}
