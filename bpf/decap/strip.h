/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Remove the outer headers with bpf_skb_adjust_room. */
#ifndef DECAP_STRIP_H
#define DECAP_STRIP_H

#include "decap/inner_frame.h"

/*
 * The decapsulation flags that this kernel's adjust_room supports, set when loaded:
 * BPF_F_ADJ_ROOM_DECAP_L3_* (6.3), without which a packet of the other family than
 * the underlay keeps its type, and BPF_F_ADJ_ROOM_DECAP_L4_UDP, which clears the
 * tunnel mark of segments.
 */
const volatile __u64 decap_flags = 0;

/*
 * Remove the outer headers. The frame is then as if it had just arrived: the kernel's
 * count of verified checksums is one lower, and the type of the frame is set.
 */
static __always_inline long decap_strip(struct __sk_buff *skb, const struct inbound *in, bool *typed)
{
	__u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET;
	__u32 shortest = in->overhead + ETH_HLEN;
	__u32 length = in->tunnel.length;
	long error;

	/*
	 * Bytes behind the frame would become a part of it. And adjust_room requires room
	 * for an IP header to remain, even without one: before 6.3, one of the outer
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

#endif
