/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Anti-spoofing of neighbour discovery: the options of its messages. */
#ifndef ANTI_SPOOF_ND_OPTIONS_H
#define ANTI_SPOOF_ND_OPTIONS_H

#include "anti_spoof/prefix.h"
#include "wire/mac.h"
#include "wire/nd.h"

int speaker_owns_ip6(struct endpoint *ep, const struct speaker *speaker,
		    const struct in6_addr *ip);

__noinline int speaker_owns_ip6(struct endpoint *ep, const struct speaker *speaker,
			       const struct in6_addr *ip)
{
	if (!ep || !speaker || !ip)
		return false;
	if (ep->flags & ENDPOINT_IP6 && ip6_equal(ip, ep->ip6))
		return true;
	if (ip6_is_link_local_of(ip, speaker->mac))
		return true;
	return address_is_allowed(ep, ip);
}

/* A message of neighbour discovery. */
struct nd_claim {
	const struct speaker *speaker;
	__u32 offset; /* where what is to be looked at next begins */
	__u32 end;
	struct in6_addr destination; /* of the packet */
	struct in6_addr target; /* of a redirect: where others shall send it instead */
	bool unspecified; /* the packet's source is :: */
	bool plain; /* nothing but an IPv6 header is before it */
	bool redirect;
	bool limited; /* may not say all that a default router may */
};

/*
 * Options of a router advertisement from an endpoint without the prefix ::/0: prefixes
 * (RFC 4861, 4.6.2) and routes (RFC 4191, 2.3) within its allowed prefixes, and a nonce.
 */
int anti_spoof_nd_prefix(struct __sk_buff *skb, struct endpoint *ep, __u32 offset, __u32 end);

__noinline int anti_spoof_nd_prefix(struct __sk_buff *skb, struct endpoint *ep, __u32 offset, __u32 end)
{
	struct nd_option_prefix option;
	struct in6_addr prefix = {};

	if (!ep)
		return REASON_NO_ENDPOINT;
	if (!load_within(skb, offset, &option, sizeof(option), end))
		return REASON_MALFORMED;
	if (option.type == ND_OPTION_NONCE)
		return REASON_UNSPEC;
	if ((option.type != ND_OPTION_PREFIX && option.type != ND_OPTION_ROUTE) ||
	    option.bits > IP6_BITS)
		return REASON_SOURCE_ND;
	if (option.type == ND_OPTION_PREFIX) {
		if (option.length != 4 ||
		    !load_within(skb, offset + 16, &prefix, sizeof(prefix), end))
			return REASON_MALFORMED;
	} else if (option.length == 2) {
		if (!load_within(skb, offset + 8, &prefix, 8, end))
			return REASON_MALFORMED;
	} else if (option.length >= 3) {
		if (!load_within(skb, offset + 8, &prefix, sizeof(prefix), end))
			return REASON_MALFORMED;
	}
	return prefix_is_allowed(ep, &prefix, option.bits) ? REASON_UNSPEC : REASON_SOURCE_ND;
}

/*
 * A redirect may name the MAC of the new next hop. Receivers use it (RFC 4861, 8.3), so it
 * has to be the known one.
 */
static __noinline enum reason anti_spoof_nd_target(struct endpoint *ep, const struct nd_claim *nd,
					      const struct nd_option_mac *option)
{
	struct network *network = network_find(ep);
	struct neigh_key key = {};
	struct neigh *neigh;

	if (mac_equal(option->mac, nd->speaker->mac) &&
	    speaker_owns_ip6(ep, nd->speaker, &nd->target))
		return REASON_UNSPEC;
	if (!network)
		return REASON_NO_NETWORK;
	key.vni = network->vni;
	__builtin_memcpy(key.ip, &nd->target, sizeof(key.ip));
	neigh = bpf_map_lookup_elem(&dp_neigh_v1, &key);
	return neigh && mac_equal(neigh->mac, option->mac) ? REASON_UNSPEC : REASON_SOURCE_ND;
}

/* Do all options name only the speaker and its allowed prefixes? */
static __noinline enum reason anti_spoof_nd_options(struct __sk_buff *skb, struct endpoint *ep,
					       struct nd_claim *nd)
{
	struct nd_option_mac option;
	enum reason reason;
	int i;

	for (i = 0; i < ND_OPTIONS_MAX; i++) {
		if (nd->offset == nd->end)
			return REASON_UNSPEC;
		if (!load_within(skb, nd->offset, &option, sizeof(option), nd->end) ||
		    !option.length || nd->offset + option.length * ND_OPTION_UNIT > nd->end)
			return REASON_MALFORMED;
		reason = REASON_UNSPEC;
		if (option.type == ND_OPTION_TARGET_MAC && nd->redirect)
			reason = anti_spoof_nd_target(ep, nd, &option);
		else if (option.type == ND_OPTION_SOURCE_MAC || option.type == ND_OPTION_TARGET_MAC)
			reason = mac_equal(option.mac, nd->speaker->mac) ? REASON_UNSPEC :
									   REASON_SOURCE_ND;
		else if (nd->limited)
			reason = anti_spoof_nd_prefix(skb, ep, nd->offset, nd->end);
		if (reason)
			return reason;
		nd->offset += option.length * ND_OPTION_UNIT;
	}
	return nd->offset == nd->end ? REASON_UNSPEC : REASON_SOURCE_ND;
}

#endif
