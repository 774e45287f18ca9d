/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Known holders of addresses, and which endpoints may get an answer about them. */
#ifndef NEIGHBOUR_LOOKUP_H
#define NEIGHBOUR_LOOKUP_H

#include "anti_spoof/prefix.h"
#include "delivery/gate.h"
#include "delivery/reachable.h"
#include "fdb/find.h"

/* Who has an address. */
struct neigh_holder {
	__u8 mac[ETH_ALEN];
	__u16 flags; /* enum neigh_flags */
	__u32 endpoint; /* its number; 0: behind another node */
};

/*
 * An address in the prefix of another node: its MAC ends in the last four bytes of the address,
 * if these are an IPv4 address of the same node. An IPv6 address is assigned that way there, or
 * its owner answers.
 */
static __always_inline bool neigh_of_prefix(const struct network *network,
					    const struct in6_addr *ip, struct neigh_holder *holder)
{
	const __u16 *half = ip->s6_addr16;
	__u16 *mac = (__u16 *)holder->mac;
	int node;

	if (!(network->flags & NETWORK_PREFIXES))
		return false;
	node = node_prefix_find(network->vni, ip);
	if (node <= 0)
		return false;
	mac[0] = bpf_htons(MAC_OF_IP4);
	mac[1] = half[6];
	mac[2] = half[7];
	holder->flags = 0;
	holder->endpoint = 0;
	return node_prefix_of_mac(network, mac) == node;
}

/*
 * The known holder of the address; none if it has moved, since its new holder answers itself.
 */
static __always_inline bool neigh_known(const struct network *network, const struct in6_addr *ip,
					struct neigh_holder *holder)
{
	struct neigh_key key = { .vni = network->vni };
	struct neigh *neigh;

	__builtin_memcpy(key.ip, ip, sizeof(key.ip));
	neigh = bpf_map_lookup_elem(&dp_neigh_v1, &key);
	if (!neigh)
		return neigh_of_prefix(network, ip, holder);
	if (neigh->flags & NEIGH_MOVED)
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

/* Do not answer for a holder that is gone or down: another one may have the address by now. */
static __always_inline bool neigh_is_here(struct __sk_buff *skb, const struct neigh_holder *holder,
					  union fdb_owner place)
{
	/* Configured behind another node, or no longer at its port. */
	if (!holder->endpoint || place.endpoint != holder->endpoint)
		return !holder->endpoint;
	return !port_search(skb, place.ifindex);
}

/*
 * May ep be told about the holder? Not if it is ep itself or behind ep, where it answers
 * for itself, nor if the two may not talk to each other.
 */
static __always_inline bool neigh_may_tell(struct __sk_buff *skb, struct endpoint *ep,
					   struct network *network, const void *asking,
					   const struct neigh_holder *holder)
{
	union fdb_owner place;

	if (holder->endpoint == ep->id || mac_equal(holder->mac, asking))
		return false;
	place = fdb_find(network, holder->mac).owner;
	if (!neigh_is_here(skb, holder, place))
		return false;
	return !delivery_gate(skb, ep, place.ifindex);
}

/* May ep take the address? Then its holder is asked, which alone knows whether it still has it. */
static __always_inline bool neigh_may_take(struct endpoint *ep, const struct in6_addr *ip)
{
	return !(ep->flags & ENDPOINT_LOCK) || address_is_allowed(ep, ip);
}

/*
 * An endpoint, or another node if ep is NULL, announces that it has the address. If it is not
 * the known holder, requests for the address are flooded until that one speaks again.
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

#endif
