/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* "Fragmentation needed" (RFC 792; the MTU in it: RFC 1191, 4). */
#ifndef PATH_MTU_ICMP4_H
#define PATH_MTU_ICMP4_H

#include "encap/inner_frame.h"
#include "path_mtu/quote.h"
#include "wire/checksum.h"
#include "wire/icmp.h"

#define IP4_TTL 64

struct pmtu4 {
	__u16 pad;
	struct ethhdr eth;
	struct iphdr ip;
	struct icmp_error error;
};

/*
 * Never about an error or a later fragment, nor to an address that is no single host's
 * (RFC 1122, 3.2.2). DF may be clear: no router fragments here, but the sender does once it
 * knows the MTU (Linux heeds the error all the same).
 */
static __always_inline bool pmtu_may_tell4(struct __sk_buff *skb, const struct encap_frame *frame)
{
	__u8 type = 0;

	if (frame->ip4.frag_off & bpf_htons(IP4_OFFSET) || !frame->ip4.saddr ||
	    ip4_is_group(frame->ip4.saddr) || frame->network < sizeof(frame->ip4))
		return false;
	if (frame->transport != IPPROTO_ICMP)
		return true;
	return load_within(skb, ETH_HLEN + frame->network, &type, sizeof(type),
			   ip4_end(skb, &frame->ip4, ETH_HLEN)) &&
	       (type == ICMP4_ECHO_REQUEST || type == ICMP4_ECHO_REPLY);
}

/* Turn the frame into the error. */
static __always_inline long pmtu_tell4(struct __sk_buff *skb, const struct encap_frame *frame,
				       __u32 mtu)
{
	struct pmtu4 answer = {
		.eth = { .h_proto = bpf_htons(ETH_P_IP) },
		.ip = {
			.version = 4,
			.ihl = 5,
			.tot_len = bpf_htons(sizeof(answer) - offsetof(struct pmtu4, ip) + PMTU_QUOTE),
			.frag_off = bpf_htons(IP4_DF),
			.ttl = IP4_TTL,
			.protocol = IPPROTO_ICMP,
			.saddr = frame->ip4.daddr,
			.daddr = frame->ip4.saddr,
		},
		.error = {
			.icmp = {
				.type = ICMP4_UNREACHABLE,
				.code = ICMP4_FRAGMENTATION_NEEDED,
			},
			/* In the lower half; the upper one is unused (RFC 1191, 4). */
			.data = bpf_htonl(mtu & 0xffff),
		},
	};
	__u32 added = sizeof(answer) - offsetof(struct pmtu4, ip);
	__s64 sum = pmtu_quote(skb);
	long error;

	if (sum < 0)
		return sum;
	mac_copy(answer.eth.h_dest, frame->eth.h_source);
	mac_copy(answer.eth.h_source, frame->eth.h_dest);
	answer.ip.check = checksum_header4(&answer.ip);
	answer.error.icmp.checksum =
		pmtu_fold(sum + bpf_htons(ICMP4_UNREACHABLE << 8 | ICMP4_FRAGMENTATION_NEEDED) +
			  answer.error.data);
	error = bpf_skb_change_head(skb, added, 0);
	if (error)
		return error;
	return bpf_skb_store_bytes(skb, 0, &answer.eth, ETH_HLEN + added, BPF_F_INVALIDATE_HASH);
}

#endif
