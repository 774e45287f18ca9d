/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Number of learned MACs: for each endpoint, for each node, and in all. */
#ifndef FDB_COUNT_H
#define FDB_COUNT_H

#include "fdb/entry.h"

/* Maximum number of learned MACs, and how many of them are reserved for a node. */
const volatile __u32 learned_max = FDB_LEARNED_MAX;
const volatile __u32 node_learn_share = NODE_LEARN_SHARE;

/* Number of MACs learned there: behind an endpoint, or behind another node. */
static __always_inline struct learned *learned_find(union fdb_owner owner)
{
	__u32 index = owner.node;

	if (index)
		return bpf_map_lookup_elem(&dp_nodelearn_v1, &index);
	index = owner.endpoint;
	return bpf_map_lookup_elem(&dp_learned_v1, &index);
}

static __always_inline void learned_add(union fdb_owner owner, __s32 count)
{
	struct learned *learned = learned_find(owner);

	if (learned)
		__sync_fetch_and_add(&learned->count, count);
}

/* Reserve one of max entries for a learned MAC there; false: none is left. */
static __always_inline bool learned_take(union fdb_owner owner, __u32 max)
{
	struct learned *learned = learned_find(owner);

	/* Reading first keeps a flood of new MACs from writing the shared cache line. */
	if (!learned || learned->count >= max)
		return false;
	if (__sync_fetch_and_add(&learned->count, 1) < max)
		return true;
	__sync_fetch_and_add(&learned->count, -1);
	return false;
}

/* Number of MACs learned in all. */
static __always_inline struct learned *learned_total(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&dp_learned_v1, &zero);
}

static __always_inline void learned_total_add(__s32 count)
{
	struct learned *total = learned_total();

	if (total)
		__sync_fetch_and_add(&total->count, count);
}

/*
 * Is there room for one more? CPUs that check at the same time may exceed the limit by one entry
 * each.
 */
static __always_inline bool learned_room(union fdb_owner owner)
{
	struct learned *total = learned_total(), *learned;
	__u32 max = learned_max;

	if (!total)
		return false;
	if (owner.node) {
		learned = learned_find(owner);
		if (learned && learned->count >= node_learn_share)
			max = max / 3 * 2;
	}
	/*
	 * Below 0 for a while after an upgrade: MACs learned by an older build are not counted.
	 */
	return (__s32)total->count < (__s32)max;
}

#endif
