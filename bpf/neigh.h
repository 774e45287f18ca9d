/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * ARP requests and neighbour solicitations for known addresses are answered
 * here, in the neighbour's stead: they need not be flooded. The frame itself is
 * turned into the answer.
 *
 * Only what was sent to a group is answered. A unicast one asks whether the
 * neighbour is still alive (RFC 1122, 2.3.2.1; RFC 4861, 7.3), which only the
 * neighbour knows.
 */
#ifndef NEIGH_H
#define NEIGH_H

#include "fdb.h"

#undef HERE
#define HERE FILE_NEIGH

/*
 * Who has the address, if that may be told to ep: not if it is ep itself, or on
 * ep's own side, where it answers for itself, or if neither may talk to the other.
 */
static __always_inline struct neigh *neigh_find(struct endpoint *ep, struct network *network,
						const void *asking, const struct in6_addr *ip)
{
	struct neigh_key key = { .vni = network->vni };
	struct endpoint *owner;
	struct neigh *neigh;

	__builtin_memcpy(key.ip, ip, sizeof(key.ip));
	neigh = bpf_map_lookup_elem(&dp_neigh_v1, &key);
	if (!neigh || neigh->endpoint == ep->id || mac_equal(neigh->mac, asking))
		return NULL;
	if (ep->flags & ENDPOINT_ISOLATED) {
		owner = endpoint_find(fdb_find(network, neigh->mac).owner.ifindex);
		if (owner && owner->flags & ENDPOINT_ISOLATED)
			return NULL;
	}
	return neigh;
}

/* The frame has become the answer: back to where it came from. */
static __always_inline int neigh_reply(struct __sk_buff *skb, struct endpoint *ep)
{
	struct endpoint_stats *stats = stats_find(ep->id);
	long verdict;

	verdict = bpf_redirect(skb->ifindex, redirect_flags);
	if (verdict != TC_ACT_REDIRECT)
		return drop(skb, ep, REASON_REDIRECT, verdict);
	if (stats) {
		stats->suppressed++;
		stats->rx_packets++;
		stats->rx_bytes += skb->len;
	}
	return verdict;
}

static __always_inline int neigh_answer_arp(struct __sk_buff *skb, struct endpoint *ep,
					    struct network *network)
{
	struct {
		struct ethhdr eth;
		struct arp_packet arp;
	} __attribute__((packed)) frame __attribute__((aligned(4)));
	struct in6_addr mapped;
	struct neigh *neigh;
	__be32 target;

	if (!load(skb, 0, &frame, sizeof(frame)) || !arp_is_ethernet_ip4(&frame.arp) ||
	    frame.arp.operation != bpf_htons(ARP_REQUEST))
		return CONTINUE;
	/* An announcement (RFC 5227, 2.3) is for everybody. */
	target = frame.arp.target_ip;
	if (target == frame.arp.sender_ip)
		return CONTINUE;
	ip4_map(&mapped, target);
	neigh = neigh_find(ep, network, frame.eth.h_source, &mapped);
	if (!neigh)
		return CONTINUE;

	mac_copy(frame.eth.h_dest, frame.eth.h_source);
	mac_copy(frame.eth.h_source, neigh->mac);
	frame.arp.operation = bpf_htons(ARP_REPLY);
	mac_copy(frame.arp.target_mac, frame.arp.sender_mac);
	frame.arp.target_ip = frame.arp.sender_ip;
	mac_copy(frame.arp.sender_mac, neigh->mac);
	frame.arp.sender_ip = target;
	/* Fails only for want of memory, and before anything is written: then ask everybody. */
	if (bpf_skb_store_bytes(skb, 0, &frame, sizeof(frame),
				BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH))
		return CONTINUE;
	return neigh_reply(skb, ep);
}

/* The 32 bytes of a solicitation with a MAC in it, and of the answer. */
struct nd_message {
	struct nd_neighbour nd;
	struct nd_option_mac option;
};

/* Flags of an advertisement (RFC 4861, 4.4). */
#define ND_ADVERT_ROUTER 0x80000000
#define ND_ADVERT_SOLICITED 0x40000000
#define ND_ADVERT_OVERRIDE 0x20000000

