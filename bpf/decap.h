/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Taking VXLAN apart at TC: the outer headers are read by copy, so that what is
 * not for us is not touched in any way, and removed by bpf_skb_adjust_room.
 */
#ifndef DECAP_H
#define DECAP_H

#include <bpf/bpf_core_read.h>

#include "decap_match.h"
#include "ecn.h"
#include "fdb.h"

#undef HERE
#define HERE FILE_DECAP

/*
 * What this kernel's adjust_room can be told when it shrinks, set when loaded:
 * BPF_F_ADJ_ROOM_DECAP_L3_* (6.3), without which a packet of the other family
 * than the underlay's keeps its type, and BPF_F_ADJ_ROOM_DECAP_L4_UDP, which takes
 * the mark of a tunnel off segments.
 */
const volatile __u64 decap_flags = 0;

/* A frame that came through a tunnel. */
struct inbound {
	struct tunnel tunnel;
	struct ethhdr eth; /* of the frame inside */
	__u32 overhead; /* bytes of the outer headers; 0: XDP has removed them */
};

/* Bytes of layer 3 by which the lengths in the headers are judged; 0: not at all. */
static __always_inline __u32 decap_bytes(struct __sk_buff *skb)
{
	return skb->gso_size ? 0 : skb->len - ETH_HLEN;
}

CHECKSUM_RIGHT(checksum_right_skb, struct __sk_buff, bpf_skb_load_bytes, 128)

/* include/linux/skbuff.h: its own end of the kernel has yet to compute the checksum. */
#define SKB_CHECKSUM_PARTIAL 3
/* linux/if_packet.h, which is not for BPF: somebody else's by its MAC. */
#define PACKET_OTHERHOST 3

/* Of struct sk_buff, what no helper tells. */
struct sk_buff___checksum {
	__u8 ip_summed : 2;
} __attribute__((preserve_access_index));

/*
 * An outer UDP checksum, where there is one, is right if somebody has said so: the
 * driver, GRO, or the sender, if that was on this machine. Else it is computed, which
 * is rare: no GRO, or a device that sums whole packets (CHECKSUM_COMPLETE).
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

	/* The host's own traffic goes by here, too, and most of it ends at this line. */
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

/* Is this the first fragment of a VXLAN packet? Only to name it: it is never taken. */
static __always_inline bool decap_fragment6(struct __sk_buff *skb, const struct underlay *underlay,
					    struct outer6 *outer, struct tunnel *tunnel)
{
	const __u32 offset = ETH_HLEN + sizeof(outer->ip);
	struct ip6_fragment fragment;

