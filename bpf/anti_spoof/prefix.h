/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Who sent a frame, and which prefixes it may use beside its own addresses. */
#ifndef ANTI_SPOOF_PREFIX_H
#define ANTI_SPOOF_PREFIX_H

#include "lookup.h"
#include "wire/ip.h"

/* Who sent the frame: the endpoint itself, or a machine behind it that a static entry names. */
struct speaker {
	__u8 to[ETH_ALEN]; /* the MAC addresses of the frame */
	__u8 mac[ETH_ALEN];
	__u16 vlan; /* 0: in no VLAN, for a tag with VLAN 0 says nothing but a priority */
	__u16 tagged; /* how many tags there are */
} __attribute__((aligned(4)));

/*
 * Is a whole prefix in one of the further prefixes of the endpoint? An entry without an owner
 * keeps IPv4, in the form of the table, out of an IPv6 prefix that contains that. A function of
 * its own for the verifier, as are all that are not static: it is looked at once, and not again
 * in each state that leads to it.
 */
int prefix_is_allowed(struct endpoint *ep, const struct in6_addr *ip, __u32 bits);

__noinline int prefix_is_allowed(struct endpoint *ep, const struct in6_addr *ip, __u32 bits)
{
	struct prefix_key key;
	struct prefix *prefix;

	if (!ep || !ip || !(ep->flags & ENDPOINT_PREFIXES))
		return false;
	key.prefixlen = 8 * sizeof(key.endpoint) + bits;
	key.endpoint = ep->id;
	__builtin_memcpy(key.ip, ip, sizeof(key.ip));
	prefix = bpf_map_lookup_elem(&dp_prefix_v1, &key);
	return prefix && prefix->endpoint;
}

/* The same for one address. */
static __always_inline bool address_is_allowed(struct endpoint *ep, const struct in6_addr *ip)
{
	return prefix_is_allowed(ep, ip, IP6_BITS);
}

#endif
