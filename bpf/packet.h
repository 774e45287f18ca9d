/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Reading frames. Only the Ethernet header is read in place; everything that
 * may lie in a page fragment is copied by bpf_skb_load_bytes, which finds it
 * wherever it is. Nothing is pulled and nothing written in place: both would
 * make the kernel copy the head of every cloned frame, and TCP sends clones.
 */
#ifndef PACKET_H
#define PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/*
 * Steps that are not static (guard, impostor, source_check, neigh_answer, encap,
 * port_search) are verified by themselves, once: what they found out does not multiply
 * with what comes after. The verifier wants to see that their pointers are no NULL.
 */

/* A step returns this for "go on"; anything else is the frame's verdict. */
#define CONTINUE TC_ACT_OK

/*
 * The bits given to bpf_redirect and other helpers that have none to be set. The
 * kernel refuses all but the ones it knows, which is how a test gets to see a
 * refusal.
 */
const volatile __u64 redirect_flags = 0;

#define VLAN_HLEN 4
/* Of a tag, the bits that are not priority (IEEE 802.1Q, 9.6). */
#define VLAN_ID 0x0fff
/*
 * Tags that are looked through: 802.1ad has two, and a receiver that strips
 * more of them would have to be configured to.
 */
#define VLAN_TAGS_MAX 2

static __always_inline bool load(struct __sk_buff *skb, __u32 offset, void *to, __u32 size)
{
	return bpf_skb_load_bytes(skb, offset, to, size) == 0;
}

/* The same, if it is before the end that the headers before it state: what is behind that is padding. */
static __always_inline bool load_within(struct __sk_buff *skb, __u32 offset, void *to, __u32 size,
					__u32 end)
{
	return offset + size <= end && load(skb, offset, to, size);
}

/* Where a packet ends whose header is at offset. Segments of BIG TCP have a length of 0. */
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

/* MAC addresses are 16-bit aligned everywhere: in frames, on the stack and in maps. */
static __always_inline bool mac_equal(const void *a, const void *b)
{
	const __u16 *x = a, *y = b;

	return x[0] == y[0] && x[1] == y[1] && x[2] == y[2];
}

static __always_inline void mac_copy(void *to, const void *from)
{
	const __u16 *x = from;
	__u16 *y = to;

	y[0] = x[0];
	y[1] = x[1];
	y[2] = x[2];
}

/*
 * To a 4-byte aligned place of 8 bytes, of which the last two become zero. In
 * two whole words, since a hash reads them back as such: of halves, the CPU
 * would have to wait until both are in its cache.
 */
static __always_inline void mac_copy_padded(void *to, const void *from)
{
	const __u16 *x = from;
	__u32 *y = to;

	y[0] = *(const __u32 *)from;
	y[1] = x[2];
	if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
		y[1] <<= 16;
}

static __always_inline bool mac_is_group(const __u8 *mac)
{
	return mac[0] & 1;
}

static __always_inline bool mac_is_zero(const void *mac)
{
	const __u16 *x = mac;

	return !(x[0] | x[1] | x[2]);
}

/*
 * 01:80:c2:00:00:00 to :0f, which are for the next bridge (IEEE 802.1D-2004, 7.12.6;
 * is_link_local_ether_addr in the kernel).
 */
static __always_inline bool mac_is_link_local(const void *mac)
{
	const __u16 *x = mac;

	return x[0] == bpf_htons(0x0180) && x[1] == bpf_htons(0xc200) &&
	       (x[2] & bpf_htons(0xfff0)) == 0;
}

/* The group that asks for an address (RFC 4291, 2.7.1): ff02::1:ff and its last 24 bits. */
static __always_inline bool ip6_is_solicited_node(const struct in6_addr *group,
						  const struct in6_addr *ip)
{
	return group->s6_addr32[0] == bpf_htonl(0xff020000) && !group->s6_addr32[1] &&
	       group->s6_addr32[2] == bpf_htonl(1) &&
	       group->s6_addr32[3] == (ip->s6_addr32[3] | bpf_htonl(0xff000000));
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

static __always_inline bool protocol_is_tag(__be16 protocol)
{
	return protocol == bpf_htons(ETH_P_8021Q) || protocol == bpf_htons(ETH_P_8021AD);
}

/* ARP for Ethernet and IPv4 (RFC 826). */
struct arp_packet {
	__be16 hardware;
	__be16 protocol;
	__u8 hardware_length;
	__u8 protocol_length;
	__be16 operation;
	__u8 sender_mac[ETH_ALEN];
	__be32 sender_ip;
	__u8 target_mac[ETH_ALEN];
	__be32 target_ip;
} __attribute__((packed));

#define ARP_HARDWARE_ETHERNET 1
#define ARP_REQUEST 1
#define ARP_REPLY 2

static __always_inline bool arp_is_ethernet_ip4(const struct arp_packet *arp)
{
	return arp->hardware == bpf_htons(ARP_HARDWARE_ETHERNET) &&
	       arp->protocol == bpf_htons(ETH_P_IP) && arp->hardware_length == ETH_ALEN &&
	       arp->protocol_length == sizeof(arp->sender_ip);
}

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

struct icmp6 {
	__u8 type;
	__u8 code;
	__sum16 checksum;
	__be32 data;
};

/* Neighbour solicitations and advertisements alike; options follow. */
struct nd_neighbour {
	struct icmp6 icmp;
	struct in6_addr target;
};

/* RFC 8200, 4.5. */
struct ip6_fragment {
	__u8 nexthdr;
	__u8 reserved;
	__be16 offset;
	__be32 id;
};

/* What goes into the checksum of ICMPv6, TCP and UDP beside them (RFC 8200, 8.1). */
struct ip6_pseudo {
	struct in6_addr source;
	struct in6_addr destination;
	__be32 length;
	__be32 protocol;
};

struct nd_option_mac {
	__u8 type;
	__u8 length; /* in units of 8 bytes */
	__u8 mac[ETH_ALEN];
};

#endif
