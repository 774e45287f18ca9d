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

struct ip6_fragment {
	__u8 nexthdr;
	__u8 reserved;
	__be16 offset;
	__be32 id;
};

/* What is behind the extension headers. */
struct ip6_upper {
	__u32 offset; /* where it begins in the frame */
	__u8 protocol;
	bool fragment; /* there is a fragment header */
	bool later; /* a fragment other than the first: there is no upper header in it */
};

/* Is ip fe80:: with the interface identifier made of the MAC (RFC 4291, 2.5.6 and appendix A)? */
static __always_inline bool ip6_is_link_local_of(const struct in6_addr *ip, const __u8 *mac)
{
	const __u8 *id = ip->s6_addr + 8;

	return ip->s6_addr32[0] == bpf_htonl(0xfe800000) && !ip->s6_addr32[1] &&
	       id[0] == (mac[0] ^ 2) && id[1] == mac[1] && id[2] == mac[2] && id[3] == 0xff &&
	       id[4] == 0xfe && id[5] == mac[3] && id[6] == mac[4] && id[7] == mac[5];
}

static __noinline bool source_owns_ip6(struct endpoint *ep, struct in6_addr *ip)
{
	if (ep->flags & ENDPOINT_IP6 && ip6_equal(ip, ep->ip6))
		return true;
	if (ip6_is_link_local_of(ip, ep->mac))
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
			if (!load(skb, upper->offset, &option, sizeof(option)))
				return REASON_MALFORMED;
			/* The authentication header alone counts in units of 4 (RFC 4302, 2.2). */
			if (upper->protocol == IPPROTO_AH)
				upper->offset += (option.hdrlen + 2) * 4;
			else
				upper->offset += (option.hdrlen + 1) * 8;
			upper->protocol = option.nexthdr;
			break;
		case IPPROTO_FRAGMENT:
			if (!load(skb, upper->offset, &fragment, sizeof(fragment)))
				return REASON_MALFORMED;
			upper->fragment = true;
			if (fragment.offset & bpf_htons(IP6_FRAGMENT_OFFSET)) {
				upper->later = true;
				return REASON_UNSPEC;
			}
			upper->offset += sizeof(fragment);
			upper->protocol = fragment.nexthdr;
			break;
		default:
			return REASON_UNSPEC;
		}
	}
	return REASON_HEADER_CHAIN;
}

/* Do all link-layer options from offset to end name the endpoint's own MAC? */
static __noinline enum reason nd_check_options(struct __sk_buff *skb, struct endpoint *ep,
					       __u32 offset, __u32 end)
{
	struct nd_option_mac option;
	int i;

	for (i = 0; i < ND_OPTIONS_MAX; i++) {
		if (offset == end)
			return REASON_UNSPEC;
		if (offset + sizeof(option) > end || !load(skb, offset, &option, sizeof(option)) ||
		    !option.length)
			return REASON_MALFORMED;
		if ((option.type == ND_OPTION_SOURCE_MAC || option.type == ND_OPTION_TARGET_MAC) &&
		    !mac_equal(option.mac, ep->mac))
			return REASON_SOURCE_ND;
		offset += option.length * 8;
	}
	return REASON_SOURCE_ND;
}

/* Neighbour discovery from offset to end; unspecified: its source is ::. */
static __noinline enum reason nd_check(struct __sk_buff *skb, struct endpoint *ep, __u32 offset,
				       __u32 end, bool unspecified)
{
	struct nd_neighbour nd;
	__u8 type;

	if (!load(skb, offset, &type, sizeof(type)))
		return REASON_MALFORMED;
	switch (type) {
	case ND_ROUTER_SOLICIT:
		offset += sizeof(struct icmp6);
		break;
	case ND_NEIGHBOUR_SOLICIT:
	case ND_NEIGHBOUR_ADVERT:
		if (offset + sizeof(nd) > end || !load(skb, offset, &nd, sizeof(nd)))
			return REASON_MALFORMED;
		/* A solicitation from :: claims its target (RFC 4862, 5.4.2). */
		if ((type == ND_NEIGHBOUR_ADVERT || unspecified) &&
		    !source_owns_ip6(ep, &nd.target))
			return REASON_SOURCE_ND;
		offset += sizeof(nd);
		break;
	default:
		/*
		 * Router advertisements and redirects change where others send their
		 * traffic: only from an endpoint that forwards. What they say about
		 * third parties cannot be checked.
		 */
		return ep->flags & ENDPOINT_PREFIXES ? REASON_UNSPEC : REASON_SOURCE_ND;
	}
	if (offset > end)
		return REASON_MALFORMED;
	return nd_check_options(skb, ep, offset, end);
}

static __always_inline int source_check_ip6(struct __sk_buff *skb, struct endpoint *ep,
					    __u32 offset)
{
	struct ip6_upper upper = {};
	enum reason reason;
	struct ipv6hdr ip6;
	bool unspecified, nd;
	__u8 type = 0;
	__u32 end;

	if (!load(skb, offset, &ip6, sizeof(ip6)) || ip6.version != 6)
		return drop(skb, ep, REASON_MALFORMED, 0);
	unspecified = ip6_is_unspecified(&ip6.saddr);
	if (!unspecified && !source_owns_ip6(ep, &ip6.saddr))
		return drop(skb, ep, REASON_SOURCE_IP6, 0);

	offset += sizeof(ip6);
	end = offset + bpf_ntohs(ip6.payload_len);
	upper.offset = offset;
	upper.protocol = ip6.nexthdr;
	reason = ip6_find_upper(skb, &upper);
	if (reason)
		return drop(skb, ep, reason, 0);

	if (upper.protocol != IPPROTO_ICMPV6 || upper.later) {
		if (unspecified)
			return drop(skb, ep, REASON_SOURCE_IP6, 0);
		return CONTINUE;
	}
	if (!load(skb, upper.offset, &type, sizeof(type)))
		return drop(skb, ep, REASON_MALFORMED, 0);
	nd = type >= ND_ROUTER_SOLICIT && type <= ND_REDIRECT;

	/* A host with no address yet looks for others' and for routers, and joins groups. */
	if (unspecified &&
	    (!ip6_is_multicast(&ip6.daddr) || upper.fragment ||
	     (nd && ip6.hop_limit != ND_HOP_LIMIT) ||
	     (type != ND_NEIGHBOUR_SOLICIT && type != ND_ROUTER_SOLICIT && type != MLD_REPORT &&
	      type != MLD_DONE && type != MLD2_REPORT)))
		return drop(skb, ep, REASON_SOURCE_IP6, 0);

	/* Receivers ignore it with another hop limit (RFC 4861, 7.1.1): just a packet. */
	if (!nd || ip6.hop_limit != ND_HOP_LIMIT)
		return CONTINUE;
	/* Its other fragments cannot be checked, and nobody needs it fragmented (RFC 6980). */
	if (upper.fragment)
		return drop(skb, ep, REASON_SOURCE_ND, 0);
	if (end > skb->len)
		return drop(skb, ep, REASON_MALFORMED, 0);
	reason = nd_check(skb, ep, upper.offset, end, unspecified);
	if (reason)
		return drop(skb, ep, reason, 0);
	return CONTINUE;
}

#endif
