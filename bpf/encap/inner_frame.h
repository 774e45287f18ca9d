/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The properties of a frame that the outer headers depend on. */
#ifndef ENCAP_INNER_FRAME_H
#define ENCAP_INNER_FRAME_H

#include "report.h"
#include "wire/ecn.h"
#include "wire/ip.h"
#include "wire/vxlan.h"

/* Source ports, by the flow inside (RFC 7348, 5), from which networks tell flows apart. */
#define ENCAP_PORT_FIRST 49152
#define ENCAP_PORTS 16384

struct encap_frame {
	__u16 pad; /* aligns what follows */
	struct ethhdr eth;
	union { /* of an IP frame */
		struct iphdr ip4;
		struct ipv6hdr ip6;
	};
	__be32 ports; /* of what has some right behind the IP header, else 0 */
	__u8 class; /* traffic class of an IP frame, else 0 */
	__u8 transport; /* protocol of an IP frame, else 0 */
	__u16 network; /* bytes of its IP header, else 0 */
};

/* The outermost tag is not in the data. An IP header behind a second tag is not parsed. */
static __always_inline bool encap_read(struct __sk_buff *skb, struct encap_frame *frame)
{
	__u32 end;

	frame->ports = 0;
	frame->class = 0;
	frame->network = 0;
	frame->transport = 0;
	/* An IP header of either family is at least that long. */
	if (!load(skb, 0, &frame->eth, sizeof(frame->eth) + sizeof(frame->ip4)))
		return load(skb, 0, &frame->eth, sizeof(frame->eth));
	if (frame->eth.h_proto == bpf_htons(ETH_P_IP)) {
		frame->class = frame->ip4.tos;
		frame->network = frame->ip4.ihl * 4;
		frame->transport = frame->ip4.protocol;
		end = ip4_end(skb, &frame->ip4, ETH_HLEN);
		/* All fragments take the same path, and only the first has ports. */
		if (frame->ip4.frag_off & bpf_htons(IP4_MF | IP4_OFFSET))
			return true;
	} else if (frame->eth.h_proto == bpf_htons(ETH_P_IPV6)) {
		if (!load(skb, ETH_HLEN, &frame->ip6, sizeof(frame->ip6)))
			return true;
		frame->class = ip6_class(&frame->ip6);
		frame->network = sizeof(frame->ip6);
		frame->transport = frame->ip6.nexthdr;
		end = ip6_end(skb, &frame->ip6, ETH_HLEN);
	} else {
		return true;
	}
	if (frame->transport == IPPROTO_TCP || frame->transport == IPPROTO_UDP)
		load_within(skb, ETH_HLEN + frame->network, &frame->ports, sizeof(frame->ports),
			    end);
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

static __always_inline __u32 encap_mix(__u32 hash, __u32 word)
{
	/* The golden ratio in 32 bits, as in the kernel's hash_32. */
	hash = (hash ^ word) * 0x9e3779b1;
	return hash ^ hash >> 15;
}

/*
 * The source port. Sockets have set the hash of their flows (TCP always); for others
 * the kernel would dissect the packet once more, at ten times the cost.
 */
static __always_inline __be16 encap_port(struct __sk_buff *skb, const struct encap_frame *frame)
{
	const __u32 *ip6 = frame->ip6.saddr.s6_addr32;
	const __u16 *macs = (const __u16 *)&frame->eth;
	__u32 hash = skb->hash;
	int i;

	if (!hash) {
		hash = encap_mix(frame->transport, frame->ports);
		if (frame->eth.h_proto == bpf_htons(ETH_P_IP)) {
			hash = encap_mix(hash, frame->ip4.saddr);
			hash = encap_mix(hash, frame->ip4.daddr);
		} else if (frame->network) {
#pragma unroll
			for (i = 0; i < 8; i++)
				hash = encap_mix(hash, ip6[i]);
		} else {
#pragma unroll
			for (i = 0; i < 6; i++)
				hash = encap_mix(hash, macs[i]);
		}
	}
	return bpf_htons(ENCAP_PORT_FIRST + ((hash ^ hash >> 16) % ENCAP_PORTS));
}

/* The traffic class outside; congestion marks are copied (RFC 6040, 4.1, normal mode). */
static __always_inline __u8 encap_class(const struct underlay *underlay,
					const struct encap_frame *frame)
{
	if (underlay->flags & UNDERLAY_DSCP)
		return frame->class;
	return underlay->dscp << 2 | (frame->class & ECN_MASK);
}

#endif
