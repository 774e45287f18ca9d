/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The source lock for IPv6 and neighbour discovery. */
#ifndef SOURCE6_H
#define SOURCE6_H

#include "source4.h"

#undef HERE
#define HERE FILE_SOURCE6

/*
 * Extension headers that are looked through. RFC 8200 (4.1) allows seven in
 * sensible order, the last of them in front of a tunnel; nobody sends as many.
 */
#define IP6_EXTENSIONS_MAX 6
/*
 * Options of a neighbour discovery message that are looked at. Router
 * advertisements have the most: prefixes, routes, MTU, DNS.
 */
#define ND_OPTIONS_MAX 16
/* Offset and reserved bits: 0 in the first fragment (RFC 8200, 4.5). */
#define IP6_FRAGMENT_OFFSET 0xfff8

/* What is behind the extension headers. */
struct ip6_upper {
	__u32 offset; /* where it begins in the frame */
	__u8 protocol;
	bool fragment; /* there is a fragment header; in a later one nothing is behind that */
	__u32 end; /* of the packet, as its header states */
};

/* Is ip fe80:: with the interface identifier made of the MAC (RFC 4291, 2.5.6 and appendix A)? */
static __always_inline bool ip6_is_link_local_of(const struct in6_addr *ip, const __u8 *mac)
{
	const __u8 *id = ip->s6_addr + 8;

	return ip->s6_addr32[0] == bpf_htonl(0xfe800000) && !ip->s6_addr32[1] &&
	       id[0] == (mac[0] ^ 2) && id[1] == mac[1] && id[2] == mac[2] && id[3] == 0xff &&
	       id[4] == 0xfe && id[5] == mac[3] && id[6] == mac[4] && id[7] == mac[5];
}

int source_owns_ip6(struct endpoint *ep, const struct source_speaker *speaker,
		    const struct in6_addr *ip);

__noinline int source_owns_ip6(struct endpoint *ep, const struct source_speaker *speaker,
			       const struct in6_addr *ip)
{
	if (!ep || !speaker || !ip)
		return false;
	if (ep->flags & ENDPOINT_IP6 && ip6_equal(ip, ep->ip6))
		return true;
	if (ip6_is_link_local_of(ip, speaker->mac))
		return true;
	return source_prefix(ep, ip);
}

/* Find the upper header. Returns REASON_UNSPEC when found, else why not. */
static __noinline enum reason ip6_find_upper(struct __sk_buff *skb, struct ip6_upper *upper)
{
	struct ip6_fragment fragment;
	struct ipv6_opt_hdr option;
	int i;

	for (i = 0; i <= IP6_EXTENSIONS_MAX; i++) {
		switch (upper->protocol) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
		case IPPROTO_AH:
			if (!load_within(skb, upper->offset, &option, sizeof(option), upper->end))
				return REASON_MALFORMED;
			/* The authentication header alone counts in units of 4 (RFC 4302, 2.2). */
			if (upper->protocol == IPPROTO_AH)
				upper->offset += (option.hdrlen + 2) * 4;
			else
				upper->offset += (option.hdrlen + 1) * 8;
			upper->protocol = option.nexthdr;
			break;
		case IPPROTO_FRAGMENT:
			if (!load_within(skb, upper->offset, &fragment, sizeof(fragment),
					 upper->end))
				return REASON_MALFORMED;
			upper->fragment = true;
			if (fragment.offset & bpf_htons(IP6_FRAGMENT_OFFSET))
				return REASON_UNSPEC;
			upper->offset += sizeof(fragment);
			upper->protocol = fragment.nexthdr;
			break;
		default:
			return REASON_UNSPEC;
		}
	}
	return REASON_HEADER_CHAIN;
}

/* A message of neighbour discovery. */
struct source_nd {
	const struct source_speaker *speaker;
	__u32 offset; /* where what is to be looked at next begins */
	__u32 end;
	struct in6_addr destination; /* of the packet */
	struct in6_addr target; /* of a redirect: where others shall send it instead */
	bool unspecified; /* the packet's source is :: */
	bool plain; /* nothing but an IPv6 header is before it */
	bool redirect;
	bool limited; /* may not say all that a default router may */
};

#define ND_OPTION_PREFIX 3
#define ND_OPTION_NONCE 14
#define ND_OPTION_ROUTE 24
#define ND_OPTION_UNIT 8

/* What options with a prefix begin with: the prefix is in the third or the second 8 bytes. */
struct nd_option_prefix {
	__u8 type;
	__u8 length;
	__u8 bits;
	__u8 flags;
};

/*
 * Options of a router advertisement by whom that was not allowed every address: prefixes
 * (RFC 4861, 4.6.2) and routes (RFC 4191, 2.3) that are a part of what was allowed, and a nonce.
 */
