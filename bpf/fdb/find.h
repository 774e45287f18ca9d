/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Where a MAC is. */
#ifndef FDB_FIND_H
#define FDB_FIND_H

#include "fdb/entry.h"

/* Jiffies a second (CONFIG_HZ) of the kernel that runs this; set when loaded. */
const volatile __u32 hz = 250;

/* Jiffies that the entry has left, 0 if its time is up. ageing in seconds, not 0. */
static __always_inline __u64 fdb_left(const struct fdb *fdb, __u32 ageing)
{
	__s64 left = fdb->last_seen + (__u64)ageing * hz - bpf_jiffies64();

	return left > 0 ? left : 0;
}

/* Where a MAC is. */
struct fdb_place {
	union fdb_owner owner; /* word 0: unknown, or not seen for too long */
	__u32 flags; /* enum fdb_flags */
};

static __always_inline struct fdb_place fdb_find(const struct network *network, const void *mac)
{
	struct fdb_place place = {};
	struct fdb_key key;
	struct fdb *fdb;

	fdb_key_fill(&key, network, mac, true);
	fdb = bpf_map_lookup_elem(&dp_fdb_v1, &key);
	if (!fdb)
		return place;
	if (!fdb->flags && network->ageing && !fdb_left(fdb, network->ageing))
		return place;
	place.owner = fdb_owner(fdb);
	place.flags = fdb->flags;
	return place;
}

#endif
