/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * ARP requests and neighbour solicitations for known addresses are answered here
 * instead of flooded. The frame itself becomes the answer.
 *
 * Only multicast and broadcast ones: a unicast one asks whether the neighbour is still
 * alive (RFC 1122, 2.3.2.1; RFC 4861, 7.3), which only the neighbour knows.
 */
#ifndef NEIGHBOUR_ANSWER_H
#define NEIGHBOUR_ANSWER_H

#include "neighbour/arp.h"
#include "neighbour/nd.h"

/* Answer a frame to a group if it asks for a known neighbour. */
int neigh_answer(struct __sk_buff *skb, struct endpoint *ep, struct network *network);

__noinline int neigh_answer(struct __sk_buff *skb, struct endpoint *ep,
				   struct network *network)
{
	__be16 protocol = 0;

	if (!ep || !network)
		return CONTINUE;
	/* The table has no VLANs, so requests inside one are not answered. */
	if (skb->vlan_present)
		return CONTINUE;
	load(skb, offsetof(struct ethhdr, h_proto), &protocol, sizeof(protocol));
	if (protocol == bpf_htons(ETH_P_ARP))
		return neigh_answer_arp(skb, ep, network);
	if (protocol == bpf_htons(ETH_P_IPV6))
		return neigh_answer_nd(skb, ep, network);
	return CONTINUE;
}

#endif
