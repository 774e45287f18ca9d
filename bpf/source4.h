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

#define DHCP_BOOTREQUEST 1
#define ICMP4_REDIRECT 5
#define ICMP4_ROUTER_ADVERT 9
#define IP4_BITS 32
#define IP6_BITS 128

/* Who sent the frame: the endpoint itself, or a machine behind it that a static entry names. */
struct source_speaker {
	__u8 to[ETH_ALEN]; /* the MAC addresses of the frame */
	__u8 mac[ETH_ALEN];
	__u16 vlan; /* 0: in no VLAN, for a tag with VLAN 0 says nothing but a priority */
	__u16 tagged; /* how many tags there are */
} __attribute__((aligned(4)));

/*
 * Is a whole prefix in one of the further prefixes of the endpoint? An entry without an owner
 * keeps IPv4, in the form of the table, out of an IPv6 prefix that contains that. A function of
 * its own for the verifier, as are all that are not static: it is looked at once, and not again
 * in each state that leads to it.
 */
int source_prefix_whole(struct endpoint *ep, const struct in6_addr *ip, __u32 bits);

__noinline int source_prefix_whole(struct endpoint *ep, const struct in6_addr *ip, __u32 bits)
{
	struct prefix_key key;
	struct prefix *prefix;

	if (!ep || !ip || !(ep->flags & ENDPOINT_PREFIXES))
		return false;
	key.prefixlen = 8 * sizeof(key.endpoint) + bits;
	key.endpoint = ep->id;
	__builtin_memcpy(key.ip, ip, sizeof(key.ip));
	prefix = bpf_map_lookup_elem(&dp_prefix_v1, &key);
	return prefix && prefix->endpoint;
}

/* The same for one address. */
static __always_inline bool source_prefix(struct endpoint *ep, const struct in6_addr *ip)
{
	return source_prefix_whole(ep, ip, IP6_BITS);
}

static __always_inline bool source_owns_ip4(struct endpoint *ep, __be32 ip4)
{
	struct in6_addr mapped;

	if (ep->flags & ENDPOINT_IP4 && ip4 == ep->ip4)
		return true;
	ip4_map(&mapped, ip4);
	return source_prefix(ep, &mapped);
}

/* What asks for an address, from the UDP header to the client's MAC (RFC 2131, 2). */
struct dhcp_request {
	__be16 source;
	__be16 destination;
	__be16 length;
	__sum16 checksum;
	__u8 operation;
	__u8 hardware;
	__u8 hardware_length;
	__u8 skipped[25];
	__u8 client[ETH_ALEN];
	__u16 pad;
};

/* Bytes of a DHCP message without options (RFC 2131, 2), and of the UDP header. */
#define DHCP_LENGTH_MIN (8 + 236)

/*
 * A host with no address yet may ask everybody for one in its own name, and say nothing
 * else (RFC 2131, 4.1).
 */
static __always_inline enum reason source_check_dhcp(struct __sk_buff *skb, const struct iphdr *ip4,
						     const struct source_speaker *speaker,
						     __u32 offset, __u32 end)
{
	struct dhcp_request request;

	if (ip4->protocol != IPPROTO_UDP || ip4->frag_off & bpf_htons(IP4_FRAGMENT) ||
	    ip4->daddr != bpf_htonl(0xffffffff) || !mac_is_group(speaker->to))
		return REASON_SOURCE_IP4;
	offset += ip4->ihl * 4;
	if (!load_within(skb, offset, &request, offsetof(struct dhcp_request, pad), end))
		return REASON_MALFORMED;
	if (request.source != bpf_htons(DHCP_CLIENT_PORT) ||
	    request.destination != bpf_htons(DHCP_SERVER_PORT))
		return REASON_SOURCE_IP4;
	if (bpf_ntohs(request.length) < DHCP_LENGTH_MIN ||
	    offset + bpf_ntohs(request.length) > end)
		return REASON_MALFORMED;
	if (request.operation != DHCP_BOOTREQUEST || request.hardware != ARP_HARDWARE_ETHERNET ||
	    request.hardware_length != ETH_ALEN || !mac_equal(request.client, speaker->mac))
		return REASON_SOURCE_IP4;
	return REASON_UNSPEC;
}

