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
#include "inbound.h"

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

/*
 * Segments that GRO has merged in a tunnel stay marked as being in one when TC
 * takes them apart (before BPF_F_ADJ_ROOM_DECAP_L4_UDP). Their receiver does not
 * mind, but whoever sends them on does: another tunnel refuses them, and a NIC
 * may look for headers where none are. So the kernel's own device takes apart
 * what is for an endpoint that may send it on, if there is one; and all of TCP,
 * not only what was merged, or segments would overtake each other.
 */
static __always_inline bool underlay_leave(struct __sk_buff *skb, const struct inbound *in,
					   struct fdb_place to)
{
	struct underlay *underlay = underlay_find();
	struct endpoint *ep;
	__u8 protocol = 0;

	if (!underlay || !(underlay->flags & UNDERLAY_ANCHOR) || !in->overhead ||
	    in->tunnel.reason || !to.owner.ifindex || decap_flags & ADJ_ROOM_DECAP_L4_UDP)
		return false;
	ep = endpoint_find(to.owner.ifindex);
	if (!ep || !(ep->flags & (ENDPOINT_PREFIXES | ENDPOINT_GATEWAY | ENDPOINT_LEARN)))
		return false;
	if (in->eth.h_proto == bpf_htons(ETH_P_IP))
		load(skb, in->overhead + ETH_HLEN + offsetof(struct iphdr, protocol), &protocol,
		     sizeof(protocol));
	else if (in->eth.h_proto == bpf_htons(ETH_P_IPV6))
		load(skb, in->overhead + ETH_HLEN + offsetof(struct ipv6hdr, nexthdr), &protocol,
		     sizeof(protocol));
	return protocol == IPPROTO_TCP;
}

SEC("tc")
int underlay(struct __sk_buff *skb)
{
	struct network *network;
	struct fdb_place to;
	struct inbound in;
	int verdict;

	network = underlay_take(skb, &in, &verdict);
	if (!network)
		return verdict;
	to = inbound_place(&in, network);
	if (underlay_leave(skb, &in, to))
		return TC_ACT_UNSPEC;
	return inbound(skb, &in, network, to);
}
