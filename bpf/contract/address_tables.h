/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Tables by address: MACs, neighbours and allowed sources; and the counters of endpoints. */
#ifndef CONTRACT_ADDRESS_TABLES_H
#define CONTRACT_ADDRESS_TABLES_H

#include <linux/bpf.h>
#include <linux/types.h>

enum fdb_flags {
	FDB_STATIC = 1 << 0, /* configured: never aged; learning replaces it when its port is gone */
	FDB_ENDPOINT = 1 << 1, /* the own MAC of an endpoint; static too */
	FDB_GATEWAY = 1 << 2, /* behind the host's own port */
	FDB_EXTERN = 1 << 3, /* from the cluster's records, as a bridge's extern_learn; static too */
};

/*
 * dp_fdb: the MAC table.
 *
 * A learned entry is counted in dp_learned, so user space never overwrites or
 * deletes one itself: it asks for CONTROL_FDB_FORGET, or for CONTROL_FDB_PUT to
 * add its own entry, and retries on EEXIST (the MAC was learned again).
 *
 * A static entry becomes a learned one when its port is gone and its
 * MAC appears elsewhere. So user space deletes its own by CONTROL_FDB_DELETE, which
 * leaves the entry alone if it has moved.
 */
struct fdb_key {
	__u32 vni;
	__u8 mac[6];
	__u16 pad;
};

/*
 * Where a MAC is: behind an endpoint of this node (ifindex and endpoint), or
 * behind another node (node), or nowhere any more (all zero: being deleted).
 * The first three fields change together, by one 64-bit exchange.
 */
struct fdb {
	__u32 ifindex; /* host end of the endpoint; 0: not on this node */
	__u16 endpoint; /* its number; 0: not on this node */
	__u16 node; /* number of the node; 0: this one */
	__u32 flags; /* enum fdb_flags; 0: learned */
	__u32 own_untimed; /* 1: its timer could not be allocated, so the sweep ages it */
	__u64 last_seen; /* jiffies64 of the last frame from this MAC, up to a second late */
	struct bpf_timer timer; /* ages a learned entry in the kernel */
};

/*
 * dp_sweep: one entry, a timer that ages the entries of dp_fdb that did not
 * get one of their own.
 */
struct sweep {
	struct bpf_timer timer;
	__u32 ready; /* 1: the timer has its memory */
	__u32 running; /* 1: started, has not fired yet */
};

enum neigh_flags {
	NEIGH_ROUTER = 1 << 0, /* neighbour advertisements carry the R flag (RFC 4861, 4.4) */
	NEIGH_MOVED = 1 << 1, /* set by the datapath: another station uses the address, so it is not answered */
	NEIGH_EXTERN = 1 << 2, /* from the cluster's records */
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

/* dp_epstat, per CPU: counters of an endpoint, as seen from inside its namespace. */
struct endpoint_stats {
	__u64 tx_packets; /* frames that came from the endpoint */
	__u64 tx_bytes;
	__u64 rx_packets; /* frames handed to the endpoint */
	__u64 rx_bytes;
	__u64 tx_dropped; /* frames from the endpoint that were dropped, for whatever reason */
	__u64 tx_flooded; /* frames from the endpoint that were flooded */
	__u64 suppressed; /* ARP requests and neighbour solicitations answered on behalf of its neighbours */
	__u64 rx_dropped; /* frames for the endpoint that were dropped: its port was gone or down */
};

#endif
