/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Anti-spoofing at the host's own port. The host forwards what endpoints send through
 * their gateway under its own address (masquerading), and accepts ICMP errors about its
 * own packets. So two kinds of packets are refused:
 *
 * - VXLAN, which the host would forward to other nodes, or which the anchor's socket
 *   would take for another node's;
 * - ICMP errors about packets between nodes, which would narrow or redirect the path to
 *   those nodes for all endpoints of this one.
 *
 * Rules of nftables do the same behind address translation (src/datapath/nft/nft.ts).
 */
#ifndef ANTI_SPOOF_HOST_H
#define ANTI_SPOOF_HOST_H

#include "lookup.h"
#include "wire/icmp.h"
#include "wire/ip6_extensions.h"
#include "wire/nd.h"
#include "wire/vxlan.h"


/* Types of ICMP that quote a packet; of ICMPv6, all below the first query do. */
static __always_inline bool icmp4_quotes(__u8 type)
{
	return type == ICMP4_UNREACHABLE || type == ICMP4_SOURCE_QUENCH || type == ICMP4_REDIRECT ||
	       type == ICMP4_TIME_EXCEEDED || type == ICMP4_PARAMETER;
}

/* About a packet to another node? The kernel stores ICMP errors by destination. */
static __always_inline enum reason host_quoted(struct vtep_key *destination)
{
	return bpf_map_lookup_elem(&dp_vtep_v1, destination) ? REASON_FORGED_ERROR : REASON_UNSPEC;
}

static __always_inline enum reason host_error4(struct __sk_buff *skb, __u32 offset, __u32 end)
{
	struct vtep_key destination;
	__be32 daddr;
	__u8 type;

	if (!load_within(skb, offset, &type, sizeof(type), end))
		return REASON_MALFORMED;
	if (!icmp4_quotes(type))
		return REASON_UNSPEC;
	/* Too short for a quote, or the quote is in another fragment, which is not checked. */
	if (!load_within(skb, offset + sizeof(struct icmp_error) + offsetof(struct iphdr, daddr), &daddr,
			 sizeof(daddr), end))
		return REASON_MALFORMED;
	ip4_map((struct in6_addr *)destination.ip, daddr);
	return host_quoted(&destination);
}

static __always_inline enum reason host_error6(struct __sk_buff *skb, __u32 offset, __u32 end)
{
	struct vtep_key destination;
	__u8 type;

	if (!load_within(skb, offset, &type, sizeof(type), end))
		return REASON_MALFORMED;
	if (type == ND_REDIRECT)
		offset += offsetof(struct nd_redirect, destination);
	else if (type < ICMP6_INFORMATIONAL)
		offset += sizeof(struct icmp_error) + offsetof(struct ipv6hdr, daddr);
	else
		return REASON_UNSPEC;
	if (!load_within(skb, offset, destination.ip, sizeof(destination.ip), end))
		return REASON_MALFORMED;
	return host_quoted(&destination);
}

/* UDP to the port of VXLAN. A first fragment has the whole header: at least 8 bytes. */
static __always_inline enum reason host_udp(struct __sk_buff *skb, __u32 offset, __u32 end,
					     __be16 port)
{
	__be16 dest;

	if (!load_within(skb, offset + offsetof(struct udphdr, dest), &dest, sizeof(dest), end))
		return REASON_MALFORMED;
	return dest == port ? REASON_FORGED_VXLAN : REASON_UNSPEC;
}

/* Later fragments have no UDP or ICMP header, and cannot be reassembled without the first. */
static __always_inline enum reason host_ip4(struct __sk_buff *skb, __u32 offset, __be16 port,
					     bool group)
{
	struct iphdr ip;
	__u32 end;

	if (!load(skb, offset, &ip, sizeof(ip)) || ip.version != 4 ||
	    ip.frag_off & bpf_htons(IP4_OFFSET))
		return REASON_UNSPEC;
	if (group && ip4_is_group(ip.daddr))
		return REASON_UNSPEC;
	end = ip4_end(skb, &ip, offset);
	offset += ip.ihl * 4;
	if (ip.protocol == IPPROTO_UDP)
		return host_udp(skb, offset, end, port);
	return ip.protocol == IPPROTO_ICMP ? host_error4(skb, offset, end) : REASON_UNSPEC;
}

static __always_inline enum reason host_ip6(struct __sk_buff *skb, __u32 offset, __be16 port,
					     bool group)
{
	struct ip6_upper upper = {};
	enum reason reason;
	struct ipv6hdr ip;

	if (!load(skb, offset, &ip, sizeof(ip)) || ip.version != 6)
		return REASON_UNSPEC;
	if (group && ip6_is_multicast(&ip.daddr))
		return REASON_UNSPEC;
	upper.offset = offset + sizeof(ip);
	upper.protocol = ip.nexthdr;
	upper.end = ip6_end(skb, &ip, offset);
	reason = ip6_find_upper(skb, &upper);
	if (reason)
		return reason;
	if (upper.protocol == IPPROTO_UDP)
		return host_udp(skb, upper.offset, upper.end, port);
	return upper.protocol == IPPROTO_ICMPV6 ? host_error6(skb, upper.offset, upper.end) :
						  REASON_UNSPEC;
}

/*
 * Why a frame must not reach the host, or REASON_UNSPEC. group: the frame is to a layer 2
 * group, through which the host also accepts packets to its own address.
 */
int anti_spoof_host(struct __sk_buff *skb, bool group);

__noinline int anti_spoof_host(struct __sk_buff *skb, bool group)
{
	__u32 offset = offsetof(struct ethhdr, h_proto);
	struct underlay *underlay = underlay_find();
	__be16 protocol = 0;
	int i;

	if (!underlay)
		return REASON_UNSPEC;
	/* The outermost tag is not in the data; the host may have devices for two tags. */
	for (i = 0; i <= VLAN_TAGS_MAX; i++) {
		if (!load(skb, offset, &protocol, sizeof(protocol)))
			return REASON_MALFORMED;
		offset += sizeof(protocol);
		if (!protocol_is_tag(protocol))
			break;
		offset += VLAN_HLEN - sizeof(protocol);
	}
	if (protocol_is_tag(protocol))
		return REASON_HEADER_CHAIN;
	if (protocol == bpf_htons(ETH_P_IP))
		return host_ip4(skb, offset, underlay->port, group);
	if (protocol == bpf_htons(ETH_P_IPV6))
		return host_ip6(skb, offset, underlay->port, group);
	return REASON_UNSPEC;
}

#endif
