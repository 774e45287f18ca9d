/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The source lock for IPv4 and ARP, and the prefixes that both families share. */
#ifndef SOURCE4_H
#define SOURCE4_H

#include "report.h"

#undef HERE
#define HERE FILE_SOURCE4

/* IP_MF and the offset: set in all fragments but not in whole packets (RFC 791, 3.1). */
#define IP4_FRAGMENT 0x3fff
#define DHCP_CLIENT_PORT 68
#define DHCP_SERVER_PORT 67

/*
 * Is the address in one of the further prefixes of the endpoint? An entry of nobody's
 * keeps IPv4, in the form of the table, out of an IPv6 prefix that contains that.
 */
static __noinline bool source_prefix(struct endpoint *ep, struct in6_addr *ip)
{
	struct prefix_key key;
	struct prefix *prefix;

	if (!(ep->flags & ENDPOINT_PREFIXES))
		return false;
	key.prefixlen = 8 * (sizeof(key) - sizeof(key.prefixlen));
	key.endpoint = ep->id;
	__builtin_memcpy(key.ip, ip, sizeof(key.ip));
	prefix = bpf_map_lookup_elem(&dp_prefix_v1, &key);
	return prefix && prefix->endpoint;
}

static __always_inline bool source_owns_ip4(struct endpoint *ep, __be32 ip4)
{
	struct in6_addr mapped;

	if (ep->flags & ENDPOINT_IP4 && ip4 == ep->ip4)
		return true;
	ip4_map(&mapped, ip4);
	return source_prefix(ep, &mapped);
}

static __always_inline int source_check_ip4(struct __sk_buff *skb, struct endpoint *ep,
					    __u32 offset)
{
	struct iphdr ip4;
	__be16 ports[2];

	if (!load(skb, offset, &ip4, sizeof(ip4)) || ip4.version != 4)
		return drop(skb, ep, REASON_MALFORMED, 0);
	if (source_owns_ip4(ep, ip4.saddr))
		return CONTINUE;

	/* A host with no address yet may ask for one, and say nothing else (RFC 2131, 4.1). */
	if (ip4.saddr || ip4.protocol != IPPROTO_UDP || ip4.frag_off & bpf_htons(IP4_FRAGMENT))
		return drop(skb, ep, REASON_SOURCE_IP4, 0);
	if (!load(skb, offset + ip4.ihl * 4, ports, sizeof(ports)))
		return drop(skb, ep, REASON_MALFORMED, 0);
	if (ports[0] != bpf_htons(DHCP_CLIENT_PORT) || ports[1] != bpf_htons(DHCP_SERVER_PORT))
		return drop(skb, ep, REASON_SOURCE_IP4, 0);
	return CONTINUE;
}

static __always_inline int source_check_arp(struct __sk_buff *skb, struct endpoint *ep,
					    __u32 offset)
{
	struct arp_packet arp;

	if (!load(skb, offset, &arp, sizeof(arp)))
		return drop(skb, ep, REASON_MALFORMED, 0);
	/*
	 * The kernel's arp_process takes hardware type 6 for Ethernet, too; no
	 * sender needs it, so only the common form may pass.
	 */
	if (!arp_is_ethernet_ip4(&arp) || !mac_equal(arp.sender_mac, ep->mac))
		return drop(skb, ep, REASON_SOURCE_ARP, 0);
	/* A probe names no sender (RFC 5227, 2.1.1). */
	if (!arp.sender_ip && arp.operation == bpf_htons(ARP_REQUEST))
		return CONTINUE;
	if (!source_owns_ip4(ep, arp.sender_ip))
		return drop(skb, ep, REASON_SOURCE_ARP, 0);
	return CONTINUE;
}

#endif
