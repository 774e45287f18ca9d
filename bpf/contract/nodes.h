/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The underlay, and the other nodes behind it. */
#ifndef CONTRACT_NODES_H
#define CONTRACT_NODES_H

#include <linux/types.h>

enum underlay_flags {
	UNDERLAY_IP6 = 1 << 0, /* nodes talk IPv6 to each other */
	UNDERLAY_FRAGMENT = 1 << 1, /* routers may fragment: DF is not set (IPv4) */
	UNDERLAY_DSCP = 1 << 2, /* the DSCP of the frame inside is copied, instead of `dscp` */
	UNDERLAY_ANCHOR = 1 << 3, /* an external vxlan device with the program `anchor` is on the port */
};

enum underlay_decap {
	DECAP_XDP = 1 << 0, /* the program `decap` is in the driver: metadata at the device are its own */
	/* A driver's word about checksums may be of the headers that `decap` removes. */
	DECAP_VERIFY = 1 << 1,
	/*
	 * The device hands over packets as the kernel had them: with a checksum that is yet to be
	 * computed, and with whatever was left in front of them elsewhere.
	 */
	DECAP_VETH = 1 << 2,
};

/* dp_underlay: one entry, how this node sends to others and hears them. */
struct underlay {
	__u32 ifindex; /* where the way to nodes starts if the kernel's routes don't say; 0: no underlay */
	__u32 flags; /* enum underlay_flags */
	__u32 mtu; /* bytes of layer 3 that the underlay carries; a route or a path may carry less */
	__u32 replicator; /* ifindex of the device through which copies of a frame go to nodes */
	__u8 local[16]; /* this node's VTEP address, IPv4 as ::ffff:a.b.c.d */
	__be16 port; /* UDP port of VXLAN; network byte order */
	__u8 ttl; /* TTL or hop limit of what is sent */
	__u8 dscp; /* DSCP of what is sent, 6 bits */
	__u8 mac[6]; /* of the device that packets come in at, if DECAP_XDP */
	__u16 decap; /* enum underlay_decap */
};

/* dp_node: number of the node, from 1 to NODE_MAX - 1 -> how to reach it. */
struct node {
	__u8 vtep[16]; /* its VTEP address, IPv4 as ::ffff:a.b.c.d; all zero: no such node */
	__u32 flags; /* none yet */
	__u32 learn_max; /* learned MACs at most behind it */
};

/* dp_vtep: VTEP address -> node. Nobody else is listened to. */
struct vtep_key {
	__u8 ip[16]; /* IPv4 as ::ffff:a.b.c.d */
};

struct vtep {
	__u32 node; /* its number */
};

/* dp_nodestat, one for each CPU: counters of a node, as seen from this one. */
struct node_stats {
	__u64 tx_packets; /* frames sent to the node */
	__u64 tx_bytes; /* bytes of them without the outer headers */
	__u64 rx_packets; /* frames from the node, those that were dropped too */
	__u64 rx_bytes;
	__u64 tx_dropped; /* frames for the node that were dropped, for whatever reason */
	__u64 rx_dropped; /* frames from the node that were dropped, for whatever reason */
};

/*
 * dp_learned: number of the endpoint -> how many MACs are learned there now; 0: in all,
 * those behind nodes too.
 * dp_nodelearn: number of the node -> the same behind it.
 */
struct learned {
	__u32 count;
};

#endif