int nd_check_prefix(struct __sk_buff *skb, struct endpoint *ep, __u32 offset, __u32 end);

__noinline int nd_check_prefix(struct __sk_buff *skb, struct endpoint *ep, __u32 offset, __u32 end)
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
	return source_prefix_whole(ep, &prefix, option.bits) ? REASON_UNSPEC : REASON_SOURCE_ND;
}

/*
 * A redirect that says the MAC of where it leads to: receivers believe that (RFC 4861, 8.3),
 * so it has to be what is known.
 */
static __noinline enum reason nd_check_target(struct endpoint *ep, const struct source_nd *nd,
					      const struct nd_option_mac *option)
{
	struct network *network = network_find(ep);
	struct neigh_key key = {};
	struct neigh *neigh;

	if (mac_equal(option->mac, nd->speaker->mac) &&
	    source_owns_ip6(ep, nd->speaker, &nd->target))
		return REASON_UNSPEC;
	if (!network)
		return REASON_NO_NETWORK;
	key.vni = network->vni;
	__builtin_memcpy(key.ip, &nd->target, sizeof(key.ip));
	neigh = bpf_map_lookup_elem(&dp_neigh_v1, &key);
	return neigh && mac_equal(neigh->mac, option->mac) ? REASON_UNSPEC : REASON_SOURCE_ND;
}

/* Do all options name nobody but the speaker, and nothing that it was not allowed? */
static __noinline enum reason nd_check_options(struct __sk_buff *skb, struct endpoint *ep,
					       struct source_nd *nd)
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
			reason = nd_check_target(ep, nd, &option);
		else if (option.type == ND_OPTION_SOURCE_MAC || option.type == ND_OPTION_TARGET_MAC)
			reason = mac_equal(option.mac, nd->speaker->mac) ? REASON_UNSPEC :
									   REASON_SOURCE_ND;
		else if (nd->limited)
			reason = nd_check_prefix(skb, ep, nd->offset, nd->end);
		if (reason)
			return reason;
		nd->offset += option.length * ND_OPTION_UNIT;
	}
	return nd->offset == nd->end ? REASON_UNSPEC : REASON_SOURCE_ND;
}

/* RFC 4861, 4.2. */
struct nd_router_advert {
	__u8 type;
	__u8 code;
	__sum16 checksum;
	__u8 hop_limit;
	__u8 flags;
	__be16 lifetime;
	__be32 reachable;
	__be32 retransmit;
};

/* RFC 4861, 4.5. */
struct nd_redirect {
	struct icmp6 icmp;
	struct in6_addr target;
	struct in6_addr destination;
};

/* Where to find addresses and the rest: managed and other (RFC 4861, 4.2). */
#define ND_ADVERT_DHCP 0xc0
/* What senders ask for by default (radvd, RFC 1700); a lower one makes packets die on their way. */
#define ND_HOP_LIMIT_USUAL 64

/*
 * A default router speaks for every address, and about the link; who was allowed less may
 * say that it forwards to that, and nothing else.
 */
static __always_inline enum reason nd_check_router(struct __sk_buff *skb, struct endpoint *ep,
						   struct source_nd *nd)
{
	struct nd_router_advert advert;
	struct in6_addr any = {};

	if (!(ep->flags & ENDPOINT_PREFIXES))
		return REASON_SOURCE_ND;
	if (!load_within(skb, nd->offset, &advert, sizeof(advert), nd->end))
		return REASON_MALFORMED;
	nd->offset += sizeof(advert);
	nd->limited = !source_prefix_whole(ep, &any, 0);
	if (nd->limited &&
	    (advert.lifetime || advert.reachable || advert.retransmit ||
	     advert.flags & ND_ADVERT_DHCP ||
	     (advert.hop_limit && advert.hop_limit < ND_HOP_LIMIT_USUAL)))
		return REASON_SOURCE_ND;
	return REASON_UNSPEC;
}

/* A redirect speaks for its destination. */
static __always_inline enum reason nd_check_redirect(struct __sk_buff *skb, struct endpoint *ep,
						     struct source_nd *nd)
{
	struct nd_redirect redirect;

	if (!(ep->flags & ENDPOINT_PREFIXES))
		return REASON_SOURCE_ND;
	if (!load_within(skb, nd->offset, &redirect, sizeof(redirect), nd->end))
		return REASON_MALFORMED;
	nd->offset += sizeof(redirect);
	nd->redirect = true;
	nd->target = redirect.target;
	return source_prefix(ep, &redirect.destination) ? REASON_UNSPEC : REASON_SOURCE_ND;
}

/*
 * May it ask whether anybody has an address that is not its own? Such a question speaks for
 * nobody, but a host that is about to take the address would give it up (RFC 4862, 5.4.3).
 * So only in the one form in which the datapath itself answers for endpoints (neigh.h), or
 * in a VLAN, of which that knows nothing.
 */
