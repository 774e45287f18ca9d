/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * To another node: the frame is wrapped in VXLAN and sent along the kernel's
 * own route, to the next hop as the neighbour table has it at that moment.
 *
 * An IP frame is wrapped by bpf_skb_adjust_room, which tells the kernel about
 * the tunnel, so that what is to be segmented stays whole until the device that
 * segments it. All other frames are wrapped by bpf_skb_change_head: they are
 * never segmented, so nobody has to know what they contain.
 */
#ifndef ENCAP_H
#define ENCAP_H

#include "encap4.h"
#include "encap6.h"
#include "pmtu.h"

#undef HERE
#define HERE FILE_ENCAP

/* What a frame says of itself. An IP header behind a tag is not looked at, nor does the kernel's vxlan. */
static __always_inline bool encap_read(struct __sk_buff *skb, struct encap_frame *frame)
{
	struct ipv6hdr *ip6 = (void *)&frame->ip;

	frame->class = 0;
	frame->network = 0;
	frame->transport = 0;
	/* An IP header of either family is at least that long. */
	if (!load(skb, 0, &frame->eth, sizeof(frame->eth) + sizeof(frame->ip)))
		return load(skb, 0, &frame->eth, sizeof(frame->eth));
	if (frame->eth.h_proto == bpf_htons(ETH_P_IP)) {
		frame->class = frame->ip.tos;
		frame->network = frame->ip.ihl * 4;
		frame->transport = frame->ip.protocol;
	} else if (frame->eth.h_proto == bpf_htons(ETH_P_IPV6)) {
		frame->class = ip6_class(ip6);
		frame->network = sizeof(*ip6);
		frame->transport = ip6->nexthdr;
	}
	return true;
}

/*
 * Bytes of the frame, or of the longest frame that it will be segmented into:
 * the path has to carry each of those, not the whole. Extension headers of IPv6
 * are not counted: no stack sends segments with them.
 */
static __always_inline __u32 encap_length(struct __sk_buff *skb, const struct encap_frame *frame)
{
	__u32 tag = skb->vlan_present ? VLAN_HLEN : 0;
	__u8 words = 0;

	if (!skb->gso_size)
		return skb->len + tag;
	if (frame->transport != IPPROTO_TCP)
		return ETH_HLEN + tag + frame->network + sizeof(struct udphdr) + skb->gso_size;
	/* The data offset of TCP, in units of 4 bytes, is in the upper half of byte 12. */
	load(skb, ETH_HLEN + frame->network + 12, &words, sizeof(words));
	return ETH_HLEN + tag + frame->network + (words >> 4) * 4 + skb->gso_size;
}

/* The Ethernet header inside, with its tags: as many as the source lock looks through. */
struct encap_tags {
	__u32 count;
	struct {
		__be16 protocol;
		__be16 tci;
	} tag[VLAN_TAGS_MAX];
};

/*
 * Take the tags out of the frame: the kernel has the outermost of them beside
 * the data, and would put it before the outer headers.
 */
static __always_inline bool encap_untag(struct __sk_buff *skb, struct encap_tags *tags)
{
	int i;

#pragma unroll
	for (i = 0; i < VLAN_TAGS_MAX; i++) {
		if (!skb->vlan_present)
			break;
		tags->tag[i].protocol = skb->vlan_proto;
		tags->tag[i].tci = bpf_htons(skb->vlan_tci);
		tags->count = i + 1;
		if (bpf_skb_vlan_pop(skb))
			return false;
	}
	return !skb->vlan_present;
}

