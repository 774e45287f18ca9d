/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* A frame that came through a tunnel, before and after its outer headers are removed. */
#ifndef DECAP_INNER_FRAME_H
#define DECAP_INNER_FRAME_H

#include "decap/match.h"

/* A frame that came through a tunnel. */
struct inbound {
	struct tunnel tunnel;
	struct ethhdr eth; /* of the frame inside */
	__u32 overhead; /* bytes of the outer headers; 0: XDP has removed them */
};

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

#endif
