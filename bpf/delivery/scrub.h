/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Clear metadata beside a frame: marks, priorities, queues, departure times (SO_TXTIME) and
 * what other programs have left. Neither the receiver nor the underlay should see it. The
 * kernel clears most of it where a frame leaves its namespace (skb_scrub_packet), but not
 * between the ends of the host's own port, nor in bpf_redirect_peer before 6.15, and never a
 * departure time, which a queue further on would wait for. The datapath reads none of it.
 */
#ifndef DELIVERY_SCRUB_H
#define DELIVERY_SCRUB_H

#include <linux/bpf.h>

/* A separate store for each: the verifier identifies fields by offset, and clang would merge stores. */
#define SCRUB(field) (*(volatile typeof(field) *)&(field) = 0)

static __always_inline void scrub(struct __sk_buff *skb)
{
	SCRUB(skb->mark);
	SCRUB(skb->priority);
	SCRUB(skb->queue_mapping);
	SCRUB(skb->tc_index);
	SCRUB(skb->tstamp);
	SCRUB(skb->cb[0]);
	SCRUB(skb->cb[1]);
	SCRUB(skb->cb[2]);
	SCRUB(skb->cb[3]);
	SCRUB(skb->cb[4]);
}

#endif
