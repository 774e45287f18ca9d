// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * Frames from other nodes: runs at TC ingress of the underlay device. It takes only
 * VXLAN to this node's VTEP, from a known node, for a network that this node has. All
 * else goes on to the next program with TC_ACT_UNSPEC: a final verdict would hide the
 * filters of others.
 */
#include "decap/read_tc.h"
#include "decap/strip.h"
#include "delivery/from_node.h"
#include "report.h"

#undef HERE
#define HERE FILE_UNDERLAY

char LICENSE[] SEC("license") = "GPL";

/* The network of the packet; its sender is left in `in`. NULL: `verdict` is the packet's. */
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

/* May the receiver forward what it gets? */
static __always_inline bool underlay_forwards(struct fdb_place to)
{
	struct endpoint *ep = endpoint_find(to.owner.ifindex);

	return ep && ep->flags & (ENDPOINT_PREFIXES | ENDPOINT_GATEWAY | ENDPOINT_LEARN);
}

/* The protocol of the packet inside, 0 if that is none. */
static __always_inline __u8 underlay_protocol(struct __sk_buff *skb, const struct inbound *in)
{
	__u32 offset = in->overhead + ETH_HLEN, tags, end = decap_end(skb, in);
	__be16 type = decap_untagged(skb, in, &tags);
	__u8 protocol = 0;

	offset += tags;
	if (type == bpf_htons(ETH_P_IP))
		load_within(skb, offset + offsetof(struct iphdr, protocol), &protocol,
			    sizeof(protocol), end);
	else if (type == bpf_htons(ETH_P_IPV6))
		load_within(skb, offset + offsetof(struct ipv6hdr, nexthdr), &protocol,
			    sizeof(protocol), end);
	return protocol;
}

/*
 * Segments that came whole through a tunnel, or were merged in one, stay marked as
 * encapsulated when TC decapsulates them (before BPF_F_ADJ_ROOM_DECAP_L4_UDP). TCP
 * sockets do not mind. UDP sockets have them cut by a tunnel's rules and lose them.
 * Forwarded, they go to another tunnel, which refuses them, or to a NIC, which may look
 * for headers that are gone. So the kernel's own device, if there is one, decapsulates
 * segments of UDP, and all TCP that may be forwarded: if only its segments, they would
 * overtake single packets. Returns CONTINUE or the verdict.
 */
static __always_inline int underlay_leave(struct __sk_buff *skb, const struct inbound *in,
					  const struct network *network, struct fdb_place to)
{
	struct underlay *underlay = underlay_find();
	bool forwards, anchored;
	__u8 protocol;

	if (!underlay || !in->overhead || in->tunnel.reason || decap_flags & ADJ_ROOM_DECAP_L4_UDP)
		return CONTINUE;
	anchored = underlay->flags & UNDERLAY_ANCHOR;
	forwards = anchored && underlay_forwards(to);
	if (!forwards && !skb->gso_size)
		return CONTINUE;
	protocol = underlay_protocol(skb, in);
	if (forwards && protocol == IPPROTO_TCP)
		return TC_ACT_UNSPEC;
	if (!skb->gso_size || protocol != IPPROTO_UDP)
		return CONTINUE;
	if (anchored)
		return TC_ACT_UNSPEC;
	return drop_from(skb, NULL, FROM_NODE(in->tunnel.node, network->vni), REASON_DECAP_GSO, 0);
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
	verdict = underlay_leave(skb, &in, network, to);
	if (verdict != CONTINUE)
		return verdict;
	return deliver_from_node(skb, &in, network, to);
}