	if (!load(skb, offset, &fragment, sizeof(fragment)) ||
	    fragment.nexthdr != IPPROTO_UDP || fragment.offset & bpf_htons(0xfff8) ||
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

/* Is the packet VXLAN for this node? Fills in what it says, and the frame's Ethernet header. */
static __always_inline bool decap_read(struct __sk_buff *skb, struct inbound *in)
{
	struct underlay *underlay = underlay_find();

	/*
	 * A tag would have to be the underlay's own, whose device then has none. And a
	 * device that hears all (promiscuous, a flooded frame) hears what is for others.
	 */
	if (!underlay || skb->vlan_present || skb->pkt_type == PACKET_OTHERHOST)
		return false;
	if (underlay->flags & UNDERLAY_IP6)
		return skb->protocol == bpf_htons(ETH_P_IPV6) && decap_read6(skb, underlay, in);
	return skb->protocol == bpf_htons(ETH_P_IP) && decap_read4(skb, underlay, in);
}

/* Where the frame inside ends: what is behind that is about to be cut off. */
static __always_inline __u32 decap_end(struct __sk_buff *skb, const struct inbound *in)
{
	__u32 end = skb->len;

	/* Else clang joins the two loads, of the context and of the stack, which the verifier refuses. */
	asm volatile("" : "+r"(end));
	if (in->overhead && !skb->gso_size)
		end = in->tunnel.length;
	return end;
}

/* What XDP has left of a packet: the frame, and in front of it what the outer headers said. */
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

/*
 * The type of what is behind the tags of the frame inside, 0 if it is not all there;
 * tags: how many bytes they are. More than VLAN_TAGS_MAX are not looked through.
 */
static __always_inline __be16 decap_untagged(struct __sk_buff *skb, const struct inbound *in,
					     __u32 *tags)
{
	__u32 offset = in->overhead + offsetof(struct ethhdr, h_proto);
	__u32 end = decap_end(skb, in);
	__be16 protocol = in->eth.h_proto;
	int i;

	*tags = 0;
#pragma unroll
	for (i = 0; i < VLAN_TAGS_MAX; i++) {
		if (!protocol_is_tag(protocol))
			break;
		*tags += VLAN_HLEN;
		if (!load_within(skb, offset + *tags, &protocol, sizeof(protocol), end))
			return 0;
	}
	return protocol;
}

/* A mark of congestion that goes into the packet inside. */
struct decap_mark {
	__u32 tags; /* bytes of them in front of its IP header */
	__be16 protocol; /* its type */
	__be16 word; /* what its header begins with, marked */
};

/* Marks of congestion on the way; only IP has room for one. -1: not even that. */
static __always_inline int decap_ecn(struct __sk_buff *skb, const struct inbound *in,
				     struct decap_mark *mark)
{
	bool ip6;
	int ecn;

	if (!(in->tunnel.class & ECN_MASK))
		return 0;
	mark->protocol = decap_untagged(skb, in, &mark->tags);
	if (!protocol_is_ip(mark->protocol) ||
	    !load_within(skb, in->overhead + ETH_HLEN + mark->tags, &mark->word,
			 sizeof(mark->word), decap_end(skb, in)))
		return 0;
	ip6 = mark->protocol == bpf_htons(ETH_P_IPV6);
	ecn = ecn_combine(in->tunnel.class, ecn_of_word(mark->word, ip6));
	if (ecn < 0)
		return -1;
	if (ecn == ecn_of_word(mark->word, ip6))
		return 0;
	mark->word = ecn_set_word(mark->word, ip6, ecn);
	return 1;
}

/* Write the first word of the IP header, of which the rest stays right. */
static __always_inline long decap_store_ecn(struct __sk_buff *skb, const struct decap_mark *mark)
{
	/* The outermost tag is beside the data by now, unless the frame could not be retyped. */
	__u32 offset = ETH_HLEN + mark->tags - (skb->vlan_present ? VLAN_HLEN : 0);
	__be16 old;
	long error;

	if (mark->protocol == bpf_htons(ETH_P_IP)) {
		load(skb, offset, &old, sizeof(old));
		error = bpf_l3_csum_replace(skb, offset + offsetof(struct iphdr, check), old,
					    mark->word, sizeof(mark->word));
		if (error)
			return error;
		return bpf_skb_store_bytes(skb, offset, &mark->word, sizeof(mark->word), 0);
	}
	return bpf_skb_store_bytes(skb, offset, &mark->word, sizeof(mark->word),
				   BPF_F_RECOMPUTE_CSUM);
}

/*
 * Remove the outer headers. What is left is as if it had just come in: checksums
 * that the kernel has verified are one fewer, and it knows the type of the frame.
 */
static __always_inline long decap_strip(struct __sk_buff *skb, const struct inbound *in, bool *typed)
{
	__u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET;
	__u32 shortest = in->overhead + ETH_HLEN;
	__u32 length = in->tunnel.length;
	long error;

	/*
	 * What is behind the frame would become a part of it. And adjust_room wants an
	 * IP header to be left, even where there is none: before 6.3, one of the outer
	 * header's family (bpf_skb_net_base_len).
	 */
	shortest += decap_flags & ADJ_ROOM_DECAP_L3_IPV4 || in->overhead == OUTER4_LENGTH ?
			    sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	if (length < shortest)
		length = shortest;
	if (!skb->gso_size && skb->len != length) {
		error = bpf_skb_change_tail(skb, length, redirect_flags);
		if (error)
			return error;
	}
	flags |= decap_flags & (ADJ_ROOM_DECAP_L4_UDP |
				(in->eth.h_proto == bpf_htons(ETH_P_IPV6) ? ADJ_ROOM_DECAP_L3_IPV6 :
									    ADJ_ROOM_DECAP_L3_IPV4));
	error = bpf_skb_adjust_room(skb, -(__s32)in->overhead, BPF_ADJ_ROOM_MAC, flags);
	if (error)
		return error;
	error = bpf_skb_store_bytes(skb, 0, &in->eth, sizeof(in->eth), 0);
	if (error)
		return error;
	bpf_csum_level(skb, BPF_CSUM_LEVEL_DEC);
	*typed = skb->protocol == in->eth.h_proto;
	if (!*typed) {
		error = frame_retype(skb);
		*typed = !error;
	}
	return 0;
}

/* The frame's source MAC is behind that node. */
static __noinline int decap_learn(struct __sk_buff *skb, struct inbound *in,
				  struct network *network, struct node *node)
{
	struct fdb_sender sender = {
		.from = FROM_NODE(in->tunnel.node, network->vni),
		.owner = { .node = in->tunnel.node },
		.learn_max = node->learn_max,
	};
	struct fdb_key key;

	fdb_key_fill(&key, network, in->eth.h_source, false);
	return fdb_learn_from(skb, &sender, network, &key);
}

#endif
