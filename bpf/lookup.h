/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Entries of the maps: found, and counted in. */
#ifndef LOOKUP_H
#define LOOKUP_H

#include "maps.h"

/*
 * A function of its own, or the compiler merges the two look-ups into one with
 * a variable map, which the kernel cannot inline.
 */
static __noinline struct endpoint *endpoint_find_hash(__u32 ifindex)
{
	return bpf_map_lookup_elem(&dp_endpointx_v1, &ifindex);
}

/* The host end with number ifindex, or NULL if no endpoint is there. */
static __always_inline struct endpoint *endpoint_find(__u32 ifindex)
{
	struct endpoint *ep;

	if (ifindex < ENDPOINT_ARRAY_SIZE)
		ep = bpf_map_lookup_elem(&dp_endpoint_v1, &ifindex);
	else
		ep = endpoint_find_hash(ifindex);
	if (!ep || !ep->id)
		return NULL;
	return ep;
}

/* The network with an index that came from a table, or NULL if it is gone. */
static __always_inline struct network *network_find_index(__u32 index)
{
	struct network *network = bpf_map_lookup_elem(&dp_network_v2, &index);

	if (!network || !network->vni)
		return NULL;
	return network;
}

/* The endpoint's network, or NULL if it is gone. */
static __always_inline struct network *network_find(const struct endpoint *ep)
{
	return network_find_index(ep->network);
}

static __always_inline struct endpoint_stats *stats_find(__u32 endpoint)
{
	return bpf_map_lookup_elem(&dp_epstat_v2, &endpoint);
}

static __always_inline void count_rx(__u32 endpoint, __u32 bytes)
{
	struct endpoint_stats *stats = stats_find(endpoint);

	if (stats) {
		stats->rx_packets++;
		stats->rx_bytes += bytes;
	}
}

/* How this node talks to others, or NULL if it does not. */
static __always_inline struct underlay *underlay_find(void)
{
	__u32 zero = 0;
	struct underlay *underlay = bpf_map_lookup_elem(&dp_underlay_v2, &zero);

	if (!underlay || !underlay->ifindex)
		return NULL;
	return underlay;
}

/* The node with this number; one that is gone has an address of zeros. */
static __always_inline struct node *node_find(__u32 node)
{
	return bpf_map_lookup_elem(&dp_node_v1, &node);
}

static __always_inline bool node_is_set(const struct node *node)
{
	const __u64 *vtep = (const __u64 *)node->vtep;

	return vtep[0] | vtep[1];
}

static __always_inline bool node_exists(__u32 number)
{
	struct node *node = node_find(number);

	return node && node_is_set(node);
}

/* The network that has the VNI on this node, or NULL. */
static __always_inline struct network *network_find_vni(__u32 vni)
{
	struct vni *found = bpf_map_lookup_elem(&dp_vni_v1, &vni);

	return found ? network_find_index(found->network) : NULL;
}

static __always_inline struct node_stats *node_stats_find(__u32 node)
{
	return bpf_map_lookup_elem(&dp_nodestat_v1, &node);
}

static __always_inline void count_reason(enum reason reason, __u64 packets, __u64 bytes)
{
	__u32 index = reason;
	struct reason_stats *stats = bpf_map_lookup_elem(&dp_reason_v1, &index);

	if (stats) {
		stats->packets += packets;
		stats->bytes += bytes;
	}
}

#endif
