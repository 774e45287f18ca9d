/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The contract between the datapath and user space: every key, value, reason
 * and event is declared here and nowhere else. The TypeScript side is generated
 * from the BTF of the object that includes this file, so a change here changes
 * both. A change of layout of a map's key or value needs a new version in that
 * map's name (maps.h): a running node then keeps its old maps until it moves.
 *
 * Rules: fixed width types, explicit padding (zero), own_ before the name of what
 * only the datapath writes (for user space it is padding), MAC addresses and IP
 * addresses in network byte order, everything else in host byte order.
 */
#ifndef DPCTL_H
#define DPCTL_H

#include <linux/types.h>
#include <linux/bpf.h>

/*
 * Endpoints with an ifindex below this are found in an array (3 ns); the others
 * in a hash (about 30 ns). Interface numbers only grow, so a long-lived host
 * gets past any bound.
 */
#define ENDPOINT_ARRAY_SIZE 16384
/* Endpoints of a node: the size of what is indexed by the endpoint's number. */
#define ENDPOINT_MAX 8192
/* Networks of a node. */
#define NETWORK_MAX 4096
/*
 * Ports that one flooded frame reaches at the most, and so the size of a
 * network's list. bpf_loop would allow more; a frame that takes longer than
 * about 4 ms to copy would hurt everybody else on that CPU.
 */
#define FLOOD_PORT_MAX 4096
/* Nodes that this one knows, itself not among them; number 0 stands for this node. */
#define NODE_MAX 4096
/* Nodes that one flooded frame is sent to at the most: all of them. */
#define FLOOD_NODE_MAX NODE_MAX
/* Default sizes of the tables that grow with the traffic; changed at load time. */
#define REPLICA_MAX 65536
#define FDB_MAX 65536
#define NEIGH_MAX 65536
#define PREFIX_MAX 16384
/*
 * Places of dp_fdb that learning leaves alone, so that whoever floods a node with new
 * MACs keeps nobody from attaching: the own MACs of all endpoints, and as many static ones.
 */
#define FDB_RESERVED (2 * ENDPOINT_MAX)
/* Entries of dp_fdb that are learned at the most. */
#define FDB_LEARNED_MAX (FDB_MAX - FDB_RESERVED)
/*
 * Learned MACs that a node may always have. One that has more may learn no further
 * while half of the table is learned: whoever forges the names of a few nodes leaves
 * the others, and the endpoints, a quarter of it.
 */
#define NODE_LEARN_SHARE 1024

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
	__u32 learn_max; /* learned MACs at most at this endpoint */
	__u8 mac[6]; /* its own MAC */
	__u16 mtu; /* bytes of layer 3, saturated at 65535 */
	__be32 ip4; /* its own IPv4 address, if ENDPOINT_IP4 */
	__u32 slot; /* its place in the network's flood list */
	__u8 ip6[16]; /* its own global IPv6 address, if ENDPOINT_IP6; aligned for 64-bit loads */
};

