/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Entries of the MAC table.
 *
 * A learned entry belongs to the endpoint or node that its owner word names (ifindex,
 * endpoint and node together). It is moved and removed only by a successful exchange
 * of that word: each entry counts at exactly one place, and no CPU deletes what another
 * has put in its place.
 */
#ifndef FDB_ENTRY_H
#define FDB_ENTRY_H

#include "lookup.h"
#include "wire/mac.h"

union fdb_owner {
	struct {
		__u32 ifindex;
		__u16 endpoint;
		__u16 node;
	};
	__u64 word; /* 0: no owner, the entry is being removed */
};

static __always_inline union fdb_owner fdb_owner(const struct fdb *fdb)
{
	return (union fdb_owner){ .word = *(const volatile __u64 *)fdb };
}

/* Hand an entry from one owner to the next. false: it had changed hands before. */
static __always_inline bool fdb_exchange(struct fdb *fdb, union fdb_owner from, union fdb_owner to)
{
	return __sync_val_compare_and_swap((__u64 *)fdb, from.word, to.word) == from.word;
}

/*
 * The key of a MAC. whole: it can be read by words, as in a packet or a table; on the stack
 * only where it is aligned to four bytes.
 */
static __always_inline void fdb_key_fill(struct fdb_key *key, const struct network *network,
					 const void *mac, bool whole)
{
	key->vni = network->vni;
	if (whole) {
		mac_copy_padded(key->mac, mac);
		return;
	}
	mac_copy(key->mac, mac);
	key->pad = 0;
}

#endif
