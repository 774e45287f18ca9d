/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Every map of the datapath. The name ends in the version of its layout: a change of
 * key, value or type needs a new one. The loader decides where maps are pinned.
 *
 * Tables that grow with the traffic or with the node are not preallocated: a node with
 * ten endpoints should not pay for a million entries. What every packet looks up is an
 * array, since the JIT inlines that look-up.
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
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, NODE_PREFIX_MAX);
	__type(key, struct node_prefix_key);
	__type(value, struct node_prefix);
} dp_nodeprefix_v1 SEC(".maps");

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
} dp_event_v2 SEC(".maps");

#endif
