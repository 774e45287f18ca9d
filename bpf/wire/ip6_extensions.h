/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The extension headers between the IPv6 header and the upper layer. */
#ifndef WIRE_IP6_EXTENSIONS_H
#define WIRE_IP6_EXTENSIONS_H

#include <linux/ipv6.h>

#include "maps.h"
#include "wire/ip.h"

/*
 * Extension headers that are looked through. RFC 8200 (4.1) allows seven in
 * sensible order, the last of them in front of a tunnel; no sender uses as many.
 */
#define IP6_EXTENSIONS_MAX 6

/* What is behind the extension headers. */
struct ip6_upper {
	__u32 offset; /* where it begins in the frame */
	__u8 protocol;
	bool fragment; /* there is a fragment header; in a later one nothing is behind that */
	__u32 end; /* of the packet, as its header states */
};

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

#endif
