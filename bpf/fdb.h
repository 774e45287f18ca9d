/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The MAC table: look-up, learning, moving, ageing.
 *
 * A learned entry belongs to whoever its owner word (ifindex, endpoint and node
 * together) names. It is moved and removed only by a successful exchange of
 * that word, so that each entry is counted at exactly one endpoint or node and
 * nobody deletes what somebody else has put in its place.
 */
#ifndef FDB_H
#define FDB_H

#include <linux/errno.h>
#include <linux/time.h>

#include "liveness.h"
#include "report.h"
#include "unknown.h"

#undef HERE
#define HERE FILE_FDB

/* Jiffies a second (CONFIG_HZ) of the kernel that runs this; set when loaded. */
const volatile __u32 hz = 250;

/*
 * Longest sleep of an ageing timer in seconds: so soon does a table shrink after the
 * ageing time was shortened. Look-ups obey at once. 65,536 entries make about
 * 2,200 wake-ups a second, some 0.2 % of a CPU.
 */
const volatile __u32 sleep_max = 30;

/* MACs that are learned at the most, and how many of them a node may always have. */
const volatile __u32 learned_max = FDB_LEARNED_MAX;
const volatile __u32 node_learn_share = NODE_LEARN_SHARE;

union fdb_owner {
	struct {
		__u32 ifindex;
		__u16 endpoint;
		__u16 node;
	};
	__u64 word; /* 0: nobody, the entry is being removed */
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

/* How many MACs are learned there: behind an endpoint, or behind another node. */
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

/* Take one of the places for learned MACs there, of which there are max; false: none is left. */
static __always_inline bool learned_take(union fdb_owner owner, __u32 max)
{
	struct learned *learned = learned_find(owner);

	/* The first look keeps a flood of new MACs off the shared cache line. */
	if (!learned || learned->count >= max)
		return false;
	if (__sync_fetch_and_add(&learned->count, 1) < max)
		return true;
	__sync_fetch_and_add(&learned->count, -1);
	return false;
}

/* How many MACs are learned in all. */
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
 * Is there room for one more there? CPUs that look at the same time may go past the
 * bound, by one entry each.
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
	/* Below 0 for a while after an update: what an older build has learned is not in it. */
	return (__s32)total->count < (__s32)max;
}

/* Jiffies that the entry has left, 0 if its time is up. ageing in seconds, not 0. */
static __always_inline __u64 fdb_left(const struct fdb *fdb, __u32 ageing)
{
	__s64 left = fdb->last_seen + (__u64)ageing * hz - bpf_jiffies64();

	return left > 0 ? left : 0;
}

/* Remove a learned entry and its count. false: somebody else moved or removed it. */
static __always_inline bool fdb_forget(struct fdb_key *key, struct fdb *fdb, union fdb_owner owner)
{
	union fdb_owner nobody = { .word = 0 };
	long error;

	if (!fdb_exchange(fdb, owner, nobody))
		return false;
	error = bpf_map_delete_elem(&dp_fdb_v1, key);
	/* The bucket is locked by what this CPU was interrupted in: put it back, try later. */
	if (error && error != -ENOENT) {
		fdb_exchange(fdb, nobody, owner);
		return false;
	}
	learned_add(owner, -1);
	learned_total_add(-1);
	return true;
}

/*
 * An entry that nobody owns is removed this instant by whoever took it. Only if
 * that one was mistaken (the memory of an entry may be given to another while it
 * is looked at) is it still there at the next turn. It is in no count. Returns
 * the jiffies until then, 0 if it is removed.
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

/*
 * Since 6.18 a timer's memory comes from kmalloc_nolock(), which takes what is at
 * hand and gives up otherwise: seldom in general, for hours on a machine whose
 * pages are initialized lazily (deferred_pages_enabled()). Entries without a
 * timer of their own are aged by one for the whole table, which runs only while
 * there are any: 65,536 entries take it about 3 ms.
 */
#define SWEEP_SECONDS_MAX 5

static long fdb_sweep_entry(void *map __attribute__((unused)), struct fdb_key *key,
			    struct fdb *fdb, __u64 *next)
{
	__u64 left;

