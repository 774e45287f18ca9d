// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * Decapsulation in XDP: runs in the underlay's driver, so that GRO merges the inner
 * frames as if they had come without a tunnel. The values of the outer headers are left
 * as metadata in front of the frame, for underlay.bpf.c. The metadata also keeps GRO
 * from merging frames of different networks.
 *
 * An invalid packet is passed on unchanged: underlay.bpf.c checks it again and
 * counts the reason.
 */
#include "decap/match.h"
#include "wire/ecn.h"
#include "wire/mac.h"

char LICENSE[] SEC("license") = "GPL";

/* A pointer to headers in the packet; NULL if the packet is too short for them. */
static __always_inline void *at(struct xdp_md *ctx, __u32 offset, __u32 size)
{
	void *data = (void *)(long)ctx->data + offset;

	return data + size <= (void *)(long)ctx->data_end ? data : NULL;
}

CHECKSUM_RIGHT(checksum_right_xdp, struct xdp_md, bpf_xdp_load_bytes, 256)

static __always_inline bool decap_xdp_match(struct xdp_md *ctx, const struct underlay *underlay,
					    bool ip6, __u32 overhead, struct tunnel *tunnel)
{
	__u32 bytes = bpf_xdp_get_buff_len(ctx) - ETH_HLEN;
	struct ethhdr *eth = at(ctx, 0, overhead + ETH_HLEN);
	void *ip = (void *)(eth + 1);

	/* Another MAC is foreign, or the device's MAC has been changed: TC can tell. */
	if (!eth || !mac_equal(eth->h_dest, underlay->mac))
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
	/*
	 * Padding behind the frame would make it longer. And if there is an outer UDP
	 * checksum, the kernel may have noted it as verified or still to be computed, and
	 * would apply that to the inner checksum after the header is removed.
	 */
	return !tunnel->reason && !tunnel->checksum && tunnel->length == bytes + ETH_HLEN;
}

/* Is the checksum at `offset` yet to be computed? Then it is the sum of the pseudo header. */
static __always_inline bool decap_xdp_partial(struct xdp_md *ctx, const struct underlay *underlay,
					      __u32 offset, __u32 pseudo)
{
	__u16 check;

	return underlay->decap & DECAP_VETH &&
	       !bpf_xdp_load_bytes(ctx, offset, &check, sizeof(check)) &&
	       check == checksum_fold(pseudo);
}

/* Where the checksum is in the header of TCP (RFC 9293, 3.1), and how long that is at least. */
#define TCP_CHECKSUM 16
#define TCP_HLEN 20

/*
 * The kernel trusts the driver's report on checksums, which is about the outer ones,
 * and they are about to be removed. So only packets that GRO merges are decapsulated
 * here, and only with a correct inner checksum. All others are left to TC, where the
 * kernel's state of checksums can be corrected.
 */
static __always_inline bool decap_xdp_verify(struct xdp_md *ctx, const struct underlay *underlay,
					     __u32 overhead, const struct tunnel *tunnel)
{
	__u32 offset = overhead + ETH_HLEN, length, pseudo, header;
	union {
		struct iphdr v4;
		struct ipv6hdr v6;
	} ip;
	struct ethhdr *eth = at(ctx, overhead, ETH_HLEN);

	if (!eth)
		return false;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		if (bpf_xdp_load_bytes(ctx, offset, &ip.v4, sizeof(ip.v4)))
			return false;
		header = ip.v4.ihl * 4;
		length = bpf_ntohs(ip.v4.tot_len);
		if (ip.v4.protocol != IPPROTO_TCP || header < sizeof(ip.v4) || length < header ||
		    ip.v4.frag_off & bpf_htons(IP4_MF | IP4_OFFSET))
			return false;
		length -= header;
		pseudo = checksum_pseudo4(&ip.v4, length, IPPROTO_TCP);
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		if (bpf_xdp_load_bytes(ctx, offset, &ip.v6, sizeof(ip.v6)))
			return false;
		header = sizeof(ip.v6);
		length = bpf_ntohs(ip.v6.payload_len);
		if (ip.v6.nexthdr != IPPROTO_TCP)
			return false;
		pseudo = checksum_pseudo6(&ip.v6, length, IPPROTO_TCP);
	} else {
		return false;
	}
	offset += header;
	if (length < TCP_HLEN || offset + length > tunnel->length)
		return false;
	return decap_xdp_partial(ctx, underlay, offset + TCP_CHECKSUM, pseudo) ||
	       checksum_right_xdp(ctx, offset, length, pseudo);
}

/* Copy congestion marks to the inner packet; false: impossible, or the packet's head is too short. */
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

/* Does the frame inside have a tag? One that TC sees must be the device's own. */
static __always_inline bool decap_xdp_tagged(struct xdp_md *ctx, __u32 overhead)
{
	struct ethhdr *eth = at(ctx, overhead, ETH_HLEN);

	return !eth || protocol_is_tag(eth->h_proto);
}

/* Write the metadata for TC in front of the packet; false: there is no room. */
static __always_inline bool decap_xdp_meta(struct xdp_md *ctx, __u32 network, __u32 node)
{
	struct tunnel_meta *meta = (void *)(long)ctx->data_meta;

	if ((void *)(meta + 1) > (void *)(long)ctx->data)
		return false;
	meta->magic = TUNNEL_META;
	meta->network = network;
	meta->node = node;
	return true;
}

/* Remove the outer headers, or leave the packet as it is. */
static __always_inline void decap_xdp(struct xdp_md *ctx, const struct underlay *underlay)
{
	bool ip6 = underlay->flags & UNDERLAY_IP6;
	__u32 overhead = ip6 ? OUTER6_LENGTH : OUTER4_LENGTH;
	struct tunnel tunnel;

	if (ip6 ? !decap_xdp_match(ctx, underlay, true, OUTER6_LENGTH, &tunnel) :
		  !decap_xdp_match(ctx, underlay, false, OUTER4_LENGTH, &tunnel))
		return;
	if (!decap_network(&tunnel) || !decap_node(&tunnel) || decap_xdp_tagged(ctx, overhead))
		return;
	if (underlay->decap & DECAP_VERIFY && !decap_xdp_verify(ctx, underlay, overhead, &tunnel))
		return;
	/* First what a driver may lack, while the packet is still whole. */
	if (!(underlay->decap & DECAP_VETH) &&
	    bpf_xdp_adjust_meta(ctx, -(int)(sizeof(struct tunnel_meta) + redirect_flags))) {
		count_reason(REASON_NO_META, 1, bpf_xdp_get_buff_len(ctx));
		return;
	}
	if (!decap_xdp_meta(ctx, 0, 0))
		return;
	if (!decap_xdp_ecn(ctx, overhead, &tunnel) || bpf_xdp_adjust_head(ctx, overhead))
		return;
	decap_xdp_meta(ctx, tunnel.network, tunnel.node);
}

SEC("xdp.frags")
int decap(struct xdp_md *ctx)
{
	struct underlay *underlay = underlay_find();

	if (!underlay || !(underlay->decap & DECAP_XDP))
		return XDP_PASS;
	if (underlay->decap & DECAP_VETH) {
		/* Foreign metadata there would be mistaken for ours. */
		if (bpf_xdp_adjust_meta(ctx, -(int)(sizeof(struct tunnel_meta) + redirect_flags)))
			return XDP_PASS;
		decap_xdp_meta(ctx, 0, 0);
	}
	decap_xdp(ctx, underlay);
	return XDP_PASS;
}
