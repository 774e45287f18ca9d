/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Prefixes that nodes own. One entry tells where all addresses of a prefix are, those of
 * endpoints that will come too. It is looked at only where dp_fdb or dp_neigh has no entry.
 */
#ifndef FDB_NODE_PREFIX_H
#define FDB_NODE_PREFIX_H

#include "lookup.h"
#include "wire/ip.h"
#include "wire/mac.h"

/* No node owns the address. */
#define NODE_PREFIX_NONE (-1)

int node_prefix_find(__u32 vni, const struct in6_addr *ip);
int node_prefix_find4(__u32 vni, __be32 ip4);

static __always_inline int node_prefix_search(struct node_prefix_key *key)
{
	struct node_prefix *prefix;

	key->prefixlen = 8 * sizeof(key->vni) + IP6_BITS;
	prefix = bpf_map_lookup_elem(&dp_nodeprefix_v1, key);
	return prefix ? (int)prefix->node : NODE_PREFIX_NONE;
}

/* The number of the node that owns the address, 0 for this one, or NODE_PREFIX_NONE. */
__noinline int node_prefix_find(__u32 vni, const struct in6_addr *ip)
{
	struct node_prefix_key key = { .vni = vni };

	if (!ip)
		return NODE_PREFIX_NONE;
	__builtin_memcpy(key.ip, ip, sizeof(key.ip));
	return node_prefix_search(&key);
}

/* The same for an IPv4 address. */
__noinline int node_prefix_find4(__u32 vni, __be32 ip4)
{
	struct node_prefix_key key = { .vni = vni };

	ip4_map((struct in6_addr *)key.ip, ip4);
	return node_prefix_search(&key);
}

/* The owner of the IPv4 address that a MAC of the network is made of; mac is 16-bit aligned. */
static __always_inline int node_prefix_of_mac(const struct network *network, const void *mac)
{
	const __u16 *x = mac;
	union {
		__u16 half[2];
		__be32 ip4;
	} tail;

	if (!(network->flags & NETWORK_PREFIXES) || x[0] != bpf_htons(MAC_OF_IP4))
		return NODE_PREFIX_NONE;
	tail.half[0] = x[1];
	tail.half[1] = x[2];
	return node_prefix_find4(network->vni, tail.ip4);
}

#endif