	if (!fdb->own_untimed)
		return 0;
	left = fdb_age_entry(key, fdb);
	if (left && (!*next || left < *next))
		*next = left;
	return 0;
}

static __always_inline int fdb_sweep_start(struct sweep *sweep, __u64 jiffies)
{
	sweep->running = 1;
	return bpf_timer_start(&sweep->timer, jiffies * (NSEC_PER_SEC / hz), 0);
}

static int fdb_sweep(void *map __attribute__((unused)), __u32 *index __attribute__((unused)),
		     struct sweep *sweep)
{
	__u64 next = unknown_zero();

	/* Before it looks: who adds an entry that it may have passed starts it again. */
	__sync_lock_test_and_set(&sweep->running, 0);
	bpf_for_each_map_elem(&dp_fdb_v1, fdb_sweep_entry, &next, 0);
	if (!next)
		return 0;
	/* Not each entry by its own: one sweep a second at the most. */
	if (next < hz)
		next = hz;
	if (next > SWEEP_SECONDS_MAX * hz)
		next = SWEEP_SECONDS_MAX * hz;
	fdb_sweep_start(sweep, next);
	return 0;
}

/* Get the sweep its memory, before there is none. NULL: there is none. */
static __always_inline struct sweep *fdb_sweep_prepare(void)
{
	__u32 zero = 0;
	struct sweep *sweep = bpf_map_lookup_elem(&dp_sweep_v1, &zero);
	int error;

	if (!sweep || sweep->ready)
		return sweep;
	error = bpf_timer_init(&sweep->timer, &dp_sweep_v1, CLOCK_MONOTONIC);
	if (error && error != -EBUSY)
		return NULL;
	sweep->ready = 1;
	return sweep;
}

/* Leave the entry to the sweep. */
static __always_inline int fdb_sweep_add(struct sweep *sweep, struct fdb *fdb)
{
	int error;

	fdb->own_untimed = 1;
	if (__sync_lock_test_and_set(&sweep->running, 1))
		return 0;
	/* Of this build: what runs now may be the callback of an older one. */
	error = bpf_timer_set_callback(&sweep->timer, fdb_sweep);
	return error ? error : fdb_sweep_start(sweep, hz);
}

/*
 * Who was heard: the endpoint ep, or, without one, the node that `from` names
 * (report.h).
 */
struct fdb_sender {
	struct endpoint *ep;
	__u64 from;
	union fdb_owner owner;
	__u32 learn_max; /* MACs learned there at most */
};

static __always_inline int fdb_learn_limit(struct __sk_buff *skb, const struct fdb_sender *sender)
{
	if (sender->owner.node)
		return notice_from(skb, NULL, sender->from, REASON_NODE_LEARN_LIMIT, 1, 0);
	return notice(skb, sender->ep, REASON_LEARN_LIMIT, 1, 0);
}

/*
 * An entry that is learned ages from now on. sweep: what has been prepared for the
 * case that there is no memory for a timer. Without either it is forgotten, and the
 * value is the error.
 */
static __always_inline int fdb_start_ageing(const struct fdb_sender *sender,
					    struct network *network, struct fdb_key *key,
					    struct fdb *fdb, struct sweep *sweep)
{
	int error = fdb_start_timer(fdb, network->ageing);

	if (error == -ENOMEM && sweep)
		error = fdb_sweep_add(sweep, fdb);
	/* EBUSY: forgotten and learned anew by another CPU, which starts it. */
	if (!error || error == -EBUSY)
		return 0;
	fdb_forget(key, fdb, sender->owner);
	return error;
}

/* A MAC that is in nobody's table yet. */
static __always_inline int fdb_learn_new(struct __sk_buff *skb, const struct fdb_sender *sender,
					 struct network *network, struct fdb_key *key)
{
	union fdb_owner owner = sender->owner;
	struct fdb *fdb, new = {
		.ifindex = owner.ifindex,
		.endpoint = owner.endpoint,
		.node = owner.node,
		.last_seen = bpf_jiffies64(),
	};
	struct sweep *sweep = fdb_sweep_prepare();
	int error;

