/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Neighbour discovery (RFC 4861) and multicast listener discovery. */
#ifndef WIRE_ND_H
#define WIRE_ND_H

#include "wire/icmp.h"
#include "wire/ip.h"
#include "wire/mac.h"

/* Neighbour discovery (RFC 4861, 4.1 to 4.6). */
#define ND_ROUTER_SOLICIT 133
#define ND_ROUTER_ADVERT 134
#define ND_NEIGHBOUR_SOLICIT 135
#define ND_NEIGHBOUR_ADVERT 136
#define ND_REDIRECT 137
/* A router that forwarded it has lowered it, so 255 shows that it is from this link. */
#define ND_HOP_LIMIT 255
#define ND_OPTION_SOURCE_MAC 1
#define ND_OPTION_TARGET_MAC 2

/* Multicast listener discovery, which hosts send before they have an address (RFC 3590). */
#define MLD_REPORT 131
#define MLD_DONE 132
#define MLD2_REPORT 143

/*
 * Options of a neighbour discovery message that are looked at. Router
 * advertisements have the most: prefixes, routes, MTU, DNS.
 */
#define ND_OPTIONS_MAX 16

#define ND_OPTION_PREFIX 3
#define ND_OPTION_NONCE 14
#define ND_OPTION_ROUTE 24
#define ND_OPTION_UNIT 8

/* RFC 4861, 4.1; options follow each message. */
struct nd_router_solicit {
	struct icmp icmp;
	__be32 reserved;
};

/* RFC 4861, 4.2. */
struct nd_router_advert {
	struct icmp icmp;
	__u8 hop_limit;
	__u8 flags;
	__be16 lifetime;
	__be32 reachable;
	__be32 retransmit;
};

/* Neighbour solicitations and advertisements alike (RFC 4861, 4.3 and 4.4). */
struct nd_neighbour {
	struct icmp icmp;
	__be32 flags; /* of an advertisement; reserved in a solicitation */
	struct in6_addr target;
};

/* RFC 4861, 4.5. */
struct nd_redirect {
	struct icmp icmp;
	__be32 reserved;
	struct in6_addr target;
	struct in6_addr destination;
};

struct nd_option_mac {
	__u8 type;
	__u8 length; /* in units of 8 bytes */
	__u8 mac[ETH_ALEN];
};

/* What options with a prefix begin with: the prefix is in the third or the second 8 bytes. */
struct nd_option_prefix {
	__u8 type;
	__u8 length;
	__u8 bits;
	__u8 flags;
};

/* Where to find addresses and the rest: managed and other (RFC 4861, 4.2). */
#define ND_ADVERT_DHCP 0xc0
/* What senders ask for by default (radvd, RFC 1700); a lower one makes packets die on their way. */
#define ND_HOP_LIMIT_USUAL 64

/* Flags of an advertisement (RFC 4861, 4.4). */
#define ND_ADVERT_ROUTER 0x80000000
#define ND_ADVERT_SOLICITED 0x40000000
#define ND_ADVERT_OVERRIDE 0x20000000

/* The solicited-node group of an address (RFC 4291, 2.7.1): ff02::1:ff and its last 24 bits. */
static __always_inline bool ip6_is_solicited_node(const struct in6_addr *group,
						  const struct in6_addr *ip)
{
	return group->s6_addr32[0] == bpf_htonl(0xff020000) && !group->s6_addr32[1] &&
	       group->s6_addr32[2] == bpf_htonl(1) &&
	       group->s6_addr32[3] == (ip->s6_addr32[3] | bpf_htonl(0xff000000));
}

/* Is ip fe80:: with the interface identifier derived from the MAC (RFC 4291, 2.5.6, appendix A)? */
static __always_inline bool ip6_is_link_local_of(const struct in6_addr *ip, const __u8 *mac)
{
	const __u8 *id = ip->s6_addr + 8;

	return ip->s6_addr32[0] == bpf_htonl(0xfe800000) && !ip->s6_addr32[1] &&
	       id[0] == (mac[0] ^ 2) && id[1] == mac[1] && id[2] == mac[2] && id[3] == 0xff &&
	       id[4] == 0xfe && id[5] == mac[3] && id[6] == mac[4] && id[7] == mac[5];
}

#endif