static __always_inline __sum16 nd_checksum(struct ip6_pseudo *pseudo, struct nd_message *message)
{
	__s64 sum = bpf_csum_diff(NULL, 0, (void *)pseudo, sizeof(*pseudo), 0);
	__u32 folded = bpf_csum_diff(NULL, 0, (void *)message, sizeof(*message), sum);

	folded = (folded & 0xffff) + (folded >> 16);
	folded = (folded & 0xffff) + (folded >> 16);
	return ~folded;
}

static __always_inline int neigh_answer_nd(struct __sk_buff *skb, struct endpoint *ep,
					   struct network *network)
{
	struct nd_message message;
	struct ip6_pseudo pseudo;
	__u8 macs[2 * ETH_ALEN] __attribute__((aligned(4)));
	struct neigh *neigh;
	struct ipv6hdr ip6;
	__u32 flags;

	if (!load(skb, ETH_HLEN, &ip6, sizeof(ip6)) ||
	    !load(skb, ETH_HLEN + sizeof(ip6), &message, sizeof(message)))
		return CONTINUE;
	if (ip6.version != 6 || ip6.nexthdr != IPPROTO_ICMPV6 || ip6.hop_limit != ND_HOP_LIMIT ||
	    ip6.payload_len != bpf_htons(sizeof(message)) || !ip6_is_multicast(&ip6.daddr) ||
	    ip6_is_unspecified(&ip6.saddr))
		return CONTINUE;
	if (message.nd.icmp.type != ND_NEIGHBOUR_SOLICIT || message.nd.icmp.code ||
	    message.option.type != ND_OPTION_SOURCE_MAC || message.option.length != 1)
		return CONTINUE;
	load(skb, 0, macs, sizeof(macs));
	neigh = neigh_find(ep, network, macs + ETH_ALEN, &message.nd.target);
	if (!neigh)
		return CONTINUE;

	mac_copy(macs, macs + ETH_ALEN);
	mac_copy(macs + ETH_ALEN, neigh->mac);
	pseudo.source = message.nd.target;
	pseudo.destination = ip6.saddr;
	pseudo.length = bpf_htonl(sizeof(message));
	pseudo.protocol = bpf_htonl(IPPROTO_ICMPV6);
	flags = ND_ADVERT_SOLICITED | ND_ADVERT_OVERRIDE;
	if (neigh->flags & NEIGH_ROUTER)
		flags |= ND_ADVERT_ROUTER;
	message.nd.icmp.type = ND_NEIGHBOUR_ADVERT;
	message.nd.icmp.data = bpf_htonl(flags);
	message.nd.icmp.checksum = 0;
	message.option.type = ND_OPTION_TARGET_MAC;
	mac_copy(message.option.mac, neigh->mac);
	message.nd.icmp.checksum = nd_checksum(&pseudo, &message);

	/* The last bytes first: that makes all before them writable, so the rest cannot fail. */
	if (bpf_skb_store_bytes(skb, ETH_HLEN + sizeof(ip6), &message, sizeof(message),
				BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH))
		return CONTINUE;
	bpf_skb_store_bytes(skb, ETH_HLEN + offsetof(struct ipv6hdr, saddr), &pseudo,
			    2 * sizeof(struct in6_addr), BPF_F_RECOMPUTE_CSUM);
	bpf_skb_store_bytes(skb, 0, macs, sizeof(macs), BPF_F_RECOMPUTE_CSUM);
	return neigh_reply(skb, ep);
}

/* Answer a frame to a group if it asks for a known neighbour. */
static __noinline int neigh_answer(struct __sk_buff *skb, struct endpoint *ep,
				   struct network *network)
{
	__be16 protocol = 0;

	/* The table knows no VLANs, so what is asked inside one is not answered. */
	if (skb->vlan_present)
		return CONTINUE;
	load(skb, offsetof(struct ethhdr, h_proto), &protocol, sizeof(protocol));
	if (protocol == bpf_htons(ETH_P_ARP))
		return neigh_answer_arp(skb, ep, network);
	if (protocol == bpf_htons(ETH_P_IPV6))
		return neigh_answer_nd(skb, ep, network);
	return CONTINUE;
}

#endif
