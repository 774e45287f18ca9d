/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The route to another node, cached from the kernel's answer. */
#ifndef ENCAP_ROUTE_H
#define ENCAP_ROUTE_H

#include "encap/ip4.h"
#include "encap/ip6.h"

/* Bytes of layer 3 that a link of IPv6 carries at the least (RFC 8200, 5). */
#define INNER_MTU_MIN 1280

/* One bucket of the flows that go to the node, asked of the kernel. */
static __noinline void encap_route_ask(struct __sk_buff *skb, const struct underlay *underlay,
				       const struct node *node, struct route *route)
{
	/* In place of the flow's own port, so that a bucket always takes the same route. */
	__be16 port = bpf_htons(ENCAP_PORT_FIRST + route->key % ROUTE_BUCKETS);
	__u32 least = INNER_MTU_MIN +
		      (underlay->flags & UNDERLAY_IP6 ? OUTER6_LENGTH : OUTER4_LENGTH);

	if (underlay->flags & UNDERLAY_IP6)
		encap_route6(skb, underlay, node, port, route);
	else
		encap_route4(skb, underlay, node, port, route);
	/*
	 * Anybody who reaches this node can forge errors about the size of packets: they
	 * narrow the path no further than IPv6 inside needs (RFC 8200, 5). A path that really
	 * is narrower needs a device whose MTU says so.
	 */
	if (route->mtu < least)
		route->mtu = least;
	/* A device may carry more than this node was told that the underlay does. */
	if (route->mtu > underlay->mtu)
		route->mtu = underlay->mtu;
}

/* The route of a flow with this source port to the node; NULL does not occur. */
static __always_inline struct route *encap_route(struct __sk_buff *skb,
						 const struct underlay *underlay,
						 const struct node *node, __u32 number,
						 __be16 port)
{
	__u32 key = number * ROUTE_BUCKETS + bpf_ntohs(port) % ROUTE_BUCKETS;
	__u32 slot = key % ROUTE_CACHE_SIZE;
	struct route *route = bpf_map_lookup_elem(&dp_route_v1, &slot);
	__u64 now = bpf_jiffies64();

	if (!route || (route->key == key && route->jiffies == now))
		return route;
	route->key = key;
	route->jiffies = now;
	encap_route_ask(skb, underlay, node, route);
	return route;
}

#endif
