/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* "Packet too big" (RFC 4443, 3.2). */
#ifndef PATH_MTU_ICMP6_H
#define PATH_MTU_ICMP6_H

#include "path_mtu/quote.h"
#include "wire/icmp.h"

#define IP6_HOP_LIMIT 64

struct pmtu6 {
	__u16 pad;
	struct ethhdr eth;
	struct ipv6hdr ip;
	struct icmp_error error;
};

/*
 * Never about an error, nor to an address that is no single host's (RFC 4443, 2.4 (e)).
 * Headers behind extension headers are not checked.
 */
static __always_inline bool pmtu_may_tell6(struct __sk_buff *skb, const struct encap_frame *frame)
{
	__u8 type = 0;

	if (ip6_is_unspecified(&frame->ip6.saddr) || ip6_is_multicast(&frame->ip6.saddr))
		return false;
	if (frame->transport != IPPROTO_ICMPV6)
		return true;
	return load_within(skb, ETH_HLEN + frame->network, &type, sizeof(type),
			   ip6_end(skb, &frame->ip6, ETH_HLEN)) &&
	       type >= ICMP6_INFORMATIONAL;
}

/* Turn the frame into the error. */
static __always_inline long pmtu_tell6(struct __sk_buff *skb, const struct encap_frame *frame,
				       __u32 mtu)
{
	struct pmtu6 answer = {
		.eth = { .h_proto = bpf_htons(ETH_P_IPV6) },
		.ip = {
			.version = 6,
			.payload_len = bpf_htons(sizeof(answer.error) + PMTU_QUOTE),
			.nexthdr = IPPROTO_ICMPV6,
			.hop_limit = IP6_HOP_LIMIT,
		},
		.error = { .icmp = { .type = ICMP6_TOO_BIG }, .data = bpf_htonl(mtu) },
	};
	__u32 added = sizeof(answer.ip) + sizeof(answer.error);
	struct ip6_pseudo pseudo = {
		.source = frame->ip6.daddr,
		.destination = frame->ip6.saddr,
		.length = bpf_htonl(sizeof(answer.error) + PMTU_QUOTE),
		.protocol = bpf_htonl(IPPROTO_ICMPV6),
	};
	long error;
	__s64 sum;

	sum = pmtu_quote(skb);
	if (sum < 0)
		return sum;
	mac_copy(answer.eth.h_dest, frame->eth.h_source);
	mac_copy(answer.eth.h_source, frame->eth.h_dest);
	answer.ip.saddr = pseudo.source;
	answer.ip.daddr = pseudo.destination;
	sum = bpf_csum_diff(NULL, 0, (void *)&pseudo, sizeof(pseudo), sum);
	answer.error.icmp.checksum =
		pmtu_fold(bpf_csum_diff(NULL, 0, (void *)&answer.error, sizeof(answer.error), sum));
	error = bpf_skb_change_head(skb, added, 0);
	if (error)
		return error;
	return bpf_skb_store_bytes(skb, 0, &answer.eth, ETH_HLEN + added, BPF_F_INVALIDATE_HASH);
}

#endif