/* Write the Ethernet header inside, behind the outer headers. */
static __always_inline long encap_store_inner(struct __sk_buff *skb, __u32 offset,
					      const struct encap_frame *frame,
					      const struct encap_tags *tags)
{
	long error;

	error = bpf_skb_store_bytes(skb, offset, &frame->eth, 2 * ETH_ALEN, 0);
	offset += 2 * ETH_ALEN;
	if (!error && tags->count > 0) {
		error = bpf_skb_store_bytes(skb, offset, &tags->tag[0], VLAN_HLEN, 0);
		offset += VLAN_HLEN;
	}
	if (!error && tags->count > 1) {
		error = bpf_skb_store_bytes(skb, offset, &tags->tag[1], VLAN_HLEN, 0);
		offset += VLAN_HLEN;
	}
	if (!error)
		error = bpf_skb_store_bytes(skb, offset, &frame->eth.h_proto,
					    sizeof(frame->eth.h_proto), 0);
	return error;
}

/*
 * What adjust_room tells the kernel: nothing changes for each segment but what
 * is in front of it, and inside is Ethernet.
 */
#define ENCAP_ROOM \
	(BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_ENCAP_L4_UDP | BPF_F_ADJ_ROOM_ENCAP_L2_ETH)

/*
 * Room for the outer headers of a frame with tags, without an IP header, or that
 * is in a tunnel already, which adjust_room refuses before it changes anything.
 * 0 or a negative errno: E2BIG, too many tags; EALREADY, in segments that nobody
 * could cut any more.
 */
static __noinline long encap_room_rare(struct __sk_buff *skb, struct encap_frame *frame,
				       struct encap_tags *tags, __u32 grow, __u64 family)
{
	__u64 flags = ENCAP_ROOM | family;
	__u32 tagged;
	long error;

	if (!encap_untag(skb, tags))
		return -E2BIG;
	tagged = tags->count * VLAN_HLEN;
	if (!load(skb, 0, &frame->eth, sizeof(frame->eth)))
		return -EINVAL;
	error = bpf_skb_adjust_room(skb, grow + tagged, BPF_ADJ_ROOM_MAC,
				    flags | BPF_F_ADJ_ROOM_ENCAP_L2(ETH_HLEN + tagged));
	if (!error || error == -ENOMEM)
		return error;
	if (skb->gso_size)
		return -EALREADY;
	return bpf_skb_change_head(skb, grow + tagged, 0);
}

static __always_inline int encap_refused(struct __sk_buff *skb, struct endpoint *ep, __u64 to,
					 long error)
{
	switch (error) {
	case -E2BIG:
		return drop_from(skb, ep, to, REASON_ENCAP_VLAN, error);
	case -EALREADY:
		return drop_from(skb, ep, to, REASON_ENCAP_GSO, error);
	}
	return drop_from(skb, ep, to, REASON_ENCAP, error);
}

/* 49152 to 65535 (RFC 7348, 5), by the flow inside, so that networks spread flows over paths. */
static __always_inline __be16 encap_port(struct __sk_buff *skb)
{
	__u32 hash = bpf_get_hash_recalc(skb);

	return bpf_htons(0xc000 | ((hash ^ hash >> 16) & 0x3fff));
}

/* Copied, congestion marks too (RFC 6040, 4.1, normal mode). */
static __always_inline __u8 encap_class(const struct underlay *underlay,
					const struct encap_frame *frame)
{
	if (underlay->flags & UNDERLAY_DSCP)
		return frame->class;
	return underlay->dscp << 2 | (frame->class & ECN_MASK);
}

/* The way to the node; 0, a BPF_FIB_LKUP_RET_ code or a negative errno. */
static __noinline long encap_route(struct __sk_buff *skb, const struct underlay *underlay,
				   const struct node *node, struct encap_plan *plan)
{
	if (underlay->flags & UNDERLAY_IP6)
		return encap_route6(skb, underlay, node, plan);
	return encap_route4(skb, underlay, node, plan);
}

