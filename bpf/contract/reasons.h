/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Why frames are dropped, and what else is counted. */
#ifndef CONTRACT_REASONS_H
#define CONTRACT_REASONS_H

#include <linux/types.h>

/*
 * Why a frame was dropped (below REASON_NOTICE), or what else is counted
 * although the frame went on (from REASON_NOTICE). The number is the index in
 * dp_reason and part of the events: a retired number is never reused.
 * The comment of each is the text that users see.
 */
enum reason {
	REASON_UNSPEC = 0, /* never counted */
	REASON_NO_ENDPOINT = 1, /* no endpoint is configured at the device */
	REASON_MALFORMED = 2, /* shorter than its own headers say */
	REASON_SOURCE_MAC = 3, /* source MAC is not the endpoint's */
	REASON_SOURCE_MAC_INVALID = 4, /* source MAC is multicast or zero */
	REASON_SOURCE_IP4 = 5, /* IPv4 source is not the endpoint's */
	REASON_SOURCE_IP6 = 6, /* IPv6 source is not the endpoint's */
	REASON_SOURCE_ARP = 7, /* ARP sender is not the endpoint */
	REASON_SOURCE_ND = 8, /* neighbour discovery claims an address or MAC of another station */
	REASON_HEADER_CHAIN = 9, /* too many VLAN tags or IPv6 extension headers to check the source */
	REASON_LINK_LOCAL_GROUP = 10, /* 01:80:c2:00:00:0x stays on its link (network add --group-fwd-mask) */
	REASON_ISOLATED = 11, /* both ends are isolated ports */
	REASON_SAME_PORT = 12, /* destination is behind the port that the frame came from */
	REASON_UNKNOWN_UNICAST = 13, /* destination is unknown and the network does not flood unknowns */
	REASON_NO_PORT = 14, /* the network has no other port */
	REASON_NO_NETWORK = 15, /* the endpoint's network is gone */
	REASON_REDIRECT = 16, /* the kernel refused to redirect */
	REASON_NO_UNDERLAY = 17, /* destination is behind another node but no underlay is set */
	REASON_NO_NODE = 18, /* destination is behind a node that is gone */
	REASON_NO_ROUTE = 19, /* no route to the node; the error is a BPF_FIB_LKUP_RET_ code */
	REASON_TOO_BIG = 20, /* exceeds the path MTU to the node once encapsulated */
	REASON_ENCAP = 21, /* the kernel refused to make room for the outer headers */
	REASON_ENCAP_GSO = 22, /* GSO packet that is already in a tunnel, or of a type that cannot be tunnelled */
	REASON_ENCAP_VLAN = 23, /* more VLAN tags than the datapath encapsulates */
	REASON_SPLIT_HORIZON = 24, /* split horizon: came from a node and would go to a node */
	REASON_VTEP_UNKNOWN = 25, /* VXLAN of a known network from an unknown node */
	REASON_OUTER_FRAGMENT = 26, /* VXLAN in a fragment */
	REASON_OUTER_MALFORMED = 27, /* VXLAN packet whose outer headers contradict its length */
	REASON_INNER_MALFORMED = 28, /* the payload of the VXLAN packet is not an Ethernet frame */
	REASON_ECN = 29, /* congestion was marked on the way, but the inner packet is not ECN-capable (RFC 6040, 4.2) */
	REASON_DECAP = 30, /* the kernel refused to remove the outer headers */
	REASON_DECAP_GSO = 31, /* UDP GSO packet, which only tc-gro or XDP can decapsulate */
	REASON_ANCHOR_STRAY = 32, /* VXLAN at the anchor's socket for another address or an unknown network */
	REASON_PORT_GONE = 33, /* destination's port is gone; the error is the endpoint's number */
	REASON_PORT_DOWN = 34, /* destination's port is down; the error is the endpoint's number */
	REASON_SOURCE_ICMP = 36, /* ICMP redirect or router advertisement that the endpoint may not send */
	REASON_OUTER_CHECKSUM = 45, /* VXLAN packet whose outer IP or UDP checksum is wrong */
	REASON_OUTER_VLAN = 46, /* VXLAN in a VLAN of the device; the driver stripped the tag before XDP */
	REASON_PREFIX_UNUSED = 47, /* destination is in this node's own prefix, but no endpoint has it */

	REASON_FORGED_VXLAN = 40, /* VXLAN forged by an endpoint, to or through the host */
	REASON_FORGED_ERROR = 41, /* ICMP error forged by an endpoint about packets between nodes */
	REASON_NODE_MAC = 42, /* frame from another node with the source MAC of an endpoint or gateway here */
	REASON_NODE_NEIGHBOUR = 43, /* ARP or neighbour discovery from another node for an address here */
	REASON_NETWORKS_APART = 44, /* routed by the host from one network to another, which is not allowed */

	REASON_NOTICE = 64, /* never counted; the reasons after it are not drops */
	REASON_FDB_FULL = 65, /* MAC not learned: the table is full */
	REASON_LEARN_LIMIT = 66, /* MAC not learned: the endpoint has reached its limit */
	REASON_STATIC_MAC = 67, /* MAC not learned: a static entry has it at another port */
	REASON_FLOOD_BOUND = 68, /* copies not made: the network has more ports than one flood reaches */
	REASON_FLOOD_COPY = 69, /* copies lost: no memory or the receiver's queue was full */
	REASON_EVENT_LIMIT = 70, /* events not sent: above the rate limit */
	REASON_EVENT_LOST = 71, /* events lost: the ring was full */
	REASON_TIMER = 72, /* ageing timer could not be started; the entry was not learned */
	REASON_VNI_UNKNOWN = 73, /* VXLAN of an unknown network: left to the kernel */
	REASON_NODE_LEARN_LIMIT = 74, /* MAC not learned: its node has reached its limit */
	REASON_ICMP_LIMIT = 75, /* sender not told that its packet is too big: above the rate limit */
	REASON_ICMP_IMPOSSIBLE = 76, /* sender not told that its packet is too big: no ICMP error can be sent for it */
	REASON_NO_META = 77, /* decapsulated at TC instead of XDP: the driver does not keep metadata */
	REASON_LEARN_ROOM = 83, /* MAC not learned: the remaining space is reserved for endpoints and other nodes */
	REASON_PREFIX_MAC = 84, /* MAC not learned: the prefix of another node contains its address */

	REASON_MAX = 128,
};

/* dp_reason, one for each CPU: index is enum reason. */
struct reason_stats {
	__u64 packets;
	__u64 bytes;
};

#endif
