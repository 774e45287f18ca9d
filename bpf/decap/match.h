/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Is a packet VXLAN for this node, and what do its outer headers say? Shared by TC,
 * which has the headers on the stack, and XDP, which reads them in the packet.
 */
#ifndef DECAP_MATCH_H
#define DECAP_MATCH_H

#include "lookup.h"
#include "wire/checksum.h"
#include "wire/ip.h"
#include "wire/vxlan.h"

/*
 * Metadata that XDP leaves in front of the frame when it has removed the outer headers. If
 * packets may arrive with metadata already, XDP leaves node 0 in front of all others: so TC never
 * trusts metadata from any other program.
 */
struct tunnel_meta {
	__u32 magic; /* TUNNEL_META */
	__u16 network; /* index in dp_network */
	__u16 node; /* its number; 0: the packet is unchanged */
};

/*
 * Other programs may leave other metadata there, so this is not a number that a counter would
 * reach.
 */
#define TUNNEL_META 0xd9c71e57

struct tunnel {
	struct vtep_key source; /* VTEP of the sender */
	__u32 vni;
	__u32 network; /* index in dp_network, after its lookup */
	__u32 node; /* number, after its lookup */
	__u8 class; /* outer traffic class */
	enum reason reason; /* why it is dropped, or REASON_UNSPEC */
	__u32 length; /* bytes of the frame with the outer headers: anything behind them is padding */
	__u32 pseudo; /* of the outer UDP header: the part that its checksum covers beside the datagram */
	bool checksum; /* the packet has a UDP checksum */
};

/*
 * No valid packet has contradicting lengths. bytes: of layer 3, as received; total and datagram:
 * from IP and UDP; header: bytes of IP.
 */
static __always_inline enum reason decap_lengths(__u32 bytes, __u32 total, __u32 datagram,
						 __u32 header)
{
	if (total > bytes || datagram != total - header)
		return REASON_OUTER_MALFORMED;
	if (datagram < sizeof(struct udphdr) + sizeof(struct vxlan) + ETH_HLEN)
		return REASON_INNER_MALFORMED;
	return REASON_UNSPEC;
}

static __always_inline bool decap_vxlan(const struct vxlan *vxlan, struct tunnel *tunnel)
{
	if (!(vxlan->flags & bpf_htonl(VXLAN_FLAG_VNI)))
		return false;
	tunnel->vni = bpf_ntohl(vxlan->vni) >> 8;
	return true;
}

/*
 * bytes: of layer 3, as received; 0 if the packet will be segmented later, as its lengths may
 * then be anything. The kernel keeps the checksum of the IP header correct even then. The caller
 * checks that of UDP.
 */
static __always_inline bool decap_match4(const struct underlay *underlay, const struct iphdr *ip,
					 const struct udphdr *udp, const struct vxlan *vxlan,
					 __u32 bytes, struct tunnel *tunnel)
{
	struct in6_addr *source = (struct in6_addr *)tunnel->source.ip;
	__u32 total = bpf_ntohs(ip->tot_len);

	/* Only the first fragment has a UDP header, which shows who handles the packet. */
	if (ip->protocol != IPPROTO_UDP || ip->version != 4 || ip->ihl != 5 ||
	    udp->dest != underlay->port ||
	    ip->daddr != ip4_of(underlay->local) || ip->frag_off & bpf_htons(IP4_OFFSET) ||
	    !decap_vxlan(vxlan, tunnel))
		return false;
	ip4_map(source, ip->saddr);
	tunnel->class = ip->tos;
	tunnel->length = ETH_HLEN + total;
	tunnel->pseudo = checksum_pseudo4(ip, total - sizeof(*ip), IPPROTO_UDP);
	tunnel->checksum = udp->check;
	tunnel->reason = REASON_UNSPEC;
	if (checksum_header4(ip))
		tunnel->reason = REASON_OUTER_CHECKSUM;
	else if (ip->frag_off & bpf_htons(IP4_MF))
		tunnel->reason = REASON_OUTER_FRAGMENT;
	else if (bytes)
		tunnel->reason = decap_lengths(bytes, total, bpf_ntohs(udp->len), sizeof(*ip));
	return true;
}

/* The same for IPv6. Packets with extension headers are left to the kernel. */
static __always_inline bool decap_match6(const struct underlay *underlay, const struct ipv6hdr *ip,
					 const struct udphdr *udp, const struct vxlan *vxlan,
					 __u32 bytes, struct tunnel *tunnel)
{
	__u32 total = sizeof(*ip) + bpf_ntohs(ip->payload_len);

	if (ip->nexthdr != IPPROTO_UDP || ip->version != 6 || udp->dest != underlay->port ||
	    !ip6_equal(&ip->daddr, underlay->local) || !decap_vxlan(vxlan, tunnel))
		return false;
	__builtin_memcpy(tunnel->source.ip, &ip->saddr, sizeof(tunnel->source.ip));
	tunnel->class = ip6_class(ip);
	tunnel->length = ETH_HLEN + total;
	tunnel->pseudo = checksum_pseudo6(ip, total - sizeof(*ip), IPPROTO_UDP);
	tunnel->checksum = udp->check;
	tunnel->reason = REASON_UNSPEC;
	if (bytes)
		tunnel->reason = decap_lengths(bytes, total, bpf_ntohs(udp->len), sizeof(*ip));
	return true;
}

/* The network of the packet, or NULL: the VNI is not ours. */
static __always_inline struct network *decap_network(struct tunnel *tunnel)
{
	struct vni *vni = bpf_map_lookup_elem(&dp_vni_v1, &tunnel->vni);

	if (!vni)
		return NULL;
	tunnel->network = vni->network;
	return network_find_index(tunnel->network);
}

/* The sending node; false: the node is unknown. */
static __always_inline bool decap_node(struct tunnel *tunnel)
{
	struct vtep *vtep = bpf_map_lookup_elem(&dp_vtep_v1, &tunnel->source);

	if (!vtep)
		return false;
	tunnel->node = vtep->node;
	return true;
}

#endif
