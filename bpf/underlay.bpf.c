// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * What other nodes send: runs at TC ingress of the underlay device on all that
 * comes in there. Only VXLAN for this node's VTEP, from a node that is known, of
 * a network that it has, is taken; the rest goes on to whoever is next, which is
 * why the verdict is TC_ACT_UNSPEC: a final one would hide the filters of others.
 */
#include "maps.h"
#include "packet.h"
#include "report.h"
#include "decap.h"
#include "deliver.h"
#include "flood.h"

#undef HERE
#define HERE FILE_UNDERLAY

char LICENSE[] SEC("license") = "GPL";

/* Who sent it, and in which network? NULL: `verdict` says what becomes of the packet. */
static __always_inline struct network *underlay_take(struct __sk_buff *skb, struct inbound *in,
						     int *verdict)
{
	struct network *network;

	*verdict = TC_ACT_UNSPEC;
	if (decap_read_meta(skb, in)) {
		network = network_find_index(in->tunnel.network);
		if (!network)
			*verdict = drop_from(skb, NULL, FROM_NODE(in->tunnel.node, 0),
					     REASON_NO_NETWORK, 0);
		return network;
	}
	if (!decap_read(skb, in))
		return NULL;
	network = decap_network(&in->tunnel);
	if (!network) {
		notice_from(skb, NULL, FROM_NODE(0, in->tunnel.vni), REASON_VNI_UNKNOWN, 1, 0);
		return NULL;
	}
	if (!decap_node(&in->tunnel)) {
		*verdict = drop_from(skb, NULL, FROM_NODE(0, network->vni), REASON_VTEP_UNKNOWN, 0);
		return NULL;
	}
	return network;
}

static __always_inline int underlay_flood(struct __sk_buff *skb, struct inbound *in,
					  struct network *network)
{
	struct flood flood = {
		.skb = skb,
		.from = FROM_NODE(in->tunnel.node, network->vni),
		.ifindex = skb->ifindex,
		.network = in->tunnel.network,
	};

	flood_ports(&flood, network->slots);
	return flood_last(&flood);
}

SEC("tc")
int underlay(struct __sk_buff *skb)
{
	struct fdb_place to = {};
	struct node_stats *stats;
	struct network *network;
	bool group, typed = true;
	struct inbound in;
	struct node *node;
	int verdict, ecn;
	long error;
	__be16 word;
	__u64 from;

	network = underlay_take(skb, &in, &verdict);
	if (!network)
		return verdict;
	from = FROM_NODE(in.tunnel.node, network->vni);
	stats = node_stats_find(in.tunnel.node);
	if (stats) {
		stats->rx_packets++;
		stats->rx_bytes += skb->len - in.overhead;
	}
	if (in.tunnel.reason)
		return drop_from(skb, NULL, from, in.tunnel.reason, 0);
	if (mac_is_group(in.eth.h_source) || mac_is_zero(in.eth.h_source))
		return drop_from(skb, NULL, from, REASON_SOURCE_MAC_INVALID, 0);
	ecn = in.overhead ? decap_ecn(skb, &in, &word) : 0;
	if (ecn < 0)
		return drop_from(skb, NULL, from, REASON_ECN, 0);

	node = node_find(in.tunnel.node);
	if (node && !(network->flags & NETWORK_NO_LEARN_NODES))
		decap_learn(skb, &in, network, node);

	group = mac_is_group(in.eth.h_dest);
	if (group && mac_is_link_local(in.eth.h_dest))
		return drop_from(skb, NULL, from, REASON_LINK_LOCAL_GROUP, 0);
	if (!group)
		to = fdb_find(network, in.eth.h_dest);
	if (to.owner.node)
		return drop_from(skb, NULL, from, REASON_SPLIT_HORIZON, 0);
	if (!group && !to.owner.word && network->flags & NETWORK_NO_FLOOD_UNKNOWN)
		return drop_from(skb, NULL, from, REASON_UNKNOWN_UNICAST, 0);

	error = in.overhead ? decap_strip(skb, &in, &typed) : 0;
	if (!error && ecn > 0)
		error = decap_store_ecn(skb, &in, word);
	if (error)
		return drop_from(skb, NULL, from, REASON_DECAP, error);
	if (to.owner.word)
		return deliver_here(skb, NULL, from, to, typed);
	return underlay_flood(skb, &in, network);
}