enum network_flags {
	NETWORK_NO_FLOOD_UNKNOWN = 1 << 0, /* unknown unicast is dropped instead of flooded */
	NETWORK_NO_LEARN_NODES = 1 << 1, /* MACs behind other nodes are only those that are told */
	NETWORK_GATEWAY = 1 << 2, /* the host has a port on it; dp_segment has its subnets */
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
 * dp_segment: index of the network -> what of the host's port on it: the subnets, to tell
 * flows that the host forwards within the segment from those of the outside.
 */
struct segment {
	__u8 ip4[16]; /* IPv4 as ::ffff:a.b.c.d; mask all zero: none */
	__u8 mask4[16];
	__u8 ip6[16];
	__u8 mask6[16];
	__u32 own_flows; /* 1: there have been entries in dp_flow */
};

/* dp_flow: answers that go to the host's port instead, since the host has translated the flow. */
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

/* dp_vni: VNI on the wire -> index of the network. A VNI that is not there is somebody else's. */
struct vni {
	__u32 network; /* index in dp_network */
};

/* dp_port: the flood list of a network. A slot that is not there is a hole. */
struct port_key {
	__u32 network; /* index in dp_network */
	__u32 slot;
};

struct port {
	__u32 ifindex; /* host end of the endpoint */
	__u32 endpoint; /* its number */
};

/* dp_replica: the nodes that a flooded frame of a network is sent to. A slot may be a hole. */
struct replica_key {
	__u32 network; /* index in dp_network */
	__u32 slot;
};

struct replica {
	__u32 node; /* its number */
};

/*
 * Ways to a node among which its flows are spread, where the routes offer more
 * than one: flows of one bucket go one way.
 */
#define ROUTE_BUCKETS 16
/* Ways that a CPU remembers: those to 64 nodes; with more, it asks more often. */
#define ROUTE_CACHE_SIZE 1024

/*
 * dp_route, one for each CPU: what the kernel's routes said of the way to a node.
 * Asked anew in each jiffy (1 to 10 ms), so a change is as good as obeyed at once,
 * and a thousand packets of a jiffy don't all ask.
 */
struct route {
	__u64 jiffies; /* when */
	__u32 key; /* ROUTE_BUCKETS * number of the node + bucket; 0: nothing */
	__s32 code; /* 0, or why there is no way: a BPF_FIB_LKUP_RET_ code or a negative errno */
	__u32 ifindex;
	__u32 mtu; /* bytes of layer 3 that the way takes */
	__u32 hop_family; /* of the next hop; 0: the kernel finds that itself */
	__u8 hop[16];
	__u32 pad;
};

/* dp_copy, one for each CPU: for which node a copy is that is being made at this moment. */
struct copy {
	__u32 ifindex; /* where the frame came in; 0: no copy is being made */
	__u32 node; /* its number */
	__u32 vni;
};

enum fdb_flags {
	FDB_STATIC = 1 << 0, /* set by a person: never aged; learning replaces it when its port is gone */
	FDB_ENDPOINT = 1 << 1, /* the own MAC of an endpoint; static too */
	FDB_GATEWAY = 1 << 2, /* behind the host's own port */
};

/*
 * dp_fdb: the MAC table.
 *
 * A learned entry is counted in dp_learned, so user space never overwrites or
 * deletes one itself: it asks for CONTROL_FDB_FORGET, then adds its own entry
 * with BPF_NOEXIST, and starts again on EEXIST (learned anew meanwhile).
 *
 * An entry of user space's own becomes a learned one when its port is gone and its
 * MAC is heard elsewhere. So user space deletes its own by CONTROL_FDB_DELETE, which
 * leaves alone what is somebody else's by then.
 */
struct fdb_key {
	__u32 vni;
	__u8 mac[6];
	__u16 pad;
};

/*
 * Where a MAC is: behind an endpoint of this node (ifindex and endpoint), or
 * behind another node (node), or nowhere any more (all zero: on its way out).
 * The first three are changed together by one 64-bit exchange.
 */
struct fdb {
	__u32 ifindex; /* host end of the endpoint; 0: not on this node */
	__u16 endpoint; /* its number; 0: not on this node */
	__u16 node; /* number of the node; 0: this one */
	__u32 flags; /* enum fdb_flags; 0: learned */
	__u32 own_untimed; /* 1: there was no memory for its timer, the sweep ages it */
	__u64 last_seen; /* jiffies64 of the last frame from this MAC, up to a second late */
	struct bpf_timer timer; /* ages a learned entry with no process running */
};

/*
 * dp_sweep: one entry, a timer that ages the entries of dp_fdb that could not
 * get one of their own.
 */
struct sweep {
	struct bpf_timer timer;
	__u32 ready; /* 1: the timer has its memory */
	__u32 running; /* 1: started, and not come round yet */
};

enum neigh_flags {
	NEIGH_ROUTER = 1 << 0, /* neighbour advertisements carry the R flag (RFC 4861, 4.4) */
	NEIGH_MOVED = 1 << 1, /* somebody else was heard with it: not answered; the datapath's own */
};

/* dp_neigh: addresses whose ARP requests and neighbour solicitations are answered here. */
struct neigh_key {
	__u32 vni;
	__u8 ip[16]; /* IPv4 as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2) */
};

struct neigh {
	__u8 mac[6];
	__u16 flags; /* enum neigh_flags */
	__u32 endpoint; /* number of the endpoint that has the address */
};

/* dp_prefix: further source prefixes of an endpoint, a longest-prefix-match trie. */
struct prefix_key {
	__u32 prefixlen; /* bits that count: 32 of endpoint, then those of ip */
	__u32 endpoint; /* number of the endpoint */
	__u8 ip[16]; /* IPv4 as ::ffff:a.b.c.d */
};

struct prefix {
	__u32 endpoint; /* its number; 0: not even the shorter prefixes of the endpoint allow this one */
};

/* dp_epstat, one for each CPU: counters of an endpoint, as seen from inside its namespace. */
struct endpoint_stats {
	__u64 tx_packets; /* frames that came from the endpoint */
	__u64 tx_bytes;
	__u64 rx_packets; /* frames handed to the endpoint */
	__u64 rx_bytes;
	__u64 tx_dropped; /* frames from the endpoint that were dropped, for whatever reason */
	__u64 tx_flooded; /* frames from the endpoint that were flooded */
	__u64 suppressed; /* ARP requests and neighbour solicitations answered in its neighbours' stead */
	__u64 rx_dropped; /* frames for the endpoint that were dropped: its port was gone or down */
};

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
 * Marks that dpctl's nftables rules put on what the host forwards to a gateway's
 * device, last of all, and that end at the gateway's port. (Only the host can set
 * one there: what comes out of a namespace has none.)
 */
