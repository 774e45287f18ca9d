/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Flood a frame of an endpoint: to the other endpoints of this node, and one copy
 * to each other node that has the network (head-end replication), which floods it to
 * its own endpoints and to no node (split horizon).
 */
#ifndef DELIVERY_REPLICATE_H
#define DELIVERY_REPLICATE_H

#include "delivery/flood.h"
#include "delivery/replica_copy.h"
#include "encap/send.h"

#undef HERE
#define HERE FILE_DELIVERY_REPLICATE

/* A copy to the node found last; replicate.bpf.c encapsulates it. */
static __always_inline void replicate_clone(struct flood *flood)
{
	struct underlay *underlay = underlay_find();
	__u64 to = FROM_NODE(flood->node, flood->vni);
	struct __sk_buff *skb = flood->skb;
	struct copy *copy = replica_copy_find();
	long error = -ENODEV;

	if (underlay && copy) {
		copy->ifindex = skb->ifindex;
		copy->node = flood->node;
		copy->vni = flood->vni;
		error = bpf_clone_redirect(skb, underlay->replicator, redirect_flags);
		copy->ifindex = 0;
	}
	if (error)
		notice_from(skb, flood->ep, to, REASON_FLOOD_COPY, 1, error);
}

static long replicate_node(__u32 slot, struct flood *flood)
{
	struct replica_key key = { .network = flood->network, .slot = slot };
	struct replica *replica = bpf_map_lookup_elem(&dp_replica_v1, &key);

	if (!replica)
		return 0;
	if (flood->node)
		replicate_clone(flood);
	flood->node = replica->node;
	return 0;
}

static __noinline int flood_network(struct __sk_buff *skb, struct endpoint *ep, struct network *network)
{
	struct flood flood = {
		.skb = skb,
		.ep = ep,
		.network = ep->network,
		.vni = network->vni,
	};
	struct endpoint_stats *stats = stats_find(ep->id);
	__u32 nodes = network->replicas;

	if (stats)
		stats->tx_flooded++;
	flood_ports(&flood, network->slots);
	if (!nodes)
		return flood_last(&flood);
	if (nodes > FLOOD_NODE_MAX) {
		notice(skb, ep, REASON_FLOOD_BOUND, nodes - FLOOD_NODE_MAX, 0);
		nodes = FLOOD_NODE_MAX;
	}
	flood.node = unknown_zero();
	bpf_loop(nodes, replicate_node, &flood, 0);
	if (!flood.node)
		return flood_last(&flood);
	flood_report_missed(&flood);
	/* Encapsulated in place, the frame cannot go to other ports. */
	if (flood.last.ifindex)
		flood_clone(&flood);
	return encap_send(skb, ep, FROM_NODE(flood.node, flood.vni), false);
}

#endif
