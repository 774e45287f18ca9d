/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Endpoints, networks, and the ports and nodes of a network. */
#ifndef CONTRACT_NETWORKS_H
#define CONTRACT_NETWORKS_H

#include <linux/types.h>

enum endpoint_flags {
	ENDPOINT_LOCK = 1 << 0, /* only the endpoint's own MAC and addresses may be a source */
	ENDPOINT_LEARN = 1 << 1, /* other source MACs seen here are learned; never at a gateway */
	ENDPOINT_ISOLATED = 1 << 2, /* may not talk to other isolated endpoints */
	ENDPOINT_GATEWAY = 1 << 3, /* the host's own port: its peer is in the node's namespace */
	ENDPOINT_IP4 = 1 << 4, /* ip4 is set */
	ENDPOINT_IP6 = 1 << 5, /* ip6 is set */
	ENDPOINT_PREFIXES = 1 << 6, /* more sources are allowed by the prefix table */
};

/* dp_endpoint, dp_endpointx: ifindex of the host end -> configuration. */
struct endpoint {
	__u32 id; /* number of the endpoint, from 1 to ENDPOINT_MAX - 1; 0: no endpoint here */
	__u32 network; /* index in dp_network */
	__u32 flags; /* enum endpoint_flags */
	__u32 learn_max; /* most learned MACs at this endpoint */
	__u8 mac[6]; /* its own MAC */
	__u16 mtu; /* bytes of layer 3, saturated at 65535 */
	__be32 ip4; /* its own IPv4 address, if ENDPOINT_IP4 */
	__u32 slot; /* its index in the network's flood list */
	__u8 ip6[16]; /* its own global IPv6 address, if ENDPOINT_IP6; aligned for 64-bit loads */
};

enum network_flags {
	NETWORK_NO_FLOOD_UNKNOWN = 1 << 0, /* unknown unicast is dropped instead of flooded */
	NETWORK_NO_LEARN_NODES = 1 << 1, /* MACs behind other nodes are configured only, never learned */
	NETWORK_GATEWAY = 1 << 2, /* the host has a port on it; dp_segment has its subnets */
	NETWORK_PREFIXES = 1 << 3, /* nodes own prefixes of it: dp_nodeprefix */
};

/* dp_network: index of the network, from 1 -> configuration. */
struct network {
	__u32 vni; /* 24 bits; 0: no network here */
	__u32 ageing; /* seconds after which a silent learned MAC is forgotten; 0: never */
	__u32 flags; /* enum network_flags */
	__u32 slots; /* one more than the highest slot of the flood list in use */
	__u32 replicas; /* the same of the list of nodes that have the network */
	__u32 group_forward; /* bit N: 01:80:c2:00:00:0N is forwarded, as by a bridge's group_fwd_mask */
};

/*
 * dp_segment: index of the network -> subnets of the host's port on it, to tell
 * flows that the host forwards within the segment from those of the outside.
 */
struct segment {
	__u8 ip4[16]; /* IPv4 as ::ffff:a.b.c.d; mask all zero: none */
	__u8 mask4[16];
	__u8 ip6[16];
	__u8 mask6[16];
	__u32 own_flows; /* 1: dp_flow has had entries of this network */
};

/* dp_flow: flows that the host translated (DNAT): their answers go to the host's port. */
struct flow_key {
	__u32 vni;
	__u8 source[16]; /* IPv4 as ::ffff:a.b.c.d */
	__u8 destination[16];
	__be16 ports[2]; /* source and destination; 0: fragments and errors between the two */
	__u8 protocol; /* 0 with ports of 0 */
	__u8 pad[3];
};

struct flow {
	__u32 ifindex; /* host end of the host's port */
	__u32 endpoint; /* its number */
};

/* dp_vni: VNI on the wire -> index of the network. A VNI without an entry is not ours. */
struct vni {
	__u32 network; /* index in dp_network */
};

/* dp_port: the flood list of a network. A slot may be empty. */
struct port_key {
	__u32 network; /* index in dp_network */
	__u32 slot;
};

struct port {
	__u32 ifindex; /* host end of the endpoint */
	__u32 endpoint; /* its number */
};

/* dp_replica: the nodes that a flooded frame of a network is sent to. A slot may be empty. */
struct replica_key {
	__u32 network; /* index in dp_network */
	__u32 slot;
};

struct replica {
	__u32 node; /* its number */
};

#endif
