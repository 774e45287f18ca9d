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
#include "liveness.h"
#include "source4.h"

#undef HERE
#define HERE FILE_NEIGH

/* Who has an address. */
struct neigh_holder {
	__u8 mac[ETH_ALEN];
	__u16 flags; /* enum neigh_flags */
	__u32 endpoint; /* its number; 0: behind another node */
};

/*
 * Who is known to have the address: nobody if it has moved, for its new holder answers itself.
 */
static __always_inline bool neigh_known(const struct network *network, const struct in6_addr *ip,
					struct neigh_holder *holder)
{
	struct neigh_key key = { .vni = network->vni };
	struct neigh *neigh;

	__builtin_memcpy(key.ip, ip, sizeof(key.ip));
	neigh = bpf_map_lookup_elem(&dp_neigh_v1, &key);
	if (!neigh || neigh->flags & NEIGH_MOVED)
		return false;
	mac_copy(holder->mac, neigh->mac);
	holder->flags = neigh->flags;
	holder->endpoint = neigh->endpoint;
	return true;
}

/* An endpoint has the link-local address that is made of its own MAC, which no table lists. */
static __always_inline bool neigh_link_local(const struct network *network,
					     const struct in6_addr *ip, struct neigh_holder *holder)
{
	const __u8 *id = ip->s6_addr + 8;
	struct fdb_place place;

	if (ip->s6_addr32[0] != bpf_htonl(0xfe800000) || ip->s6_addr32[1] || id[3] != 0xff ||
	    id[4] != 0xfe)
		return false;
	holder->mac[0] = id[0] ^ 2;
	holder->mac[1] = id[1];
	holder->mac[2] = id[2];
	holder->mac[3] = id[5];
	holder->mac[4] = id[6];
	holder->mac[5] = id[7];
	holder->flags = 0;
	place = fdb_find(network, holder->mac);
	holder->endpoint = place.owner.endpoint;
	return place.flags & FDB_ENDPOINT;
}

/* Nobody is answered for who is gone or down: another one may have the address by now. */
static __always_inline bool neigh_is_here(struct __sk_buff *skb, const struct neigh_holder *holder,
					  union fdb_owner place)
{
	/* Told to be behind another node, or not at its port any more. */
	if (!holder->endpoint || place.endpoint != holder->endpoint)
		return !holder->endpoint;
	return !port_search(skb, place.ifindex);
}

/*
 * May the holder be told to ep? Not if it is ep itself, or on ep's own side, where it
 * answers for itself, or if neither may talk to the other.
 */
static __always_inline bool neigh_may_tell(struct __sk_buff *skb, struct endpoint *ep,
					   struct network *network, const void *asking,
					   const struct neigh_holder *holder)
{
	union fdb_owner place;
	struct endpoint *owner;

	if (holder->endpoint == ep->id || mac_equal(holder->mac, asking))
		return false;
	place = fdb_find(network, holder->mac).owner;
	if (!neigh_is_here(skb, holder, place))
		return false;
	if (ep->flags & ENDPOINT_ISOLATED) {
		owner = endpoint_find(place.ifindex);
		if (owner && owner->flags & ENDPOINT_ISOLATED)
			return false;
	}
	return true;
}

/* May ep take the address? Then who has it until now is asked, who alone knows whether it still does. */
static __always_inline bool neigh_may_take(struct endpoint *ep, const struct in6_addr *ip)
{
	return !(ep->flags & ENDPOINT_LOCK) || source_prefix(ep, ip);
}

/*
 * Somebody speaks to all as the one who has the address: an endpoint that may, or, without
 * one, another node. If that is not who is known to have it, nobody is answered for it any
 * more until that one speaks again.
 */
static __noinline int neigh_heard(struct network *network, struct endpoint *ep, const void *mac,
				  const struct in6_addr *ip)
{
	struct neigh_key key = { .vni = network->vni };
	__u32 id = ep ? ep->id : 0;
	struct neigh *neigh;

	__builtin_memcpy(key.ip, ip, sizeof(key.ip));
	neigh = bpf_map_lookup_elem(&dp_neigh_v1, &key);
	if (!neigh)
		return CONTINUE;
	if (!mac_equal(neigh->mac, mac)) {
		if (!(neigh->flags & NEIGH_MOVED))
			neigh->flags |= NEIGH_MOVED;
	} else if (neigh->endpoint == id && neigh->flags & NEIGH_MOVED) {
		neigh->flags &= ~NEIGH_MOVED;
	}
	return CONTINUE;
}

