/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Every map of the datapath. The name ends in the version of its layout: a
 * change of key, value or type takes a new one. Where a map is pinned is the
 * loader's affair.
 *
 * Tables that grow with the traffic or with the node are not preallocated: a
 * node with ten endpoints should not pay for a million entries. Arrays are for
 * what every packet looks up, since the JIT inlines the look-up.
 */
#ifndef MAPS_H
#define MAPS_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "dpctl.h"

/* Bytes of the event ring: about 3,000 events, a burst that a reader can be late for. */
#define EVENT_RING_BYTES (256 * 1024)
/* Endpoints past the array: no more than there are numbers for. */
#define ENDPOINT_HASH_SIZE ENDPOINT_MAX
/* Translated flows that are known at a time, about 3 MB; those that were silent longest go first. */
#define FLOW_MAX 16384
/* Flood list entries: every endpoint is in one list. */
#define PORT_MAX ENDPOINT_MAX

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ENDPOINT_ARRAY_SIZE);
	__type(key, __u32);
	__type(value, struct endpoint);
} dp_endpoint_v1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ENDPOINT_HASH_SIZE);
	__type(key, __u32);
	__type(value, struct endpoint);
} dp_endpointx_v1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NETWORK_MAX);
	__type(key, __u32);
	__type(value, struct network);
} dp_network_v2 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NETWORK_MAX);
	__type(key, __u32);
	__type(value, struct segment);
} dp_segment_v1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FLOW_MAX);
	__type(key, struct flow_key);
	__type(value, struct flow);
} dp_flow_v1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PORT_MAX);
	__type(key, struct port_key);
	__type(value, struct port);
} dp_port_v1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, FDB_MAX);
	__type(key, struct fdb_key);
	__type(value, struct fdb);
} dp_fdb_v1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sweep);
} dp_sweep_v1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, NEIGH_MAX);
	__type(key, struct neigh_key);
	__type(value, struct neigh);
} dp_neigh_v1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PREFIX_MAX);
	__type(key, struct prefix_key);
	__type(value, struct prefix);
} dp_prefix_v1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ENDPOINT_MAX);
	__type(key, __u32);
	__type(value, struct endpoint_stats);
} dp_epstat_v2 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ENDPOINT_MAX);
	__type(key, __u32);
	__type(value, struct learned);
} dp_learned_v1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, NETWORK_MAX);
	__type(key, __u32);
	__type(value, struct vni);
} dp_vni_v1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, REPLICA_MAX);
	__type(key, struct replica_key);
	__type(value, struct replica);
} dp_replica_v1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct underlay);
} dp_underlay_v2 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NODE_MAX);
	__type(key, __u32);
	__type(value, struct node);
} dp_node_v1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, NODE_MAX);
	__type(key, struct vtep_key);
	__type(value, struct vtep);
} dp_vtep_v1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NODE_MAX);
	__type(key, __u32);
	__type(value, struct node_stats);
} dp_nodestat_v1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NODE_MAX);
	__type(key, __u32);
	__type(value, struct learned);
} dp_nodelearn_v1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct copy);
} dp_copy_v1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ROUTE_CACHE_SIZE);
	__type(key, __u32);
	__type(value, struct route);
} dp_route_v1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REASON_MAX);
	__type(key, __u32);
	__type(value, struct reason_stats);
} dp_reason_v1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct config);
} dp_config_v1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, BUCKET_MAX);
	__type(key, __u32);
	__type(value, struct bucket);
} dp_bucket_v1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, EVENT_RING_BYTES);
} dp_event_v1 SEC(".maps");

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

/*
 * Does a frame to 01:80:c2:00:00:00 to :0f leave its link? What br_handle_frame says in the
 * kernel of a bridge with no spanning tree of its own: BPDUs do, so that bridges inside of
 * endpoints find their loops; pauses never; the others where the network's mask says so.
 */
static __always_inline bool network_forwards_group(const struct network *network, const __u8 *mac)
{
	switch (mac[5]) {
	case 0x00:
		return true;
	case 0x01:
		return false;
	}
	return network->group_forward & 1U << (mac[5] & 0xf);
}

/* The endpoint's network, or NULL if it is gone. */
static __always_inline struct network *network_find(const struct endpoint *ep)
{
	return network_find_index(ep->network);
}

/*
 * May the frame not go to isolated ports? It is of one, or may be: the host sends it back
 * to where it came from. Only the host's own port leaves a frame its mark.
 */
static __always_inline bool endpoint_is_apart(const struct __sk_buff *skb,
					      const struct endpoint *ep)
{
	return ep->flags & ENDPOINT_ISOLATED || skb->mark == GATEWAY_MARK_BACK;
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
