// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* Counts packets at several places, so that a test can account for each frame. */
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

/* By place: packets, and the wire frames that were merged into them. */
struct tally {
	__u64 packets;
	__u64 frames;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 7);
	__type(key, __u32);
	__type(value, struct tally);
} tally SEC(".maps");

static __always_inline void count(struct __sk_buff *skb, __u32 place)
{
	struct tally *found = bpf_map_lookup_elem(&tally, &place);
	__u32 segments = skb->gso_segs;

	if (!found)
		return;
	__sync_fetch_and_add(&found->packets, 1);
	__sync_fetch_and_add(&found->frames, segments ? segments : 1);
}

/* As in bpf/decap/match.h. */
struct tunnel_meta {
	__u32 magic;
	__u16 network;
	__u16 node;
};

#define TUNNEL_META 0xd9c71e57

/*
 * In front of the datapath at the underlay; packets that XDP has decapsulated are counted
 * separately, too.
 */
SEC("tc")
int arrived(struct __sk_buff *skb)
{
	struct tunnel_meta *meta = (void *)(long)skb->data_meta;

	count(skb, 0);
	if ((void *)(meta + 1) <= (void *)(long)skb->data && meta->magic == TUNNEL_META &&
	    meta->node)
		count(skb, 4);
	return TC_ACT_UNSPEC;
}

/* Behind the datapath: packets left to the host. */
SEC("tc")
int passed(struct __sk_buff *skb)
{
	count(skb, 1);
	return TC_ACT_UNSPEC;
}

/* In front of the datapath at the anchor. */
SEC("tc")
int anchored(struct __sk_buff *skb)
{
	count(skb, 2);
	return TC_ACT_UNSPEC;
}

/* In a container, which must not send anything of its own. */
SEC("tc")
int delivered(struct __sk_buff *skb)
{
	count(skb, 3);
	return TC_ACT_SHOT;
}

/* UDP port of VXLAN, and the VNI of valid traffic. */
#define PORT 4789
#define VNI 100
/* Fewer than the kernel follows is enough: a packet has no room for more. */
#define EXTENSIONS_MAX 12

/* Offset of the UDP header; 0: not UDP, or not the first fragment. */
static __always_inline __u32 udp_offset(struct __sk_buff *skb)
{
	__u32 offset = ETH_HLEN, i;
	struct ipv6_opt_hdr option;
	struct ipv6hdr ip6;
	struct iphdr ip4;
	__be16 fragment;
	__u8 protocol;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (bpf_skb_load_bytes(skb, offset, &ip4, sizeof(ip4)) ||
		    ip4.protocol != IPPROTO_UDP || ip4.frag_off & bpf_htons(0x1fff))
			return 0;
		return offset + ip4.ihl * 4;
	}
	if (skb->protocol != bpf_htons(ETH_P_IPV6) ||
	    bpf_skb_load_bytes(skb, offset, &ip6, sizeof(ip6)))
		return 0;
	offset += sizeof(ip6);
	protocol = ip6.nexthdr;
	for (i = 0; i < EXTENSIONS_MAX; i++) {
		if (protocol == IPPROTO_UDP)
			return offset;
		if (bpf_skb_load_bytes(skb, offset, &option, sizeof(option)))
			return 0;
		switch (protocol) {
		case IPPROTO_FRAGMENT:
			if (bpf_skb_load_bytes(skb, offset + 2, &fragment, sizeof(fragment)) ||
			    fragment & bpf_htons(0xfff8))
				return 0;
			offset += 8;
			break;
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
			offset += (option.hdrlen + 1) * 8;
			break;
		case IPPROTO_AH:
			offset += (option.hdrlen + 2) * 4;
			break;
		default:
			return 0;
		}
		protocol = option.nexthdr;
	}
	return 0;
}

/* At another node: VXLAN, and the part of it that was never encapsulated by the node. */
SEC("tc")
int wire(struct __sk_buff *skb)
{
	__u32 offset = udp_offset(skb);
	__be32 vxlan[2] = {};
	struct udphdr udp;

	if (!offset || bpf_skb_load_bytes(skb, offset, &udp, sizeof(udp)) ||
	    udp.dest != bpf_htons(PORT))
		return TC_ACT_UNSPEC;
	count(skb, 5);
	bpf_skb_load_bytes(skb, offset + sizeof(udp), vxlan, sizeof(vxlan));
	if (bpf_ntohl(vxlan[1]) >> 8 != VNI)
		count(skb, 6);
	return TC_ACT_UNSPEC;
}
