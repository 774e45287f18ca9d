/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Flows that the host has translated. A client connects to a service address, and the host
 * translates it to a backend on the client's own segment (DNAT): the request reaches the backend
 * through the gateway with the client's address. The answer would go straight to the client, which
 * does not know the backend; a bridge hands such frames to netfilter (br_netfilter). Here the
 * host's port records each flow that it sends with another address of the segment as its source,
 * and answers of that flow go to the host, which translates them back.
 *
 * Only the host's port records flows, so no endpoint can divert another's.
 */
#ifndef DELIVERY_DNAT_FLOWS_H
#define DELIVERY_DNAT_FLOWS_H

#include "fdb/find.h"
#include "wire/icmp.h"
#include "wire/ip.h"

/* The flow that a frame belongs to. */
struct translated_packet {
	struct in6_addr source;
	struct in6_addr destination;
	__be16 ports[2]; /* source and destination; 0: none, as in fragments and errors */
	__u8 protocol; /* 0: with ports of 0 */
};

static __always_inline void translated_ports(struct __sk_buff *skb, struct translated_packet *packet,
					  __u8 protocol, __u32 offset, __u32 end)
{
	__u8 type = 0;

	packet->ports[0] = 0;
	packet->ports[1] = 0;
	packet->protocol = 0;
	switch (protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		if (offset + sizeof(packet->ports) > end ||
		    !load(skb, offset, packet->ports, sizeof(packet->ports)))
			return;
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (offset + offsetof(struct icmp_echo, sequence) > end || !load(skb, offset, &type, sizeof(type)))
			return;
		if (protocol == IPPROTO_ICMP ?
			    type != ICMP4_ECHO_REQUEST && type != ICMP4_ECHO_REPLY :
			    type != ICMP6_ECHO_REQUEST && type != ICMP6_ECHO_REPLY)
			return;
		load(skb, offset + offsetof(struct icmp_echo, identifier), &packet->ports[0],
		     sizeof(packet->ports[0]));
		packet->ports[1] = packet->ports[0];
		break;
	default:
		return;
	}
	packet->protocol = protocol;
}

/* false: the frame is not IP, or in a VLAN, which the host's port does not serve. */
static __always_inline bool translated_read(struct __sk_buff *skb, struct translated_packet *packet)
{
	union {
		struct iphdr ip4;
		struct ipv6hdr ip6;
	} header;
	__be16 protocol = 0;
	__u32 end;

	if (skb->vlan_present ||
	    !load(skb, offsetof(struct ethhdr, h_proto), &protocol, sizeof(protocol)))
		return false;
	if (protocol == bpf_htons(ETH_P_IP)) {
		if (!load(skb, ETH_HLEN, &header.ip4, sizeof(header.ip4)))
			return false;
		ip4_map(&packet->source, header.ip4.saddr);
		ip4_map(&packet->destination, header.ip4.daddr);
		end = ip4_end(skb, &header.ip4, ETH_HLEN);
		/* All fragments take the same path, and only the first has ports. */
		translated_ports(skb, packet,
			      header.ip4.frag_off & bpf_htons(IP4_MF | IP4_OFFSET) ?
				      0 : header.ip4.protocol,
			      ETH_HLEN + header.ip4.ihl * 4, end);
		return true;
	}
	if (protocol != bpf_htons(ETH_P_IPV6) ||
	    !load(skb, ETH_HLEN, &header.ip6, sizeof(header.ip6)))
		return false;
	packet->source = header.ip6.saddr;
	packet->destination = header.ip6.daddr;
	end = ip6_end(skb, &header.ip6, ETH_HLEN);
	translated_ports(skb, packet, header.ip6.nexthdr, ETH_HLEN + sizeof(header.ip6), end);
	return true;
}

/*
 * Send an answer of a translated flow to the host's port instead, whether its destination is
 * behind this node or it came from another: it changes `to` and the destination MAC.
 */
static __noinline bool translated_divert(struct __sk_buff *skb, struct network *network,
				      struct fdb_place *to)
{
	struct translated_packet packet;
	struct flow_key key = {};
	struct endpoint *gateway;
	struct fdb_place place;
	struct flow *flow;
	/* Not frames to a group, which have no single place, nor frames to the host itself. */
	if (!to->owner.word || to->flags & FDB_GATEWAY || !translated_read(skb, &packet))
		return false;
	key.vni = network->vni;
	__builtin_memcpy(key.source, &packet.source, sizeof(key.source));
	__builtin_memcpy(key.destination, &packet.destination, sizeof(key.destination));
	key.protocol = packet.protocol;
	key.ports[0] = packet.ports[0];
	key.ports[1] = packet.ports[1];
	flow = bpf_map_lookup_elem(&dp_flow_v1, &key);
	if (!flow)
		return false;
	gateway = endpoint_find(flow->ifindex);
	if (!gateway || gateway->id != flow->endpoint || !(gateway->flags & ENDPOINT_GATEWAY) ||
	    network_find(gateway) != network)
		return false;
	place = fdb_find(network, gateway->mac);
	if (place.owner.ifindex != flow->ifindex ||
	    bpf_skb_store_bytes(skb, 0, gateway->mac, ETH_ALEN, 0))
		return false;
	*to = place;
	return true;
}

/* Has the network any such flow? Without a gateway, the network's own entry says no. */
static __always_inline bool translated_has_flows(const struct network *network, __u32 index)
{
	struct segment *segment;

	if (!(network->flags & NETWORK_GATEWAY))
		return false;
	segment = bpf_map_lookup_elem(&dp_segment_v1, &index);
	return segment && segment->own_flows;
}

#endif
