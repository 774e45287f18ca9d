/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Remove learned entries that have been silent for too long or whose place is gone. */
#ifndef FDB_AGE_H
#define FDB_AGE_H

#include <linux/errno.h>
#include <linux/time.h>

#include "fdb/count.h"
#include "fdb/find.h"
#include "report.h"

/*
 * Longest sleep of an ageing timer in seconds: so soon does a table shrink after the
 * ageing time was shortened. Look-ups obey at once. 65,536 entries make about
 * 2,200 wake-ups a second, some 0.2 % of a CPU.
 */
const volatile __u32 sleep_max = 30;

/* Remove a learned entry and its count. false: another CPU has moved or removed it. */
static __always_inline bool fdb_forget(struct fdb_key *key, struct fdb *fdb, union fdb_owner owner)
{
	union fdb_owner nobody = { .word = 0 };
	long error;

	if (!fdb_exchange(fdb, owner, nobody))
		return false;
	error = bpf_map_delete_elem(&dp_fdb_v1, key);
	/* This CPU was interrupted while it held the bucket's lock: restore the owner, try later. */
	if (error && error != -ENOENT) {
		fdb_exchange(fdb, nobody, owner);
		return false;
	}
	learned_add(owner, -1);
	learned_total_add(-1);
	return true;
}

/*
 * A program that takes the owner off an entry deletes it at once. It is still there at the
 * next turn only if that was a mistake (the memory of an entry may be reused while it
 * is looked at). It is in no count. Returns the jiffies until the next turn, 0 if it
 * is removed.
 */
static __always_inline __u64 fdb_age_orphan(struct fdb_key *key, struct fdb *fdb)
{
	if (!fdb->last_seen) {
		bpf_map_delete_elem(&dp_fdb_v1, key);
		return 0;
	}
	fdb->last_seen = 0;
	return (__u64)sleep_max * hz;
}

/* The network of a learned entry, or NULL if that or its place is gone. */
static __always_inline struct network *fdb_network(const struct fdb_key *key, union fdb_owner owner)
{
	struct network *network;
	struct endpoint *ep;

	if (owner.node)
		return node_exists(owner.node) ? network_find_vni(key->vni) : NULL;
	ep = endpoint_find(owner.ifindex);
	if (!ep || ep->id != owner.endpoint)
		return NULL;
	network = network_find(ep);
	return network && network->vni == key->vni ? network : NULL;
}

/*
 * A learned entry's turn to be looked at. It asks the network's ageing time each
 * time, so a change is obeyed. Returns the jiffies until the next turn, 0 if the
 * entry is removed.
 */
static __always_inline __u64 fdb_age_entry(struct fdb_key *key, struct fdb *fdb)
{
	union fdb_owner owner = fdb_owner(fdb);
	__u64 left, sleep = (__u64)sleep_max * hz;
	struct network *network;

	if (!owner.word)
		return fdb_age_orphan(key, fdb);
	network = fdb_network(key, owner);
	/* The endpoint, the node or the network is gone: so is what was learned there. */
	left = network ? sleep : 0;
	if (left && network->ageing)
		left = fdb_left(fdb, network->ageing);
	/* It may have been moved a moment ago; then it is looked at again later. */
	if (!left && fdb_forget(key, fdb, owner))
		return 0;
	/* One more: the time that is left ends within the last of these jiffies. */
	left++;
	return left < sleep ? left : sleep;
}

/* The timer of a learned entry. It needs no process: the timer holds the program. */
static int fdb_age(void *map __attribute__((unused)), struct fdb_key *key, struct fdb *fdb)
{
	__u64 left = fdb_age_entry(key, fdb);

	if (left)
		bpf_timer_start(&fdb->timer, left * (NSEC_PER_SEC / hz), 0);
	return 0;
}

static __always_inline int fdb_start_timer(struct fdb *fdb, __u32 ageing)
{
	__u64 sleep = ageing && ageing < sleep_max ? ageing : sleep_max;
	int error;

	error = bpf_timer_init(&fdb->timer, &dp_fdb_v1, CLOCK_MONOTONIC);
	if (error)
		return error;
	error = bpf_timer_set_callback(&fdb->timer, fdb_age);
	if (error)
		return error;
	return bpf_timer_start(&fdb->timer, sleep * NSEC_PER_SEC, 0);
}

#endif
