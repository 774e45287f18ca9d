/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Limits: sizes of maps and bounds of loops. */
#ifndef CONTRACT_LIMITS_H
#define CONTRACT_LIMITS_H

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
 * Most ports that one flooded frame reaches, and so the size of a
 * network's list. bpf_loop would allow more; a frame that takes longer than
 * about 4 ms to copy would hold up everything else on that CPU.
 */
#define FLOOD_PORT_MAX 4096
/* Other nodes that this one knows; number 0 stands for this node. */
#define NODE_MAX 4096
/* Most nodes that one flooded frame is sent to: all of them. */
#define FLOOD_NODE_MAX NODE_MAX
/* Default sizes of the tables that grow with the traffic; changed at load time. */
#define REPLICA_MAX 65536
#define FDB_MAX 65536
#define NEIGH_MAX 65536
#define PREFIX_MAX 16384
#define NODE_PREFIX_MAX 65536
/*
 * Entries of dp_fdb that learning may not use, so that a flood of new MACs keeps
 * no endpoint from being attached: the own MACs of all endpoints, and as many static ones.
 */
#define FDB_RESERVED (2 * ENDPOINT_MAX)
/* Most learned entries in dp_fdb. */
#define FDB_LEARNED_MAX (FDB_MAX - FDB_RESERVED)
/*
 * Learned MACs that a node may always have. One that has more may learn no further
 * while half of the table is learned: frames with the forged addresses of a few
 * nodes leave the others, and the endpoints, a quarter of it.
 */
#define NODE_LEARN_SHARE 1024

/*
 * Next hops to a node among which its flows are spread, where the routes offer more
 * than one: flows of one bucket take one next hop.
 */
#define ROUTE_BUCKETS 16
/* Routes that a CPU caches: those to 64 nodes; with more, it asks more often. */
#define ROUTE_CACHE_SIZE 1024

#endif
