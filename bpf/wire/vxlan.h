/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* VXLAN on the wire (RFC 7348, 5), and what encapsulation and decapsulation share. */
#ifndef WIRE_VXLAN_H
#define WIRE_VXLAN_H

#include <linux/udp.h>

#include "packet.h"

/* The I flag: the packet names a VNI. All other bits are reserved and ignored on receipt. */
#define VXLAN_FLAG_VNI 0x08000000

struct vxlan {
	__be32 flags;
	__be32 vni; /* in the upper 24 bits; the others are reserved */
};

/*
 * The outer headers and the Ethernet header inside, which come and go together.
 * Two bytes in front align every field, so that the headers can be built and
 * read on the stack, where the verifier allows no unaligned access.
 */
struct outer4 {
	__u16 pad;
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	struct vxlan vxlan;
	struct ethhdr inner;
};

struct outer6 {
	__u16 pad;
	struct ethhdr eth;
	struct ipv6hdr ip;
	struct udphdr udp;
	struct vxlan vxlan;
	struct ethhdr inner;
};

/* Bytes of the outer headers: what a frame grows by. */
#define OUTER4_LENGTH (offsetof(struct outer4, inner) - offsetof(struct outer4, eth))
#define OUTER6_LENGTH (offsetof(struct outer6, inner) - offsetof(struct outer6, eth))
_Static_assert(OUTER4_LENGTH == 50 && OUTER6_LENGTH == 70, "nothing but headers");

/* Not in the headers that the oldest supported build has: 6.3 and bpf-next of 2026. */
#define ADJ_ROOM_DECAP_L3_IPV4 (1ULL << 7)
#define ADJ_ROOM_DECAP_L3_IPV6 (1ULL << 8)
#define ADJ_ROOM_DECAP_L4_UDP (1ULL << 10)

/*
 * Make the kernel read the EtherType of the frame again, and take its VLAN tag
 * out of the data if it has one: what eth_type_trans and skb_vlan_untag would
 * do, and no helper does. A tag that is pushed twice is put into the data once;
 * to take that one out again, skb_vlan_pop reads the type behind it.
 */
static __always_inline long frame_retype(struct __sk_buff *skb)
{
	long error;

	error = bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), 0);
	if (!error)
		error = bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), 0);
	if (!error)
		error = bpf_skb_vlan_pop(skb);
	if (!error)
		error = bpf_skb_vlan_pop(skb);
	return error;
}

#endif
