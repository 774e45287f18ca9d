// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * Frames that the kernel has decapsulated instead of underlay.bpf.c: runs at TC ingress
 * of the anchor, an external vxlan device that makes the kernel merge the segments of
 * tunnels (GRO).
 *
 * Its socket receives all packets to the UDP port, through any device and at any
 * address of the host, also packets of a container to its gateway. Packets that are not
 * for this node are dropped here: they are already decapsulated, and the host's IP stack
 * would accept them as packets of a neighbour.
 */
#include "decap/match.h"
#include "delivery/from_node.h"
#include "report.h"

#undef HERE
#define HERE FILE_ANCHOR

char LICENSE[] SEC("license") = "GPL";

/*
 * The outer headers' values, as the device has kept them. false: underlay.bpf.c would
 * not have taken the packet, because of its family or destination. (Before 6.0 the
 * helper does not know the destination, and refuses the call.)
 */
static __always_inline bool anchor_read(struct __sk_buff *skb, struct inbound *in)
{
	struct underlay *underlay = underlay_find();
	struct bpf_tunnel_key key = {};
	struct in6_addr *source = (struct in6_addr *)in->tunnel.source.ip;
	bool ip6;

	if (!underlay)
		return false;
	ip6 = underlay->flags & UNDERLAY_IP6;
	if (bpf_skb_get_tunnel_key(skb, &key, sizeof(key), ip6 ? BPF_F_TUNINFO_IPV6 : 0))
		return false;
	if (ip6) {
		if (!ip6_equal(key.local_ipv6, underlay->local))
			return false;
		__builtin_memcpy(source, key.remote_ipv6, sizeof(*source));
	} else {
		if (bpf_htonl(key.local_ipv4) != ip4_of(underlay->local))
			return false;
		ip4_map(source, bpf_htonl(key.remote_ipv4));
	}
	in->tunnel.vni = key.tunnel_id;
	in->tunnel.reason = REASON_UNSPEC;
	in->overhead = 0;
	return load(skb, 0, &in->eth, sizeof(in->eth));
}

SEC("tc")
int anchor(struct __sk_buff *skb)
{
	struct network *network;
	struct inbound in;

	if (!anchor_read(skb, &in))
		return drop(skb, NULL, REASON_ANCHOR_STRAY, 0);
	network = decap_network(&in.tunnel);
	if (!network)
		return drop_from(skb, NULL, FROM_NODE(0, in.tunnel.vni), REASON_ANCHOR_STRAY, 0);
	if (!decap_node(&in.tunnel))
		return drop_from(skb, NULL, FROM_NODE(0, network->vni), REASON_VTEP_UNKNOWN, 0);
	return deliver_from_node(skb, &in, network, inbound_place(&in, network));
}
