/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Recognize VXLAN at TC. The outer headers are read by copy, so that packets for others
 * stay untouched.
 */
#ifndef DECAP_READ_TC_H
#define DECAP_READ_TC_H

#include <bpf/bpf_core_read.h>

#include "decap/inner_frame.h"

/* Bytes of layer 3, to check the lengths in the headers against; 0: no check. */
static __always_inline __u32 decap_bytes(struct __sk_buff *skb)
{
	return skb->gso_size ? 0 : skb->len - ETH_HLEN;
}

CHECKSUM_RIGHT(checksum_right_skb, struct __sk_buff, bpf_skb_load_bytes, 128)

/* include/linux/skbuff.h: its own end of the kernel has yet to compute the checksum. */
#define SKB_CHECKSUM_PARTIAL 3
/* linux/if_packet.h, which is not for BPF: the MAC is that of another host. */
#define PACKET_OTHERHOST 3

/* Of struct sk_buff, what no helper tells. */
struct sk_buff___checksum {
	__u8 ip_summed : 2;
} __attribute__((preserve_access_index));

/*
 * An outer UDP checksum, if any, is correct if the driver or GRO has verified it, or if
 * the sender is on this machine. Otherwise it is computed here, which is rare: without
 * GRO, or with a device that sums whole packets (CHECKSUM_COMPLETE).
 */
static __always_inline void decap_checksum(struct __sk_buff *skb, struct tunnel *tunnel,
					   __u32 offset)
{
	struct sk_buff___checksum *kernel = (void *)skb;

	if (!tunnel->checksum || tunnel->reason || skb->gso_size ||
	    bpf_csum_level(skb, BPF_CSUM_LEVEL_QUERY) >= 0 ||
	    BPF_CORE_READ_BITFIELD_PROBED(kernel, ip_summed) == SKB_CHECKSUM_PARTIAL)
		return;
	if (!checksum_right_skb(skb, offset, tunnel->length - offset, tunnel->pseudo))
		tunnel->reason = REASON_OUTER_CHECKSUM;
}

static __always_inline bool decap_read4(struct __sk_buff *skb, const struct underlay *underlay,
					struct inbound *in)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = data + ETH_HLEN;
	struct outer4 outer;

	/* The host's own traffic passes here, too; most of it leaves at this line. */
	if ((void *)(ip + 1) <= end && ip->protocol != IPPROTO_UDP)
		return false;
	if (!load(skb, 0, &outer.eth, OUTER4_LENGTH + ETH_HLEN) &&
	    !load(skb, 0, &outer.eth, OUTER4_LENGTH))
		return false;
	in->overhead = OUTER4_LENGTH;
	in->eth = outer.inner;
	if (!decap_match4(underlay, &outer.ip, &outer.udp, &outer.vxlan, decap_bytes(skb),
			  &in->tunnel))
		return false;
	decap_checksum(skb, &in->tunnel, ETH_HLEN + sizeof(outer.ip));
	return true;
}

/* Is this the first fragment of a VXLAN packet? Only to count it: it is never taken. */
static __always_inline bool decap_fragment6(struct __sk_buff *skb, const struct underlay *underlay,
					    struct outer6 *outer, struct tunnel *tunnel)
{
	const __u32 offset = ETH_HLEN + sizeof(outer->ip);
	struct ip6_fragment fragment;

	if (!load(skb, offset, &fragment, sizeof(fragment)) ||
	    fragment.nexthdr != IPPROTO_UDP || fragment.offset & bpf_htons(IP6_FRAGMENT_OFFSET) ||
	    !load(skb, offset + sizeof(fragment), &outer->udp,
		  sizeof(outer->udp) + sizeof(outer->vxlan)))
		return false;
	outer->ip.nexthdr = IPPROTO_UDP;
	if (!decap_match6(underlay, &outer->ip, &outer->udp, &outer->vxlan, 0, tunnel))
		return false;
	tunnel->reason = REASON_OUTER_FRAGMENT;
	return true;
}

static __always_inline bool decap_read6(struct __sk_buff *skb, const struct underlay *underlay,
					struct inbound *in)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ipv6hdr *ip = data + ETH_HLEN;
	struct outer6 outer;

	if ((void *)(ip + 1) <= end && ip->nexthdr != IPPROTO_UDP &&
	    ip->nexthdr != IPPROTO_FRAGMENT)
		return false;
	if (!load(skb, 0, &outer.eth, OUTER6_LENGTH + ETH_HLEN) &&
	    !load(skb, 0, &outer.eth, OUTER6_LENGTH))
		return false;
	in->overhead = OUTER6_LENGTH;
	in->eth = outer.inner;
	if (outer.ip.nexthdr == IPPROTO_FRAGMENT)
		return decap_fragment6(skb, underlay, &outer, &in->tunnel);
	if (!decap_match6(underlay, &outer.ip, &outer.udp, &outer.vxlan, decap_bytes(skb),
			  &in->tunnel))
		return false;
	decap_checksum(skb, &in->tunnel, ETH_HLEN + sizeof(outer.ip));
	return true;
}

/* Is the packet VXLAN for this node? Fills in its tunnel values and the frame's Ethernet header. */
static __always_inline bool decap_read(struct __sk_buff *skb, struct inbound *in)
{
	struct underlay *underlay = underlay_find();

	/*
	 * The underlay's own VLAN device delivers packets without the tag. And a
	 * promiscuous device, or a flooded frame, delivers packets for other hosts.
	 */
	if (!underlay || skb->vlan_present || skb->pkt_type == PACKET_OTHERHOST)
		return false;
	if (underlay->flags & UNDERLAY_IP6)
		return skb->protocol == bpf_htons(ETH_P_IPV6) && decap_read6(skb, underlay, in);
	return skb->protocol == bpf_htons(ETH_P_IP) && decap_read4(skb, underlay, in);
}

/* A packet that XDP decapsulated: the frame, with the metadata of the outer headers before it. */
static __always_inline bool decap_read_meta(struct __sk_buff *skb, struct inbound *in)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct tunnel_meta *meta = (void *)(long)skb->data_meta;
	struct underlay *underlay = underlay_find();
	struct ethhdr *eth = data;

	if (!underlay || !(underlay->decap & DECAP_XDP) || (void *)(meta + 1) > data ||
	    meta->magic != TUNNEL_META || !meta->node)
		return false;
	in->tunnel.network = meta->network;
	in->tunnel.node = meta->node;
	/* XDP leaves frames with tags inside alone. */
	in->tunnel.reason = skb->vlan_present ? REASON_OUTER_VLAN : REASON_UNSPEC;
	in->overhead = 0;
	if ((void *)(eth + 1) <= end)
		in->eth = *eth;
	else
		load(skb, 0, &in->eth, sizeof(in->eth));
	return true;
}

#endif
