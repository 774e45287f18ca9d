/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Anti-spoofing of frames from other nodes. The node may be compromised or forged:
 * underlays do not verify source addresses. It must not speak for the endpoints and
 * gateways of this node: neither with their MAC as the source, nor by ARP or neighbour
 * discovery about their addresses.
 */
#ifndef ANTI_SPOOF_NODE_H
#define ANTI_SPOOF_NODE_H

#include "decap/inner_frame.h"
#include "delivery/reachable.h"
#include "fdb/entry.h"
#include "wire/arp.h"
#include "wire/ip6_extensions.h"
#include "wire/nd.h"

/*
 * Does the MAC belong to an endpoint or gateway of this node, or to a static entry behind
 * one? Not if the port is gone: its owner may have come up on another node.
 */
static __noinline bool here_mac(struct __sk_buff *skb, const struct network *network,
				const __u8 *mac)
{
	struct fdb_key key;
	struct fdb *fdb;

	fdb_key_fill(&key, network, mac, false);
	fdb = bpf_map_lookup_elem(&dp_fdb_v1, &key);
	return fdb && fdb->flags && fdb->ifindex &&
	       port_search(skb, fdb->ifindex) != REASON_PORT_GONE;
}

/* Does the address belong to an endpoint or gateway of this node? */
static __noinline bool here_ip(struct __sk_buff *skb, const struct network *network,
			       const struct in6_addr *ip)
{
	struct neigh_key key = { .vni = network->vni };
	__u8 mac[ETH_ALEN] __attribute__((aligned(4)));
	const __u8 *id = ip->s6_addr + 8;
	struct neigh *neigh;

	/* Link-local addresses are made of MACs, as anti_spoof/nd_options.h demands of endpoints. */
	if (ip->s6_addr32[0] == bpf_htonl(0xfe800000) && id[3] == 0xff && id[4] == 0xfe) {
		mac[0] = id[0] ^ 2;
		mac[1] = id[1];
		mac[2] = id[2];
		mac[3] = id[5];
		mac[4] = id[6];
		mac[5] = id[7];
		return here_mac(skb, network, mac);
	}
	__builtin_memcpy(key.ip, ip, sizeof(key.ip));
	neigh = bpf_map_lookup_elem(&dp_neigh_v1, &key);
	return neigh && neigh->endpoint && here_mac(skb, network, neigh->mac);
}

static __always_inline bool node_arp(struct __sk_buff *skb, const struct network *network,
					 __u32 offset, __u32 end)
{
	__u8 mac[ETH_ALEN] __attribute__((aligned(4)));
	struct in6_addr sender;
	struct arp_packet arp;

	if (!load_within(skb, offset, &arp, sizeof(arp), end))
		return false;
	__builtin_memcpy(mac, arp.sender_mac, sizeof(mac));
	if (here_mac(skb, network, mac))
		return true;
	ip4_map(&sender, arp.sender_ip);
	return here_ip(skb, network, &sender);
}

/* Does an option name a MAC of this node? */
static __noinline bool node_nd_options(struct __sk_buff *skb, const struct network *network,
					__u32 offset, __u32 end)
{
	struct nd_option_mac option;
	int i;

	for (i = 0; i < ND_OPTIONS_MAX; i++) {
		if (!load_within(skb, offset, &option, sizeof(option), end) || !option.length)
			return false;
		if ((option.type == ND_OPTION_SOURCE_MAC || option.type == ND_OPTION_TARGET_MAC) &&
		    here_mac(skb, network, option.mac))
			return true;
		offset += option.length * 8;
	}
	return true;
}

static __always_inline bool node_nd(struct __sk_buff *skb, const struct network *network,
					__u32 offset, __u32 end, __u8 type)
{
	struct nd_neighbour nd;

	switch (type) {
	case ND_ROUTER_SOLICIT:
		return node_nd_options(skb, network, offset + sizeof(struct nd_router_solicit), end);
	case ND_ROUTER_ADVERT:
		return node_nd_options(skb, network, offset + sizeof(struct nd_router_advert), end);
	case ND_NEIGHBOUR_SOLICIT:
	case ND_NEIGHBOUR_ADVERT:
		if (!load_within(skb, offset, &nd, sizeof(nd), end))
			return false;
		/* A solicitation asks for its target, duplicate address detection too. */
		if (type == ND_NEIGHBOUR_ADVERT && here_ip(skb, network, &nd.target))
			return true;
		return node_nd_options(skb, network, offset + sizeof(nd), end);
	default:
		return node_nd_options(skb, network, offset + sizeof(struct nd_redirect), end);
	}
}

static __always_inline enum reason node_ip6(struct __sk_buff *skb,
						const struct network *network, __u32 offset,
						__u32 end)
{
	struct ip6_upper upper = {};
	enum reason reason;
	struct ipv6hdr ip;
	__u8 type;

	if (!load_within(skb, offset, &ip, sizeof(ip), end) || ip.nexthdr == IPPROTO_TCP ||
	    ip.nexthdr == IPPROTO_UDP)
		return REASON_UNSPEC;
	upper.offset = offset + sizeof(ip);
	upper.protocol = ip.nexthdr;
	upper.end = ip6_end(skb, &ip, offset);
	if (upper.end > end)
		upper.end = end;
	reason = ip6_find_upper(skb, &upper);
	/* Receivers ignore neighbour discovery that is cut short. */
	if (reason == REASON_HEADER_CHAIN)
		return reason;
	if (reason || upper.protocol != IPPROTO_ICMPV6 ||
	    !load_within(skb, upper.offset, &type, sizeof(type), upper.end) ||
	    type < ND_ROUTER_SOLICIT || type > ND_REDIRECT)
		return REASON_UNSPEC;
	/* RFC 6980 forbids its fragmentation, and its other fragments cannot be checked. */
	if (upper.fragment || here_ip(skb, network, &ip.saddr) ||
	    node_nd(skb, network, upper.offset, upper.end, type))
		return REASON_NODE_NEIGHBOUR;
	return REASON_UNSPEC;
}

/* Why a frame from a node is refused, or REASON_UNSPEC. The outer headers may still be there. */
int anti_spoof_node(struct __sk_buff *skb, struct inbound *in, struct network *network);

__noinline int anti_spoof_node(struct __sk_buff *skb,
			struct inbound *in,
			struct network *network)
{
	__u32 tags, offset, end;
	__be16 protocol;

	if (!in || !network)
		return REASON_NO_NETWORK;
	if (here_mac(skb, network, in->eth.h_source))
		return REASON_NODE_MAC;
	protocol = decap_untagged(skb, in, &tags);
	offset = in->overhead + ETH_HLEN + tags;
	end = decap_end(skb, in);
	if (protocol == bpf_htons(ETH_P_ARP))
		return node_arp(skb, network, offset, end) ? REASON_NODE_NEIGHBOUR :
								 REASON_UNSPEC;
	if (protocol == bpf_htons(ETH_P_IPV6))
		return node_ip6(skb, network, offset, end);
	/* Receivers strip any number of tags with VLAN 0 and accept the packet behind them. */
	return protocol_is_tag(protocol) ? REASON_HEADER_CHAIN : REASON_UNSPEC;
}

#endif
