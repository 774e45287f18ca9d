/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Answers to ARP requests (RFC 826). */
#ifndef NEIGHBOUR_ARP_H
#define NEIGHBOUR_ARP_H

#include "neighbour/lookup.h"
#include "neighbour/reply.h"
#include "wire/arp.h"

static __always_inline int neigh_answer_arp(struct __sk_buff *skb, struct endpoint *ep,
					    struct network *network)
{
	struct {
		struct ethhdr eth;
		struct arp_packet arp;
	} __attribute__((packed)) frame __attribute__((aligned(4)));
	struct neigh_holder holder;
	struct in6_addr mapped;
	__be32 target;

	if (!load(skb, 0, &frame, sizeof(frame)) || !arp_is_ethernet_ip4(&frame.arp))
		return CONTINUE;
	ip4_map(&mapped, frame.arp.sender_ip);
	if (frame.arp.sender_ip)
		neigh_heard(network, ep, frame.arp.sender_mac, &mapped);
	if (frame.arp.operation != bpf_htons(ARP_REQUEST))
		return CONTINUE;
	/* An announcement (RFC 5227, 2.3) is for all hosts. */
	target = frame.arp.target_ip;
	if (target == frame.arp.sender_ip)
		return CONTINUE;
	ip4_map(&mapped, target);
	if (!neigh_known(network, &mapped, &holder) ||
	    !neigh_may_tell(skb, ep, network, frame.eth.h_source, &holder))
		return CONTINUE;
	/* A probe (RFC 5227, 2.1.1). */
	if (!frame.arp.sender_ip && neigh_may_take(ep, &mapped))
		return CONTINUE;

	mac_copy(frame.eth.h_dest, frame.eth.h_source);
	mac_copy(frame.eth.h_source, holder.mac);
	frame.arp.operation = bpf_htons(ARP_REPLY);
	mac_copy(frame.arp.target_mac, frame.arp.sender_mac);
	frame.arp.target_ip = frame.arp.sender_ip;
	mac_copy(frame.arp.sender_mac, holder.mac);
	frame.arp.sender_ip = target;
	/* Fails only without memory, before anything is written: then flood the request. */
	if (bpf_skb_store_bytes(skb, 0, &frame, sizeof(frame),
				BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH))
		return CONTINUE;
	return neigh_reply(skb, ep);
}

#endif