enum gateway_mark {
	GATEWAY_MARK_APART = 0x59c70001, /* from a gateway of another network */
	GATEWAY_MARK_BACK = 0x59c70002, /* from the same gateway: back to where it came from */
};

/*
 * dp_learned: number of the endpoint -> how many MACs are learned there now; 0: in all,
 * those behind nodes too.
 * dp_nodelearn: number of the node -> the same behind it.
 */
struct learned {
	__u32 count;
};

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

enum config_flags {
	CONFIG_EVENTS = 1 << 0, /* a drop or notice sends an event */
};

/* dp_config: one entry, changed at run time. */
struct config {
	__u32 flags; /* enum config_flags */
	__u32 event_rate; /* events a second and CPU at the most */
};

enum bucket_kind {
	BUCKET_EVENT = 0, /* events to user space */
	BUCKET_ICMP = 1, /* "packet too big" to endpoints */
	BUCKET_MAX = 2,
};

/* dp_bucket, one for each CPU: by kind, what is left of this second. */
struct bucket {
	__u64 filled; /* ns since boot when tokens were last added */
	__u32 tokens;
	__u32 pad;
};

/*
 * Where in the datapath a reason was given: the file; the line is beside it.
 * FILE_SOURCE is source.h, and so on; FILE_ENDPOINT is endpoint.bpf.c.
 */
enum source_file {
	FILE_ENDPOINT = 1,
	FILE_SOURCE = 2,
	FILE_SOURCE4 = 3,
	FILE_SOURCE6 = 4,
	FILE_FDB = 5,
	FILE_NEIGH = 6,
	FILE_DELIVER = 7,
	FILE_FLOOD = 8,
	FILE_ENCAP = 9,
	FILE_DECAP = 10,
	FILE_PMTU = 11,
	FILE_UNDERLAY = 12,
	FILE_REPLICATE = 13,
	FILE_FORWARD = 14,
	FILE_SPREAD = 15,
	FILE_INBOUND = 16,
	FILE_ANCHOR = 17,
	FILE_LIVENESS = 18,
	FILE_GUARD = 21,
	FILE_IMPOSTOR = 22,
};

/* dp_event: what a drop or notice tells a listener. */
struct event {
	__u64 time; /* ns since boot (bpf_ktime_get_ns) */
	__u32 reason; /* enum reason */
	__u32 ifindex; /* where the frame came in */
	__u32 vni;
	__u32 endpoint; /* number, 0 if unknown */
	__s32 error; /* what the helper returned, 0 if none did */
	__u16 file; /* enum source_file */
	__u16 line;
	__u32 length; /* bytes of the frame */
	__be16 protocol; /* EtherType */
	__u8 src[6];
	__u8 dst[6];
	__u16 node; /* number of the node that it came from or was for, 0 if none */
	__u16 pad[2];
};

/*
 * What user space asks of the `control` program, which never sees a packet: it
 * is run by BPF_PROG_TEST_RUN with a request in place of one, so that counts
 * kept beside a table stay right and the kernel's clock can be read.
 */
enum control_op {
	CONTROL_NOW = 1, /* fill in now */
	CONTROL_FDB_FORGET = 2, /* delete learned entry `fdb`, and its count */
	CONTROL_FDB_DELETE = 3, /* delete entry `fdb` of user space's own, if it is still at `endpoint` or `node` */
};

struct control {
	__u32 op; /* enum control_op */
	__s32 result; /* 0, or a negative errno: ENOENT, EPERM (not such an entry), EAGAIN (ask again) */
	__u64 now; /* jiffies64 */
	struct fdb_key fdb;
	__u16 endpoint; /* number of the endpoint at which the entry is, 0 if at none */
	__u16 node; /* number of the node at which it is, 0 if at none */
};

#endif
