// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * Removes the outer headers before the kernel has made a packet of the frame:
 * runs in the underlay's driver, which then merges the frames inside (GRO) as if
 * they had come without a tunnel. What the headers said is left in front of the
 * frame, where underlay.bpf.c finds it, and where it keeps GRO from merging
 * frames of different networks.
 *
 * Whatever is not entirely right is passed on as it is: underlay.bpf.c looks at
 * it again and has a reason for it.
 */
#include "maps.h"
#include "packet.h"
#include "decap_match.h"
#include "ecn.h"

char LICENSE[] SEC("license") = "GPL";

/* The headers of the packet, in the packet; NULL where it is too short for them. */
static __always_inline void *at(struct xdp_md *ctx, __u32 offset, __u32 size)
{
	void *data = (void *)(long)ctx->data + offset;

	return data + size <= (void *)(long)ctx->data_end ? data : NULL;
}

static __always_inline bool decap_xdp_match(struct xdp_md *ctx, const struct underlay *underlay,
					    bool ip6, __u32 overhead, struct tunnel *tunnel)
{
	__u32 bytes = bpf_xdp_get_buff_len(ctx) - ETH_HLEN;
	struct ethhdr *eth = at(ctx, 0, overhead + ETH_HLEN);
	void *ip = (void *)(eth + 1);

	if (!eth)
		return false;
	if (ip6) {
		struct ipv6hdr *header = ip;
		struct udphdr *udp = (void *)(header + 1);

		if (eth->h_proto != bpf_htons(ETH_P_IPV6) ||
		    !decap_match6(underlay, header, udp, (void *)(udp + 1), bytes, tunnel))
			return false;
	} else {
		struct iphdr *header = ip;
		struct udphdr *udp = (void *)(header + 1);

		if (eth->h_proto != bpf_htons(ETH_P_IP) ||
		    !decap_match4(underlay, header, udp, (void *)(udp + 1), bytes, tunnel))
			return false;
	}
	/* Padding behind the frame would make it longer. */
	return !tunnel->reason && tunnel->length == bytes + ETH_HLEN;
}

/* Marks of congestion go inside; false: they cannot, or the packet's head is too short to tell. */
static __always_inline bool decap_xdp_ecn(struct xdp_md *ctx, __u32 overhead,
					  const struct tunnel *tunnel)
{
	struct ethhdr *eth;
	struct iphdr *ip;
	__be16 *word, old;
	bool ip6;
	int ecn;

	if (!(tunnel->class & ECN_MASK))
		return true;
	eth = at(ctx, overhead, ETH_HLEN + sizeof(*ip));
	if (!eth)
		return false;
	/* ECT(0) outside changes nothing inside; all else behind a tag is for TC to look. */
	if (protocol_is_tag(eth->h_proto))
		return (tunnel->class & ECN_MASK) == ECN_ECT_0;
	if (!protocol_is_ip(eth->h_proto))
		return true;
	ip6 = eth->h_proto == bpf_htons(ETH_P_IPV6);
	ip = (void *)(eth + 1);
	word = (__be16 *)ip;
	old = *word;
	ecn = ecn_combine(tunnel->class, ecn_of_word(old, ip6));
	if (ecn < 0)
		return false;
	if (ecn == ecn_of_word(old, ip6))
		return true;
	*word = ecn_set_word(old, ip6, ecn);
	if (!ip6)
		ip->check = ecn_checksum(ip->check, old, *word);
	return true;
}

SEC("xdp.frags")
int decap(struct xdp_md *ctx)
{
	struct underlay *underlay = underlay_find();
	struct tunnel_meta *meta;
	struct tunnel tunnel;
	__u32 overhead;
	bool ip6;

	if (!underlay)
		return XDP_PASS;
	ip6 = underlay->flags & UNDERLAY_IP6;
	overhead = ip6 ? OUTER6_LENGTH : OUTER4_LENGTH;
	if (ip6 ? !decap_xdp_match(ctx, underlay, true, OUTER6_LENGTH, &tunnel) :
		  !decap_xdp_match(ctx, underlay, false, OUTER4_LENGTH, &tunnel))
		return XDP_PASS;
	if (!decap_network(&tunnel) || !decap_node(&tunnel))
		return XDP_PASS;
	/* First what a driver may lack, while the packet is still whole. */
	if (bpf_xdp_adjust_meta(ctx, -(int)(sizeof(*meta) + redirect_flags))) {
		count_reason(REASON_NO_META, 1, bpf_xdp_get_buff_len(ctx));
		return XDP_PASS;
	}
	meta = (void *)(long)ctx->data_meta;
	if ((void *)(meta + 1) > (void *)(long)ctx->data)
		return XDP_PASS;
	meta->magic = 0;
	if (!decap_xdp_ecn(ctx, overhead, &tunnel) || bpf_xdp_adjust_head(ctx, overhead))
		return XDP_PASS;
	meta = (void *)(long)ctx->data_meta;
	if ((void *)(meta + 1) > (void *)(long)ctx->data)
		return XDP_PASS;
	meta->magic = TUNNEL_META;
	meta->network = tunnel.network;
	meta->node = tunnel.node;
	return XDP_PASS;
}
