/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Congestion marks of the outer header are copied to the inner packet. */
#ifndef DECAP_CONGESTION_H
#define DECAP_CONGESTION_H

#include "decap/inner_frame.h"
#include "wire/ecn.h"

/* A congestion mark to write to the inner packet. */
struct decap_mark {
	__u32 tags; /* bytes of the Ethernet header and tags before the IP header */
	__be16 protocol; /* its EtherType */
	__be16 word; /* the first word of the IP header, with the mark */
};

/* Apply the outer congestion mark; only IP has a field for it. -1: the packet must be dropped. */
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

/* Write the first word of the IP header. The rest of the header stays correct. */
static __always_inline long decap_store_ecn(struct __sk_buff *skb, const struct decap_mark *mark)
{
	/* The outermost tag is outside the data by now, unless the frame could not be retyped. */
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

#endif