static __always_inline bool nd_may_ask(const struct source_nd *nd, const struct in6_addr *target)
{
	if (!nd->plain || !mac_is_group(nd->speaker->to) ||
	    !ip6_is_solicited_node(&nd->destination, target))
		return false;
	return !nd->speaker->tagged || nd->speaker->vlan;
}

static __noinline enum reason nd_check(struct __sk_buff *skb, struct endpoint *ep,
				       struct source_nd *nd)
{
	struct nd_neighbour neighbour;
	enum reason reason;
	__u8 type;

	if (!load_within(skb, nd->offset, &type, sizeof(type), nd->end))
		return REASON_MALFORMED;
	switch (type) {
	case ND_ROUTER_SOLICIT:
		nd->offset += sizeof(struct icmp6);
		break;
	case ND_NEIGHBOUR_SOLICIT:
	case ND_NEIGHBOUR_ADVERT:
		if (!load_within(skb, nd->offset, &neighbour, sizeof(neighbour), nd->end))
			return REASON_MALFORMED;
		nd->offset += sizeof(neighbour);
		/* A solicitation from :: claims its target (RFC 4862, 5.4.2). */
		if ((type == ND_NEIGHBOUR_ADVERT ||
		     (nd->unspecified && !nd_may_ask(nd, &neighbour.target))) &&
		    !source_owns_ip6(ep, nd->speaker, &neighbour.target))
			return REASON_SOURCE_ND;
		break;
	case ND_ROUTER_ADVERT:
		reason = nd_check_router(skb, ep, nd);
		if (reason)
			return reason;
		break;
	default:
		reason = nd_check_redirect(skb, ep, nd);
		if (reason)
			return reason;
	}
	if (nd->offset > nd->end)
		return REASON_MALFORMED;
	return nd_check_options(skb, ep, nd);
}

static __always_inline int source_check_ip6(struct __sk_buff *skb, struct endpoint *ep,
					    const struct source_speaker *speaker, __u32 offset)
{
	struct source_nd nd = { .speaker = speaker };
	struct ip6_upper upper = {};
	enum reason reason;
	struct ipv6hdr ip6;
	bool message;
	__u8 type = 0;

	if (!load(skb, offset, &ip6, sizeof(ip6)) || ip6.version != 6)
		return drop(skb, ep, REASON_MALFORMED, 0);
	nd.unspecified = ip6_is_unspecified(&ip6.saddr);
	if (!nd.unspecified && !source_owns_ip6(ep, speaker, &ip6.saddr))
		return drop(skb, ep, REASON_SOURCE_IP6, 0);

	upper.end = ip6_end(skb, &ip6, offset);
	offset += sizeof(ip6);
	upper.offset = offset;
	upper.protocol = ip6.nexthdr;
	reason = ip6_find_upper(skb, &upper);
	if (reason)
		return drop(skb, ep, reason, 0);

	if (upper.protocol != IPPROTO_ICMPV6) {
		if (nd.unspecified)
			return drop(skb, ep, REASON_SOURCE_IP6, 0);
		return CONTINUE;
	}
	if (!load_within(skb, upper.offset, &type, sizeof(type), upper.end))
		return drop(skb, ep, REASON_MALFORMED, 0);
	message = type >= ND_ROUTER_SOLICIT && type <= ND_REDIRECT;

	/* A host with no address yet looks for others' and for routers, and joins groups. */
	if (nd.unspecified &&
	    (!ip6_is_multicast(&ip6.daddr) || upper.fragment ||
	     (message && ip6.hop_limit != ND_HOP_LIMIT) ||
	     (type != ND_NEIGHBOUR_SOLICIT && type != ND_ROUTER_SOLICIT && type != MLD_REPORT &&
	      type != MLD_DONE && type != MLD2_REPORT)))
		return drop(skb, ep, REASON_SOURCE_IP6, 0);

	/* Receivers ignore it with another hop limit (RFC 4861, 7.1.1): just a packet. */
	if (!message || ip6.hop_limit != ND_HOP_LIMIT)
		return CONTINUE;
	/* Its other fragments cannot be checked, and nobody needs it fragmented (RFC 6980). */
	if (upper.fragment)
		return drop(skb, ep, REASON_SOURCE_ND, 0);
	if (upper.end > skb->len)
		return drop(skb, ep, REASON_MALFORMED, 0);
	nd.offset = upper.offset;
	nd.end = upper.end;
	nd.plain = upper.offset == offset;
	nd.destination = ip6.daddr;
	reason = nd_check(skb, ep, &nd);
	if (reason)
		return drop(skb, ep, reason, 0);
	return CONTINUE;
}

#endif
