/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The contract between the datapath and user space: every key, value, reason
 * and event is declared here and nowhere else. The TypeScript side is generated
 * from the BTF of the object that includes this file, so a change here changes
 * both. A change of layout of a map's key or value needs a new version in that
 * map's name (maps.h): a running node then keeps its old maps until it moves.
 *
 * Rules: fixed width types, explicit padding (zero), MAC addresses and IP
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
/* Default sizes of the tables that grow with the traffic; changed at load time. */
#define FDB_MAX 65536
#define NEIGH_MAX 65536
#define PREFIX_MAX 16384

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
};

/* dp_network: index of the network, from 1 -> configuration. */
struct network {
	__u32 vni; /* 24 bits; 0: no network here */
	__u32 ageing; /* seconds after which a silent learned MAC is forgotten; 0: never */
	__u32 flags; /* enum network_flags */
	__u32 slots; /* one more than the highest slot of the flood list in use */
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

enum fdb_flags {
	FDB_STATIC = 1 << 0, /* set by a person: never aged, moved or replaced by learning */
	FDB_ENDPOINT = 1 << 1, /* the own MAC of an endpoint; static too */
	FDB_GATEWAY = 1 << 2, /* behind the host's own port */
};

/*
 * dp_fdb: the MAC table.
 *
 * A learned entry is counted in dp_learned, so user space never overwrites or
 * deletes one itself: it asks for CONTROL_FDB_FORGET, then adds its own entry
 * with BPF_NOEXIST, and starts again on EEXIST (learned anew meanwhile).
 */
struct fdb_key {
	__u32 vni;
	__u8 mac[6];
	__u16 pad;
};

struct fdb {
	__u32 ifindex; /* host end of the endpoint behind which the MAC is; 0: on its way out */
	__u32 endpoint; /* its number; changed together with ifindex by one 64-bit exchange */
	__u32 flags; /* enum fdb_flags; 0: learned */
	__u32 pad;
	__u64 last_seen; /* jiffies64 of the last frame from this MAC, up to a second late */
	struct bpf_timer timer; /* ages a learned entry with no process running */
};

enum neigh_flags {
	NEIGH_ROUTER = 1 << 0, /* neighbour advertisements carry the R flag (RFC 4861, 4.4) */
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
	__u32 endpoint;
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
};

/* dp_learned: number of the endpoint -> how many MACs are learned there now. */
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
	REASON_LINK_LOCAL_GROUP = 10, /* 01:80:c2:00:00:0x stays on its link (IEEE 802.1D, 7.12.6) */
	REASON_ISOLATED = 11, /* both ends are isolated ports */
	REASON_SAME_PORT = 12, /* destination is behind the port that the frame came from */
	REASON_UNKNOWN_UNICAST = 13, /* destination is unknown and the network does not flood unknowns */
	REASON_NO_PORT = 14, /* nobody else is on the network */
	REASON_NO_NETWORK = 15, /* the endpoint's network is gone */
	REASON_REDIRECT = 16, /* the kernel refused to redirect */

	REASON_NOTICE = 64, /* never counted: what follows is no drop */
	REASON_FDB_FULL = 65, /* MAC not learned: the table is full */
	REASON_LEARN_LIMIT = 66, /* MAC not learned: the endpoint has as many as it may */
	REASON_STATIC_MAC = 67, /* MAC not learned: a static entry has it elsewhere */
	REASON_FLOOD_BOUND = 68, /* copies not made: more ports than a flood reaches */
	REASON_FLOOD_COPY = 69, /* copies lost: no memory or the receiver's queue was full */
	REASON_EVENT_LIMIT = 70, /* events not sent: over the rate */
	REASON_EVENT_LOST = 71, /* events lost: the ring was full */
	REASON_TIMER = 72, /* ageing timer could not be started; the entry was not learned */

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

/* dp_bucket, one for each CPU: what is left of the events of this second. */
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
	__u16 pad[3];
};

/*
 * What user space asks of the `control` program, which never sees a packet: it
 * is run by BPF_PROG_TEST_RUN with a request in place of one, so that counts
 * kept beside a table stay right and the kernel's clock can be read.
 */
enum control_op {
	CONTROL_NOW = 1, /* fill in now */
	CONTROL_FDB_FORGET = 2, /* delete learned entry `fdb`, and its count */
};

struct control {
	__u32 op; /* enum control_op */
	__s32 result; /* 0, or a negative errno: ENOENT, EPERM (not a learned entry), EAGAIN (ask again) */
	__u64 now; /* jiffies64 */
	struct fdb_key fdb;
	__u32 pad;
};

#endif
