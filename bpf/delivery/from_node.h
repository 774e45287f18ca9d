/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* A frame from another node: check it, learn from it, deliver it on this node. */
#ifndef DELIVERY_FROM_NODE_H
#define DELIVERY_FROM_NODE_H

#include "anti_spoof/host.h"
#include "anti_spoof/node.h"
#include "decap/congestion.h"
#include "decap/read_tc.h"
#include "decap/strip.h"
#include "delivery/flood.h"
#include "delivery/gate.h"
#include "delivery/scrub.h"
#include "delivery/dnat_flows.h"
#include "delivery/unicast.h"
#include "fdb/learn.h"

#undef HERE
#define HERE FILE_DELIVERY_FROM_NODE

/* Learn that the source MAC is behind the node. */
static __noinline int decap_learn(struct __sk_buff *skb, struct inbound *in,
				  struct network *network, struct node *node)
{
	struct fdb_sender sender = {
		.from = FROM_NODE(in->tunnel.node, network->vni),
		.owner = { .node = in->tunnel.node },
		.learn_max = node->learn_max,
	};
	struct fdb_key key;

	fdb_key_fill(&key, network, in->eth.h_source, false);
	return fdb_learn_from(skb, &sender, network, &key);
}

/* The place of a unicast destination, if known. */
static __always_inline struct fdb_place inbound_place(const struct inbound *in,
						      const struct network *network)
{
	struct fdb_place nowhere = {};

	return mac_is_group(in->eth.h_dest) ? nowhere : fdb_route(network, in->eth.h_dest);
}

static __always_inline int inbound_flood(struct __sk_buff *skb, const struct inbound *in,
					 const struct network *network, __u64 from)
{
	struct flood flood = {
		.skb = skb,
		.from = from,
		.network = in->tunnel.network,
	};

	flood_ports(&flood, network->slots);
	return flood_last(&flood);
}

/* Returns the verdict. */
static __always_inline int deliver_from_node(struct __sk_buff *skb, struct inbound *in,
				   struct network *network, struct fdb_place to)
{
	__u64 from = FROM_NODE(in->tunnel.node, network->vni);
	struct node_stats *stats = node_stats_find(in->tunnel.node);
	struct node *node = node_find(in->tunnel.node);
	struct decap_mark mark;
	enum reason reason;
	bool typed = true;
	long error;
	int ecn;

	if (stats) {
		stats->rx_packets++;
		stats->rx_bytes += skb->len - in->overhead;
	}
	if (in->tunnel.reason)
		return drop_from(skb, NULL, from, in->tunnel.reason, 0);
	if (mac_is_group(in->eth.h_source) || mac_is_zero(in->eth.h_source))
		return drop_from(skb, NULL, from, REASON_SOURCE_MAC_INVALID, 0);
	if (mac_is_link_local(in->eth.h_dest) && !network_forwards_group(network, in->eth.h_dest))
		return drop_from(skb, NULL, from, REASON_LINK_LOCAL_GROUP, 0);
	reason = anti_spoof_node(skb, in, network);
	if (reason)
		return drop_from(skb, NULL, from, reason, 0);
	ecn = in->overhead ? decap_ecn(skb, in, &mark) : 0;
	if (ecn < 0)
		return drop_from(skb, NULL, from, REASON_ECN, 0);

	if (node && !(network->flags & NETWORK_NO_LEARN_NODES))
		decap_learn(skb, in, network, node);
	if (to.owner.node)
		return drop_from(skb, NULL, from, REASON_SPLIT_HORIZON, 0);
	if (to.flags & PLACE_OWN_PREFIX)
		return drop_from(skb, NULL, from, REASON_PREFIX_UNUSED, 0);
	if (!to.owner.word && !mac_is_group(in->eth.h_dest) &&
	    network->flags & NETWORK_NO_FLOOD_UNKNOWN)
		return drop_from(skb, NULL, from, REASON_UNKNOWN_UNICAST, 0);

	error = in->overhead ? decap_strip(skb, in, &typed) : 0;
	if (!error && ecn > 0)
		error = decap_store_ecn(skb, &mark);
	if (error)
		return drop_from(skb, NULL, from, REASON_DECAP, error);
	scrub(skb);
	if (typed && translated_has_flows(network, in->tunnel.network))
		translated_divert(skb, network, &to);
	if (to.flags & FDB_GATEWAY || mac_is_group(in->eth.h_dest)) {
		reason = anti_spoof_host(skb, !(to.flags & FDB_GATEWAY));
		if (reason)
			return drop_from(skb, NULL, from, reason, 0);
	}
	if (to.owner.word)
		return deliver_here(skb, NULL, from, to, typed);
	return inbound_flood(skb, in, network, from);
}

#endif