/* Wrap the frame; 0 or a negative errno. */
static __noinline long encap_wrap(struct __sk_buff *skb, struct encap_frame *frame,
				  const struct underlay *underlay, const struct node *node,
				  const struct encap_plan *plan)
{
	bool ip6 = underlay->flags & UNDERLAY_IP6;
	__u64 family = ip6 ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV4;
	__u32 grow = ip6 ? OUTER6_LENGTH : OUTER4_LENGTH;
	struct encap_tags tags = {};
	union {
		struct outer4 v4;
		struct outer6 v6;
	} outer;
	bool plain = false;
	long error;

	if (!skb->vlan_present && protocol_is_ip(frame->eth.h_proto))
		plain = !bpf_skb_adjust_room(skb, grow, BPF_ADJ_ROOM_MAC,
					     ENCAP_ROOM | family | BPF_F_ADJ_ROOM_ENCAP_L2(ETH_HLEN));
	if (!plain) {
		error = encap_room_rare(skb, frame, &tags, grow, family);
		if (error)
			return error;
	}
	/* The Ethernet header inside as well, by one store; a tagged one is written anew below. */
	if (ip6) {
		encap_outer6(skb, underlay, node, plan, &outer.v6);
		outer.v6.inner = frame->eth;
		error = bpf_skb_store_bytes(skb, 0, &outer.v6.eth, OUTER6_LENGTH + ETH_HLEN, 0);
	} else {
		encap_outer4(skb, underlay, node, plan, &outer.v4);
		outer.v4.inner = frame->eth;
		error = bpf_skb_store_bytes(skb, 0, &outer.v4.eth, OUTER4_LENGTH + ETH_HLEN, 0);
	}
	if (plain || error)
		return error;
	if (tags.count)
		error = encap_store_inner(skb, grow, frame, &tags);
	/* Only adjust_room has changed the type that the kernel keeps of the frame. */
	if (!error && skb->protocol != bpf_htons(ip6 ? ETH_P_IPV6 : ETH_P_IP))
		error = frame_retype(skb);
	return error;
}

/*
 * Send the frame of an endpoint to a node; `to` is FROM_NODE(node, vni). tell: the
 * endpoint may be told that it is too big. The value is the verdict.
 */
static __noinline int encap(struct __sk_buff *skb, struct endpoint *ep, __u64 to, bool tell)
{
	struct underlay *underlay = underlay_find();
	__u32 number = where_node(to), bytes = skb->len;
	struct node *node = node_find(number);
	struct encap_frame frame;
	struct encap_plan plan;
	struct node_stats *stats;
	__u32 overhead;
	long error;

	if (!underlay)
		return drop_from(skb, ep, to, REASON_NO_UNDERLAY, 0);
	if (!node || !node_is_set(node))
		return drop_from(skb, ep, to, REASON_NO_NODE, 0);
	if (!encap_read(skb, &frame))
		return drop_from(skb, ep, to, REASON_MALFORMED, 0);
	overhead = underlay->flags & UNDERLAY_IP6 ? OUTER6_LENGTH : OUTER4_LENGTH;
	/* The Ethernet header outside is not a part of layer 3. */
	plan.length = encap_length(skb, &frame) + overhead - ETH_HLEN;
	plan.vni = bpf_htonl(where_vni(to) << 8);
	plan.port = encap_port(skb);
	plan.class = encap_class(underlay, &frame);
	error = encap_route(skb, underlay, node, &plan);
	if (error)
		return drop_from(skb, ep, to, REASON_NO_ROUTE, error);
	if (plan.length > plan.mtu && tell)
		return pmtu_too_big(skb, ep, to, &frame, plan.mtu - overhead);
	if (plan.length > plan.mtu)
		return drop_from(skb, ep, to, REASON_TOO_BIG, plan.mtu - overhead);
	error = encap_wrap(skb, &frame, underlay, node, &plan);
	if (error)
		return encap_refused(skb, ep, to, error);
	if (plan.routed)
		error = bpf_redirect_neigh(plan.ifindex, &plan.hop, sizeof(plan.hop),
					   redirect_flags);
	else
		error = bpf_redirect_neigh(plan.ifindex, NULL, 0, redirect_flags);
	if (error != TC_ACT_REDIRECT)
		return drop_from(skb, ep, to, REASON_REDIRECT, error);
	stats = node_stats_find(number);
	if (stats) {
		stats->tx_packets++;
		stats->tx_bytes += bytes;
	}
	return error;
}

#endif
