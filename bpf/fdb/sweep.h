/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* One timer for the entries that could not get one of their own. */
#ifndef FDB_SWEEP_H
#define FDB_SWEEP_H

#include "fdb/age.h"
#include "unknown_to_verifier.h"

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
	/* At most one sweep a second, not one for each entry. */
	if (next < hz)
		next = hz;
	if (next > SWEEP_SECONDS_MAX * hz)
		next = SWEEP_SECONDS_MAX * hz;
	fdb_sweep_start(sweep, next);
	return 0;
}

/* Allocate the sweep's timer in advance. NULL: there is no memory. */
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
	/* Set this build's callback: the current one may be that of an older build. */
	error = bpf_timer_set_callback(&sweep->timer, fdb_sweep);
	return error ? error : fdb_sweep_start(sweep, hz);
}

#endif
