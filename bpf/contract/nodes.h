/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The underlay, and the other nodes behind it. */
#ifndef CONTRACT_NODES_H
#define CONTRACT_NODES_H

#include <linux/types.h>

enum underlay_flags {
	UNDERLAY_IP6 = 1 << 0, /* the underlay is IPv6 */
	UNDERLAY_FRAGMENT = 1 << 1, /* routers may fragment: DF is not set (IPv4) */
	UNDERLAY_DSCP = 1 << 2, /* the DSCP of the inner packet is copied, instead of `dscp` */
	UNDERLAY_ANCHOR = 1 << 3, /* an external vxlan device with the program `anchor` is on the port */
};

enum underlay_decap {
	DECAP_XDP = 1 << 0, /* the program `decap` is attached: metadata at the device comes from it */
	/* The driver may have verified the checksums of the headers that `decap` removes only. */
	DECAP_VERIFY = 1 << 1,
	/*
	 * The device passes packets on as the kernel had them: with a checksum yet to be
	 * computed, and with metadata that other programs left in front of them.
	 */
	DECAP_VETH = 1 << 2,
};

/* dp_underlay: one entry, how this node sends to other nodes and receives from them. */
struct underlay {
	__u32 ifindex; /* device to nodes if the kernel's routes name none; 0: no underlay */
	__u32 flags; /* enum underlay_flags */
	__u32 mtu; /* bytes of layer 3 that the underlay carries; a route or a path may carry less */
	__u32 replicator; /* ifindex of the device through which copies of a frame go to nodes */
	__u8 local[16]; /* this node's VTEP address, IPv4 as ::ffff:a.b.c.d */
	__be16 port; /* UDP port of VXLAN; network byte order */
	__u8 ttl; /* TTL or hop limit of sent packets */
	__u8 dscp; /* DSCP of sent packets, 6 bits */
	__u8 mac[6]; /* of the device that packets come in at, if DECAP_XDP */
	__u16 decap; /* enum underlay_decap */
};

/* dp_node: number of the node, from 1 to NODE_MAX - 1 -> how to reach it. */
struct node {
	__u8 vtep[16]; /* its VTEP address, IPv4 as ::ffff:a.b.c.d; all zero: no such node */
	__u32 flags; /* none yet */
	__u32 learn_max; /* most learned MACs behind it */
};

/* dp_vtep: VTEP address -> node. VXLAN from other addresses is not accepted. */
struct vtep_key {
	__u8 ip[16]; /* IPv4 as ::ffff:a.b.c.d */
};

struct vtep {
	__u32 node; /* its number */
};

/*
 * dp_nodeprefix: prefix of a network -> the node that owns it, a longest-prefix-match trie. A MAC
 * made of an IPv4 address (0a:58 and its four bytes) is behind the owner of that address, unless
 * dp_fdb knows better.
 */
struct node_prefix_key {
	__u32 prefixlen; /* bits that count: 32 of vni, then those of ip */
	__u32 vni;
	__u8 ip[16]; /* IPv4 as ::ffff:a.b.c.d */
};

struct node_prefix {
	__u32 node; /* its number; 0: this one */
};

/* dp_nodestat, one for each CPU: counters of a node, as seen from this one. */
struct node_stats {
	__u64 tx_packets; /* frames sent to the node */
	__u64 tx_bytes; /* their bytes, without the outer headers */
	__u64 rx_packets; /* frames from the node, dropped ones included */
	__u64 rx_bytes;
	__u64 tx_dropped; /* frames for the node that were dropped, for any reason */
	__u64 rx_dropped; /* frames from the node that were dropped, for any reason */
};

/*
 * dp_learned: number of the endpoint -> learned MACs at it; 0: the total,
 * those behind nodes included.
 * dp_nodelearn: number of the node -> learned MACs behind it.
 */
struct learned {
	__u32 count;
};

#endif