	if (!learned_room(owner))
		return notice_from(skb, sender->ep, sender->from, REASON_LEARN_ROOM, 1, 0);
	if (!learned_take(owner, sender->learn_max))
		return fdb_learn_limit(skb, sender);
	learned_total_add(1);
	error = bpf_map_update_elem(&dp_fdb_v1, key, &new, BPF_NOEXIST);
	if (error) {
		learned_add(owner, -1);
		learned_total_add(-1);
		/* Another CPU was faster. */
		if (error == -EEXIST)
			return CONTINUE;
		return notice_from(skb, sender->ep, sender->from, REASON_FDB_FULL, 1, error);
	}
	fdb = bpf_map_lookup_elem(&dp_fdb_v1, key);
	if (!fdb)
		return CONTINUE;
	error = fdb_start_ageing(sender, network, key, fdb, sweep);
	if (error)
		return notice_from(skb, sender->ep, sender->from, REASON_TIMER, 1, error);
	return CONTINUE;
}

/*
 * A static entry of a port that is gone, and its MAC was heard elsewhere: whoever it
 * was has come up again there, and nobody took it out of the table. It becomes a
 * learned entry. In place: deleted and learned anew, it could be an entry that user
 * space has just written. The value is what deserves a notice, which the caller gives:
 * the stack ends below this.
 */
static __noinline int fdb_take_over(struct __sk_buff *skb, const struct fdb_sender *sender,
				    struct network *network, struct fdb_key *key, struct fdb *fdb)
{
	union fdb_owner old = fdb_owner(fdb), owner = sender->owner;
	struct sweep *sweep;

	if (!old.word || old.node || port_search(skb, old.ifindex) != REASON_PORT_GONE)
		return REASON_STATIC_MAC;
	sweep = fdb_sweep_prepare();
	if (!learned_room(owner))
		return REASON_LEARN_ROOM;
	if (!learned_take(owner, sender->learn_max))
		return owner.node ? REASON_NODE_LEARN_LIMIT : REASON_LEARN_LIMIT;
	if (!fdb_exchange(fdb, old, owner)) {
		learned_add(owner, -1);
		return REASON_UNSPEC;
	}
	learned_total_add(1);
	fdb->last_seen = bpf_jiffies64();
	fdb->flags = 0;
	return fdb_start_ageing(sender, network, key, fdb, sweep) ? REASON_TIMER : REASON_UNSPEC;
}

/* Heard again. There may be memory for its timer by now. */
static __always_inline void fdb_refresh(struct fdb *fdb, const struct network *network, __u64 now)
{
	fdb->last_seen = now;
	if (fdb->own_untimed && !fdb_start_timer(fdb, network->ageing))
		fdb->own_untimed = 0;
}

/* The MAC of the key is there. Never stops the frame: nor does a bridge. */
static __always_inline int fdb_learn_from(struct __sk_buff *skb, const struct fdb_sender *sender,
					  struct network *network, struct fdb_key *key)
{
	union fdb_owner old, owner = sender->owner;
	__u64 now = bpf_jiffies64();
	struct fdb *fdb;
	int reason;

	fdb = bpf_map_lookup_elem(&dp_fdb_v1, key);
	if (!fdb)
		return fdb_learn_new(skb, sender, network, key);
	old = fdb_owner(fdb);
	if (fdb->flags) {
		if (old.ifindex == owner.ifindex && old.node == owner.node)
			return CONTINUE;
		reason = fdb_take_over(skb, sender, network, key, fdb);
		if (reason)
			return notice_from(skb, sender->ep, sender->from, reason, 1, 0);
		return CONTINUE;
	}
	if (old.word == owner.word) {
		/* Seldom, to leave the cache line to the CPUs that read it. */
		if (now - fdb->last_seen >= hz)
			fdb_refresh(fdb, network, now);
		return CONTINUE;
	}
	/* On its way out: learned again by the next frame. */
	if (!old.word)
		return CONTINUE;
	if (!learned_take(owner, sender->learn_max))
		return fdb_learn_limit(skb, sender);
	if (fdb_exchange(fdb, old, owner)) {
		fdb->last_seen = now;
		learned_add(old, -1);
	} else {
		learned_add(owner, -1);
	}
	return CONTINUE;
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
