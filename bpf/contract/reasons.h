/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Why frames are dropped, and what else is counted. */
#ifndef CONTRACT_REASONS_H
#define CONTRACT_REASONS_H

#include <linux/types.h>

/*
 * Why a frame was dropped (below REASON_NOTICE), or what else deserves a count
 * although the frame went on (from REASON_NOTICE). The number is the index in
 * dp_reason and part of the events: a number that is retired is never used again.
 * The comment of each is the text that users see.
 */
enum reason {
	REASON_UNSPEC = 0, /* never counted */
	REASON_NO_ENDPOINT = 1, /* the device has the program but no endpoint */
	REASON_MALFORMED = 2, /* shorter than its own headers say */
	REASON_SOURCE_MAC = 3, /* source MAC is not the endpoint's */
	REASON_SOURCE_MAC_INVALID = 4, /* source MAC is multicast or zero */
	REASON_SOURCE_IP4 = 5, /* IPv4 source is not the endpoint's */
	REASON_SOURCE_IP6 = 6, /* IPv6 source is not the endpoint's */
	REASON_SOURCE_ARP = 7, /* ARP sender is not the endpoint */
	REASON_SOURCE_ND = 8, /* neighbour discovery speaks for somebody else */
	REASON_HEADER_CHAIN = 9, /* too many VLAN tags or IPv6 extension headers to check the source */
	REASON_LINK_LOCAL_GROUP = 10, /* 01:80:c2:00:00:0x stays on its link (network add --group-fwd-mask) */
	REASON_ISOLATED = 11, /* both ends are isolated ports */
	REASON_SAME_PORT = 12, /* destination is behind the port that the frame came from */
	REASON_UNKNOWN_UNICAST = 13, /* destination is unknown and the network does not flood unknowns */
	REASON_NO_PORT = 14, /* nobody else is on the network */
	REASON_NO_NETWORK = 15, /* the endpoint's network is gone */
	REASON_REDIRECT = 16, /* the kernel refused to redirect */
	REASON_NO_UNDERLAY = 17, /* destination is behind another node but no underlay is set */
	REASON_NO_NODE = 18, /* destination is behind a node that is gone */
	REASON_NO_ROUTE = 19, /* no route to the node; the error is a BPF_FIB_LKUP_RET_ code */
	REASON_TOO_BIG = 20, /* does not fit into the path to the node with the outer headers */
	REASON_ENCAP = 21, /* the kernel refused to make room for the outer headers */
	REASON_ENCAP_GSO = 22, /* segments already in a tunnel, or of a kind that no tunnel takes */
	REASON_ENCAP_VLAN = 23, /* more VLAN tags than are sent to another node */
	REASON_SPLIT_HORIZON = 24, /* came from a node and would go to a node */
	REASON_VTEP_UNKNOWN = 25, /* VXLAN of a known network from an unknown node */
	REASON_OUTER_FRAGMENT = 26, /* VXLAN in a fragment */
	REASON_OUTER_MALFORMED = 27, /* VXLAN packet whose outer headers contradict its length */
	REASON_INNER_MALFORMED = 28, /* what is inside the VXLAN packet is no Ethernet frame */
	REASON_ECN = 29, /* congestion on the way, and the packet inside cannot say so (RFC 6040, 4.2) */
	REASON_DECAP = 30, /* the kernel refused to remove the outer headers */
	REASON_DECAP_GSO = 31, /* segments of UDP, which only the kernel's device or XDP can decapsulate */
	REASON_ANCHOR_STRAY = 32, /* VXLAN at the anchor's socket for another address or an unknown network */
	REASON_PORT_GONE = 33, /* destination's port is gone; the error is the endpoint's number */
	REASON_PORT_DOWN = 34, /* destination's port is down; the error is the endpoint's number */
	REASON_SOURCE_ICMP = 36, /* ICMP redirect or router advertisement for what the endpoint was not allowed */
	REASON_OUTER_CHECKSUM = 45, /* VXLAN packet whose outer IP or UDP checksum is wrong */
	REASON_OUTER_VLAN = 46, /* VXLAN of a VLAN of the device, whose tag the driver hid from XDP */

	REASON_FORGED_VXLAN = 40, /* VXLAN of an endpoint's own making, to or through the host */
	REASON_FORGED_ERROR = 41, /* ICMP error of an endpoint about packets between nodes */
	REASON_NODE_MAC = 42, /* frame from another node with the source MAC of an endpoint or gateway here */
	REASON_NODE_NEIGHBOUR = 43, /* ARP or neighbour discovery from another node for an address here */
	REASON_NETWORKS_APART = 44, /* by way of gateways, from a network to another one */

	REASON_NOTICE = 64, /* never counted: what follows is no drop */
	REASON_FDB_FULL = 65, /* MAC not learned: the table is full */
	REASON_LEARN_LIMIT = 66, /* MAC not learned: the endpoint has as many as it may */
	REASON_STATIC_MAC = 67, /* MAC not learned: a static entry has it elsewhere */
	REASON_FLOOD_BOUND = 68, /* copies not made: more ports than a flood reaches */
	REASON_FLOOD_COPY = 69, /* copies lost: no memory or the receiver's queue was full */
	REASON_EVENT_LIMIT = 70, /* events not sent: over the rate */
	REASON_EVENT_LOST = 71, /* events lost: the ring was full */
	REASON_TIMER = 72, /* ageing timer could not be started; the entry was not learned */
	REASON_VNI_UNKNOWN = 73, /* VXLAN of an unknown network: left to the kernel */
	REASON_NODE_LEARN_LIMIT = 74, /* MAC not learned: as many as may be are known behind its node */
	REASON_ICMP_LIMIT = 75, /* sender not told that its packet is too big: over the rate */
	REASON_ICMP_IMPOSSIBLE = 76, /* sender not told that its packet is too big: there is no way to */
	REASON_NO_META = 77, /* not decapsulated in the driver, which keeps no metadata, but at TC */
	REASON_LEARN_ROOM = 83, /* MAC not learned: the room that is left is for endpoints and others */

	REASON_MAX = 128,
};

/* dp_reason, one for each CPU: index is enum reason. */
struct reason_stats {
	__u64 packets;
	__u64 bytes;
};

#endif
