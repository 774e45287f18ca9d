/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* How many there may be of everything: sizes of maps and bounds of loops. */
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
 * Places of dp_fdb that learning leaves alone, so that a flood of new MACs keeps
 * no endpoint from being attached: the own MACs of all endpoints, and as many static ones.
 */
#define FDB_RESERVED (2 * ENDPOINT_MAX)
/* Entries of dp_fdb that are learned at the most. */
#define FDB_LEARNED_MAX (FDB_MAX - FDB_RESERVED)
/*
 * Learned MACs that a node may always have. One that has more may learn no further
 * while half of the table is learned: frames forged in the names of a few
 * nodes leave the others, and the endpoints, a quarter of it.
 */
#define NODE_LEARN_SHARE 1024

/*
 * Ways to a node among which its flows are spread, where the routes offer more
 * than one: flows of one bucket go one way.
 */
#define ROUTE_BUCKETS 16
/* Ways that a CPU remembers: those to 64 nodes; with more, it asks more often. */
#define ROUTE_CACHE_SIZE 1024

#endif
