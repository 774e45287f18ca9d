/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* A frame that came through a tunnel, before and after its outer headers are removed. */
#ifndef DECAP_INNER_FRAME_H
#define DECAP_INNER_FRAME_H

#include "decap/match.h"

/* A frame that came through a tunnel. */
struct inbound {
	struct tunnel tunnel;
	struct ethhdr eth; /* of the inner frame */
	__u32 overhead; /* bytes of the outer headers; 0: XDP has removed them */
};

/* The end of the inner frame: bytes behind it are about to be cut off. */
static __always_inline __u32 decap_end(struct __sk_buff *skb, const struct inbound *in)
{
	__u32 end = skb->len;

	/*
	 * Otherwise clang merges the two loads (context and stack), which the verifier refuses.
	 */
	asm volatile("" : "+r"(end));
	if (in->overhead && !skb->gso_size)
		end = in->tunnel.length;
	return end;
}

/*
 * The EtherType behind the tags of the inner frame, or 0 if the headers are incomplete;
 * tags: their length in bytes. At most VLAN_TAGS_MAX tags are skipped.
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

#endif
