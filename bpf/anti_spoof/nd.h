/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Anti-spoofing of neighbour discovery: its messages. */
#ifndef ANTI_SPOOF_ND_H
#define ANTI_SPOOF_ND_H

#include "anti_spoof/nd_options.h"

/*
 * A default router announces every address and parameters of the link. An endpoint with
 * fewer prefixes may only announce routes to those.
 */
static __always_inline enum reason anti_spoof_nd_router(struct __sk_buff *skb, struct endpoint *ep,
						   struct nd_claim *nd)
{
	struct nd_router_advert advert;
	struct in6_addr any = {};

	if (!(ep->flags & ENDPOINT_PREFIXES))
		return REASON_SOURCE_ND;
	if (!load_within(skb, nd->offset, &advert, sizeof(advert), nd->end))
		return REASON_MALFORMED;
	nd->offset += sizeof(advert);
	nd->limited = !prefix_is_allowed(ep, &any, 0);
	if (nd->limited &&
	    (advert.lifetime || advert.reachable || advert.retransmit ||
	     advert.flags & ND_ADVERT_DHCP ||
	     (advert.hop_limit && advert.hop_limit < ND_HOP_LIMIT_USUAL)))
		return REASON_SOURCE_ND;
	return REASON_UNSPEC;
}

/* A redirect speaks for its destination. */
static __always_inline enum reason anti_spoof_nd_redirect(struct __sk_buff *skb, struct endpoint *ep,
						     struct nd_claim *nd)
{
	struct nd_redirect redirect;

	if (!(ep->flags & ENDPOINT_PREFIXES))
		return REASON_SOURCE_ND;
	if (!load_within(skb, nd->offset, &redirect, sizeof(redirect), nd->end))
		return REASON_MALFORMED;
	nd->offset += sizeof(redirect);
	nd->redirect = true;
	nd->target = redirect.target;
	return address_is_allowed(ep, &redirect.destination) ? REASON_UNSPEC : REASON_SOURCE_ND;
}

/*
 * May it ask whether an address that is not its own is taken? The question claims nothing,
 * but a host that is about to use the address would give it up (RFC 4862, 5.4.3). So only in
 * the form that the datapath itself answers for endpoints (neighbour/nd.h), or in a VLAN, where
 * the datapath does not answer.
 */
static __always_inline bool nd_may_ask(const struct nd_claim *nd, const struct in6_addr *target)
{
	if (!nd->plain || !mac_is_group(nd->speaker->to) ||
	    !ip6_is_solicited_node(&nd->destination, target))
		return false;
	return !nd->speaker->tagged || nd->speaker->vlan;
}

static __noinline enum reason anti_spoof_nd(struct __sk_buff *skb, struct endpoint *ep,
				       struct nd_claim *nd)
{
	struct nd_neighbour neighbour;
	enum reason reason;
	__u8 type;

	if (!load_within(skb, nd->offset, &type, sizeof(type), nd->end))
		return REASON_MALFORMED;
	switch (type) {
	case ND_ROUTER_SOLICIT:
		nd->offset += sizeof(struct nd_router_solicit);
		break;
	case ND_NEIGHBOUR_SOLICIT:
	case ND_NEIGHBOUR_ADVERT:
		if (!load_within(skb, nd->offset, &neighbour, sizeof(neighbour), nd->end))
			return REASON_MALFORMED;
		nd->offset += sizeof(neighbour);
		/* A solicitation from :: claims its target (RFC 4862, 5.4.2). */
		if ((type == ND_NEIGHBOUR_ADVERT ||
		     (nd->unspecified && !nd_may_ask(nd, &neighbour.target))) &&
		    !speaker_owns_ip6(ep, nd->speaker, &neighbour.target))
			return REASON_SOURCE_ND;
		break;
	case ND_ROUTER_ADVERT:
		reason = anti_spoof_nd_router(skb, ep, nd);
		if (reason)
			return reason;
		break;
	default:
		reason = anti_spoof_nd_redirect(skb, ep, nd);
		if (reason)
			return reason;
	}
	if (nd->offset > nd->end)
		return REASON_MALFORMED;
	return anti_spoof_nd_options(skb, ep, nd);
}

#endif
