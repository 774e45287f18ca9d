// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* Metadata that a packet may arrive with, as from a NIC or from a container. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

/* As from a driver: the first checksum of the packet has been verified. */
SEC("tc")
int vouch(struct __sk_buff *skb)
{
	bpf_csum_level(skb, BPF_CSUM_LEVEL_INC);
	return TC_ACT_UNSPEC;
}

/* As in bpf/decap/match.h. */
struct tunnel_meta {
	__u32 magic;
	__u16 network;
	__u16 node;
};

const volatile __u32 magic = 0xd9c71e57;

/* The metadata that the program `decap` leaves in front of a frame of network 1 from node 2. */
SEC("xdp")
int forge(struct xdp_md *ctx)
{
	struct tunnel_meta *meta;

	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*meta)))
		return XDP_DROP;
	meta = (void *)(long)ctx->data_meta;
	if ((void *)(meta + 1) > (void *)(long)ctx->data)
		return XDP_DROP;
	meta->magic = magic;
	meta->network = 1;
	meta->node = 2;
	return XDP_PASS;
}
