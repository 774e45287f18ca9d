/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Learn MACs from the source addresses of frames, and move them. */
#ifndef FDB_LEARN_H
#define FDB_LEARN_H

#include "delivery/reachable.h"
#include "fdb/sweep.h"
#include "report.h"

#undef HERE
#define HERE FILE_FDB_LEARN

/* The sender of a frame: the endpoint ep, or, without one, the node in `from` (report.h). */
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
 * Start the ageing of a learned entry. sweep: the common timer, used if there is no memory for a
 * timer of the entry's own. If neither works, the entry is removed, and the result is the error.
 */
static __always_inline int fdb_start_ageing(const struct fdb_sender *sender,
					    struct network *network, struct fdb_key *key,
					    struct fdb *fdb, struct sweep *sweep)
{
	int error = fdb_start_timer(fdb, network->ageing);

	if (error == -ENOMEM && sweep)
		error = fdb_sweep_add(sweep, fdb);
	/* EBUSY: another CPU has deleted and learned it again, and starts it. */
	if (!error || error == -EBUSY)
		return 0;
	fdb_forget(key, fdb, sender->owner);
	return error;
}

/*
 * Is the MAC made of an address in a prefix that another than the sender owns? Then it is as
 * good as configured there, and only an entry of user space says otherwise.
 */
static __always_inline bool fdb_is_of_other(const struct fdb_sender *sender, int owner)
{
	return owner != NODE_PREFIX_NONE && owner != sender->owner.node;
}

/* A MAC that has no entry. */
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
	int error, prefix = node_prefix_of_mac(network, key->mac);

	if (fdb_is_of_other(sender, prefix))
		return notice_from(skb, sender->ep, sender->from, REASON_PREFIX_MAC, 1, 0);
	/* The prefix of a node leads to it without an entry: that only saves a look-up. */
	if (!learned_room(owner))
		return prefix > 0 ? CONTINUE : notice_from(skb, sender->ep, sender->from,
							   REASON_LEARN_ROOM, 1, 0);
	if (!learned_take(owner, sender->learn_max))
		return prefix > 0 ? CONTINUE : fdb_learn_limit(skb, sender);
	learned_total_add(1);
	error = bpf_map_update_elem(&dp_fdb_v1, key, &new, BPF_NOEXIST);
	if (error) {
		learned_add(owner, -1);
		learned_total_add(-1);
		/* Another CPU has added it first. */
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
 * Count a MAC that moves to the sender. A node's limit applies to new MACs only: a moved one
 * needs no more room in the table, and a MAC that was forged elsewhere must be able to return to
 * its holder. false: the endpoint may learn no more.
 */
static __always_inline bool fdb_count_move(const struct fdb_sender *sender)
{
	if (!sender->owner.node)
		return learned_take(sender->owner, sender->learn_max);
	learned_add(sender->owner, 1);
	return true;
}

/*
 * The MAC of a static entry whose port is gone appears elsewhere: its owner has started there,
 * and the entry was never removed. It becomes a learned entry in place: a delete could hit an
 * entry that user space has just written. Returns the reason for a notice, which the caller
 * reports: there is no stack left for it here.
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
	if (!fdb_count_move(sender))
		return REASON_LEARN_LIMIT;
	if (!fdb_exchange(fdb, old, owner)) {
		learned_add(owner, -1);
		return REASON_UNSPEC;
	}
	learned_total_add(1);
	fdb->last_seen = bpf_jiffies64();
	fdb->flags = 0;
	return fdb_start_ageing(sender, network, key, fdb, sweep) ? REASON_TIMER : REASON_UNSPEC;
}

/* Heard again. By now there may be memory for its timer. */
static __always_inline void fdb_refresh(struct fdb *fdb, const struct network *network, __u64 now)
{
	fdb->last_seen = now;
	if (fdb->own_untimed && !fdb_start_timer(fdb, network->ageing))
		fdb->own_untimed = 0;
}

/* Record the sender as the place of the MAC. As on a bridge, this never stops the frame. */
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
		/* Here, as there is no stack left for it there. */
		reason = fdb_is_of_other(sender, node_prefix_of_mac(network, key->mac)) ?
				 REASON_PREFIX_MAC : fdb_take_over(skb, sender, network, key, fdb);
		if (reason)
			return notice_from(skb, sender->ep, sender->from, reason, 1, 0);
		return CONTINUE;
	}
	if (old.word == owner.word) {
		/* At most once a second, to leave the cache line to the CPUs that read it. */
		if (now - fdb->last_seen >= hz)
			fdb_refresh(fdb, network, now);
		return CONTINUE;
	}
	/* The entry is being removed: the next frame learns it again. */
	if (!old.word)
		return CONTINUE;
	if (fdb_is_of_other(sender, node_prefix_of_mac(network, key->mac)))
		return notice_from(skb, sender->ep, sender->from, REASON_PREFIX_MAC, 1, 0);
	if (!fdb_count_move(sender))
		return fdb_learn_limit(skb, sender);
	if (fdb_exchange(fdb, old, owner)) {
		fdb->last_seen = now;
		learned_add(old, -1);
	} else {
		learned_add(owner, -1);
	}
	return CONTINUE;
}

#endif