/*
 * A redirect (RFC 792) changes where others send what is for the destination that it quotes,
 * a router advertisement (RFC 1256) where they send everything: only from whom that was allowed.
 */
static __always_inline enum reason source_check_icmp4(struct __sk_buff *skb, struct endpoint *ep,
						      const struct iphdr *ip4, __u32 offset,
						      __u32 end)
{
	struct in6_addr mapped;
	__be32 quoted;
	__u8 type;

	if (ip4->frag_off & bpf_htons(IP4_FRAGMENT & ~0x2000))
		return REASON_UNSPEC;
	offset += ip4->ihl * 4;
	if (!load_within(skb, offset, &type, sizeof(type), end))
		return REASON_MALFORMED;
	if (type != ICMP4_REDIRECT && type != ICMP4_ROUTER_ADVERT)
		return REASON_UNSPEC;
	if (type == ICMP4_ROUTER_ADVERT) {
		ip4_map(&mapped, 0);
		return source_prefix_whole(ep, &mapped, IP6_BITS - IP4_BITS) ? REASON_UNSPEC :
									       REASON_SOURCE_ICMP;
	}
	/* The destination of the packet that is quoted behind the header of 8 bytes. */
	offset += 8 + offsetof(struct iphdr, daddr);
	if (!load_within(skb, offset, &quoted, sizeof(quoted), end))
		return REASON_MALFORMED;
	ip4_map(&mapped, quoted);
	return source_prefix(ep, &mapped) ? REASON_UNSPEC : REASON_SOURCE_ICMP;
}

static __always_inline int source_check_ip4(struct __sk_buff *skb, struct endpoint *ep,
					    const struct source_speaker *speaker, __u32 offset)
{
	enum reason reason = REASON_UNSPEC;
	struct iphdr ip4;
	__u32 end;

	if (!load(skb, offset, &ip4, sizeof(ip4)) || ip4.version != 4 ||
	    ip4.ihl * 4 < sizeof(ip4))
		return drop(skb, ep, REASON_MALFORMED, 0);
	end = ip4_end(skb, &ip4, offset);
	if (!source_owns_ip4(ep, ip4.saddr))
		reason = ip4.saddr ? REASON_SOURCE_IP4 :
				     source_check_dhcp(skb, &ip4, speaker, offset, end);
	else if (ip4.protocol == IPPROTO_ICMP)
		reason = source_check_icmp4(skb, ep, &ip4, offset, end);
	if (reason)
		return drop(skb, ep, reason, 0);
	return CONTINUE;
}

static __always_inline int source_check_arp(struct __sk_buff *skb, struct endpoint *ep,
					    const struct source_speaker *speaker, __u32 offset)
{
	struct arp_packet arp;

	if (!load(skb, offset, &arp, sizeof(arp)))
		return drop(skb, ep, REASON_MALFORMED, 0);
	/*
	 * The kernel's arp_process takes hardware type 6 for Ethernet, too; no
	 * sender needs it, so only the common form may pass.
	 */
	if (!arp_is_ethernet_ip4(&arp) || !mac_equal(arp.sender_mac, speaker->mac))
		return drop(skb, ep, REASON_SOURCE_ARP, 0);
	/* A probe names no sender (RFC 5227, 2.1.1). */
	if (!arp.sender_ip && arp.operation == bpf_htons(ARP_REQUEST))
		return CONTINUE;
	if (!source_owns_ip4(ep, arp.sender_ip))
		return drop(skb, ep, REASON_SOURCE_ARP, 0);
	return CONTINUE;
}

#endif
