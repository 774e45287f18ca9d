/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* IPv4 and IPv6: addresses, lengths, fragments. */
#ifndef WIRE_IP_H
#define WIRE_IP_H

#include "packet.h"

/* Flags and offset of IPv4 fragments (RFC 791, 3.1). */
#define IP4_DF 0x4000
#define IP4_MF 0x2000
#define IP4_OFFSET 0x1fff

#define IP4_BITS 32
#define IP6_BITS 128

/* The end of a packet whose header is at offset. BIG TCP packets have a length of 0. */
static __always_inline __u32 ip4_end(struct __sk_buff *skb, const struct iphdr *ip, __u32 offset)
{
	return !ip->tot_len && skb->gso_size ? skb->len : offset + bpf_ntohs(ip->tot_len);
}

static __always_inline __u32 ip6_end(struct __sk_buff *skb, const struct ipv6hdr *ip, __u32 offset)
{
	return !ip->payload_len && skb->gso_size ?
		       skb->len :
		       offset + sizeof(*ip) + bpf_ntohs(ip->payload_len);
}

/* 224.0.0.0 and above: groups, and the broadcast address. */
static __always_inline bool ip4_is_group(__be32 ip)
{
	return bpf_ntohl(ip) >= 0xe0000000;
}

/* IPv4 as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2), the form of the tables. */
static __always_inline void ip4_map(struct in6_addr *to, __be32 ip4)
{
	to->s6_addr32[0] = 0;
	to->s6_addr32[1] = 0;
	to->s6_addr32[2] = bpf_htonl(0xffff);
	to->s6_addr32[3] = ip4;
}

static __always_inline bool ip6_equal(const void *a, const void *b)
{
	const __u32 *x = a, *y = b;

	return x[0] == y[0] && x[1] == y[1] && x[2] == y[2] && x[3] == y[3];
}

static __always_inline bool ip6_is_unspecified(const struct in6_addr *ip)
{
	return !(ip->s6_addr32[0] | ip->s6_addr32[1] | ip->s6_addr32[2] | ip->s6_addr32[3]);
}

static __always_inline bool ip6_is_multicast(const struct in6_addr *ip)
{
	return ip->s6_addr[0] == 0xff;
}

/* Of an address in the form of the tables, ::ffff:a.b.c.d. */
static __always_inline __be32 ip4_of(const __u8 *mapped)
{
	return *(const __be32 *)(mapped + 12);
}

static __always_inline __u8 ip6_class(const struct ipv6hdr *ip6)
{
	return ip6->priority << 4 | ip6->flow_lbl[0] >> 4;
}

static __always_inline bool protocol_is_ip(__be16 protocol)
{
	return protocol == bpf_htons(ETH_P_IP) || protocol == bpf_htons(ETH_P_IPV6);
}

/* RFC 8200, 4.5. */
struct ip6_fragment {
	__u8 nexthdr;
	__u8 reserved;
	__be16 offset;
	__be32 id;
};

/* Offset and reserved bits: 0 in the first fragment. */
#define IP6_FRAGMENT_OFFSET 0xfff8

/* What goes into the checksum of ICMPv6, TCP and UDP beside them (RFC 8200, 8.1). */
struct ip6_pseudo {
	struct in6_addr source;
	struct in6_addr destination;
	__be32 length;
	__be32 protocol;
};

#endif
