/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Where a MAC is. */
#ifndef FDB_FIND_H
#define FDB_FIND_H

#include "fdb/entry.h"
#include "fdb/node_prefix.h"

/* Jiffies a second (CONFIG_HZ) of the kernel that runs this; set when loaded. */
const volatile __u32 hz = 250;

/* Jiffies that the entry has left, 0 if its time is up. ageing in seconds, not 0. */
static __always_inline __u64 fdb_left(const struct fdb *fdb, __u32 ageing)
{
	__s64 left = fdb->last_seen + (__u64)ageing * hz - bpf_jiffies64();

	return left > 0 ? left : 0;
}

/* Of a place: in the prefix of this node, but no entry says at which port. Beside enum fdb_flags. */
#define PLACE_OWN_PREFIX (1U << 31)

/* Where a MAC is. */
struct fdb_place {
	union fdb_owner owner; /* word 0: unknown, or not seen for too long */
	__u32 flags; /* enum fdb_flags */
};

/* The entry of the key; NULL without one, or if the MAC was not seen for too long. */
static __always_inline struct fdb *fdb_find_entry(const struct network *network,
						  struct fdb_key *key)
{
	struct fdb *fdb = bpf_map_lookup_elem(&dp_fdb_v1, key);

	if (fdb && !fdb->flags && network->ageing && !fdb_left(fdb, network->ageing))
		return NULL;
	return fdb;
}

static __always_inline struct fdb_place fdb_find(const struct network *network, const void *mac)
{
	struct fdb_place place = {};
	struct fdb_key key;
	struct fdb *fdb;

	fdb_key_fill(&key, network, mac, true);
	fdb = fdb_find_entry(network, &key);
	if (!fdb)
		return place;
	place.owner = fdb_owner(fdb);
	place.flags = fdb->flags;
	return place;
}

/*
 * Where a frame to the MAC goes: to the place of its entry. Without one, to the node that owns
 * the prefix of its IPv4 address.
 */
static __always_inline struct fdb_place fdb_route(const struct network *network, const void *mac)
{
	struct fdb_place place = {};
	struct fdb_key key;
	struct fdb *fdb;
	int node;

	fdb_key_fill(&key, network, mac, true);
	fdb = fdb_find_entry(network, &key);
	if (fdb) {
		place.owner = fdb_owner(fdb);
		place.flags = fdb->flags;
		return place;
	}
	node = node_prefix_of_mac(network, key.mac);
	if (node > 0)
		place.owner.node = node;
	else if (!node)
		place.flags = PLACE_OWN_PREFIX;
	return place;
}

#endif
