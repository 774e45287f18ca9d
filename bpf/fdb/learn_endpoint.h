/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* MACs behind an endpoint other than its own. */
#ifndef FDB_LEARN_ENDPOINT_H
#define FDB_LEARN_ENDPOINT_H

#include "fdb/learn.h"

/* The source MAC is behind this endpoint. */
static __noinline int fdb_learn(struct __sk_buff *skb, struct endpoint *ep,
				struct network *network, const struct ethhdr *eth)
{
	struct fdb_sender sender = {
		.ep = ep,
		.owner = { .ifindex = skb->ifindex, .endpoint = ep->id },
		.learn_max = ep->learn_max,
	};
	struct fdb_key key;

	fdb_key_fill(&key, network, eth->h_source, true);
	return fdb_learn_from(skb, &sender, network, &key);
}

#endif