/* The frame has become the answer: back to where it came from. */
static __always_inline int neigh_reply(struct __sk_buff *skb, struct endpoint *ep)
{
	struct endpoint_stats *stats = stats_find(ep->id);
	__u32 reason = port_search(skb, skb->ifindex);
	long verdict;

	/* Who asked may be gone by now. */
	if (reason) {
		count_rx_dropped(ep->id);
		return drop(skb, ep, reason, ep->id);
	}
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
	struct neigh_holder holder;
	struct in6_addr mapped;
	__be32 target;

	if (!load(skb, 0, &frame, sizeof(frame)) || !arp_is_ethernet_ip4(&frame.arp))
		return CONTINUE;
	ip4_map(&mapped, frame.arp.sender_ip);
	if (frame.arp.sender_ip)
		neigh_heard(network, ep, frame.arp.sender_mac, &mapped);
	if (frame.arp.operation != bpf_htons(ARP_REQUEST))
		return CONTINUE;
	/* An announcement (RFC 5227, 2.3) is for everybody. */
	target = frame.arp.target_ip;
	if (target == frame.arp.sender_ip)
		return CONTINUE;
	ip4_map(&mapped, target);
	if (!neigh_known(network, &mapped, &holder) ||
	    !neigh_may_tell(skb, ep, network, frame.eth.h_source, &holder))
		return CONTINUE;
	/* A probe (RFC 5227, 2.1.1). */
	if (!frame.arp.sender_ip && neigh_may_take(ep, &mapped))
		return CONTINUE;

	mac_copy(frame.eth.h_dest, frame.eth.h_source);
	mac_copy(frame.eth.h_source, holder.mac);
	frame.arp.operation = bpf_htons(ARP_REPLY);
	mac_copy(frame.arp.target_mac, frame.arp.sender_mac);
	frame.arp.target_ip = frame.arp.sender_ip;
	mac_copy(frame.arp.sender_mac, holder.mac);
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

/* A solicitation, and what its answer needs. */
struct neigh_question {
	struct ipv6hdr ip6;
	struct nd_message message;
	__u8 macs[2 * ETH_ALEN] __attribute__((aligned(4)));
	bool probe; /* it asks whether an address is taken (RFC 4862, 5.4.2) */
};

/* Does the message, of so many bytes, ask what can be answered here? */
static __always_inline bool neigh_is_question(struct __sk_buff *skb, struct neigh_question *asked,
					      __u32 bytes)
{
	const __u32 offset = ETH_HLEN + sizeof(asked->ip6) + sizeof(asked->message.nd);
	struct nd_option_mac *option = &asked->message.option;

	asked->probe = ip6_is_unspecified(&asked->ip6.saddr);
	if (bytes >= sizeof(asked->message)) {
		if (!load(skb, offset, option, sizeof(*option)))
			return false;
	} else if (!asked->probe) {
		return false;
	}
	/* With a MAC it is no such question (RFC 4861, 7.1.1). */
	if (asked->probe)
		return ip6_is_solicited_node(&asked->ip6.daddr, &asked->message.nd.target) &&
		       option->type != ND_OPTION_SOURCE_MAC;
	return bytes == sizeof(asked->message) && option->type == ND_OPTION_SOURCE_MAC &&
	       option->length == 1;
}

/* Turn the frame with the question into the answer; not 0: it is as it was. */
static __always_inline long neigh_write_nd(struct __sk_buff *skb, struct neigh_question *asked,
					   const struct neigh_holder *holder)
{
	struct nd_message *message = &asked->message;
	const __u32 length = ETH_HLEN + sizeof(asked->ip6) + sizeof(*message);
	const __be16 payload = bpf_htons(sizeof(*message));
	__u32 flags = ND_ADVERT_SOLICITED | ND_ADVERT_OVERRIDE;
	struct ip6_pseudo pseudo;
	long error;

	mac_copy(asked->macs, asked->macs + ETH_ALEN);
	mac_copy(asked->macs + ETH_ALEN, holder->mac);
	pseudo.source = message->nd.target;
	pseudo.destination = asked->ip6.saddr;
	pseudo.length = bpf_htonl(sizeof(*message));
	pseudo.protocol = bpf_htonl(IPPROTO_ICMPV6);
	if (asked->probe) {
		/* To all nodes, since nobody has an address yet (RFC 4861, 7.2.4). */
		flags = ND_ADVERT_OVERRIDE;
		*(__u32 *)asked->macs = bpf_htonl(0x33330000);
		*(__u16 *)(asked->macs + 4) = bpf_htons(1);
		pseudo.destination.s6_addr32[0] = bpf_htonl(0xff020000);
		pseudo.destination.s6_addr32[3] = bpf_htonl(1);
		/* It had no MAC in it, or a nonce (RFC 7527). */
		if (skb->len != length) {
			error = bpf_skb_change_tail(skb, length, redirect_flags);
			if (error)
				return error;
		}
	}
	if (holder->flags & NEIGH_ROUTER)
		flags |= ND_ADVERT_ROUTER;
	message->nd.icmp.type = ND_NEIGHBOUR_ADVERT;
	message->nd.icmp.data = bpf_htonl(flags);
	message->nd.icmp.checksum = 0;
	message->option.type = ND_OPTION_TARGET_MAC;
	message->option.length = 1;
	mac_copy(message->option.mac, holder->mac);
	message->nd.icmp.checksum = nd_checksum(&pseudo, message);

	/* The last bytes first: that makes all before them writable, so the rest cannot fail. */
	error = bpf_skb_store_bytes(skb, ETH_HLEN + sizeof(asked->ip6), message, sizeof(*message),
				    BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH);
	if (error)
		return error;
	if (asked->probe)
		bpf_skb_store_bytes(skb, ETH_HLEN + offsetof(struct ipv6hdr, payload_len), &payload,
				    sizeof(payload), BPF_F_RECOMPUTE_CSUM);
	bpf_skb_store_bytes(skb, ETH_HLEN + offsetof(struct ipv6hdr, saddr), &pseudo,
			    2 * sizeof(struct in6_addr), BPF_F_RECOMPUTE_CSUM);
	bpf_skb_store_bytes(skb, 0, asked->macs, sizeof(asked->macs), BPF_F_RECOMPUTE_CSUM);
	return 0;
}

static __always_inline int neigh_answer_nd(struct __sk_buff *skb, struct endpoint *ep,
					   struct network *network)
{
	struct neigh_question asked;
	struct neigh_holder holder;
	struct in6_addr *target = &asked.message.nd.target;
	__u32 bytes;

	if (!load(skb, ETH_HLEN, &asked.ip6, sizeof(asked.ip6)) ||
	    !load(skb, ETH_HLEN + sizeof(asked.ip6), &asked.message.nd, sizeof(asked.message.nd)))
		return CONTINUE;
	bytes = bpf_ntohs(asked.ip6.payload_len);
	if (asked.ip6.version != 6 || asked.ip6.nexthdr != IPPROTO_ICMPV6 ||
	    asked.ip6.hop_limit != ND_HOP_LIMIT || !ip6_is_multicast(&asked.ip6.daddr) ||
	    bytes < sizeof(asked.message.nd) || asked.message.nd.icmp.code)
		return CONTINUE;
	load(skb, 0, asked.macs, sizeof(asked.macs));
	if (asked.message.nd.icmp.type == ND_NEIGHBOUR_ADVERT)
		return neigh_heard(network, ep, asked.macs + ETH_ALEN, target);
	if (asked.message.nd.icmp.type != ND_NEIGHBOUR_SOLICIT ||
	    !neigh_is_question(skb, &asked, bytes))
		return CONTINUE;
	if (!asked.probe)
		neigh_heard(network, ep, asked.macs + ETH_ALEN, &asked.ip6.saddr);
	if (!neigh_known(network, target, &holder) &&
	    !(asked.probe && neigh_link_local(network, target, &holder)))
		return CONTINUE;
	if (!neigh_may_tell(skb, ep, network, asked.macs + ETH_ALEN, &holder))
		return CONTINUE;
	if (asked.probe && neigh_may_take(ep, target))
		return CONTINUE;
	if (neigh_write_nd(skb, &asked, &holder))
		return CONTINUE;
	return neigh_reply(skb, ep);
}

/* Answer a frame to a group if it asks for a known neighbour. */
int neigh_answer(struct __sk_buff *skb, struct endpoint *ep, struct network *network);

__noinline int neigh_answer(struct __sk_buff *skb, struct endpoint *ep,
				   struct network *network)
{
	__be16 protocol = 0;

	if (!ep || !network)
		return CONTINUE;
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
