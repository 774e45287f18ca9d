/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Anti-spoofing of IPv6: source addresses, and neighbour discovery inside. */
#ifndef ANTI_SPOOF_IP6_H
#define ANTI_SPOOF_IP6_H

#include "anti_spoof/nd.h"
#include "report.h"
#include "wire/ip6_extensions.h"

#undef HERE
#define HERE FILE_ANTI_SPOOF_IP6

static __always_inline int anti_spoof_ip6(struct __sk_buff *skb, struct endpoint *ep,
					    const struct speaker *speaker, __u32 offset)
{
	struct nd_claim nd = { .speaker = speaker };
	struct ip6_upper upper = {};
	enum reason reason;
	struct ipv6hdr ip6;
	bool message;
	__u8 type = 0;

	if (!load(skb, offset, &ip6, sizeof(ip6)) || ip6.version != 6)
		return drop(skb, ep, REASON_MALFORMED, 0);
	nd.unspecified = ip6_is_unspecified(&ip6.saddr);
	if (!nd.unspecified && !speaker_owns_ip6(ep, speaker, &ip6.saddr))
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
	/* Its other fragments cannot be checked, and RFC 6980 forbids its fragmentation. */
	if (upper.fragment)
		return drop(skb, ep, REASON_SOURCE_ND, 0);
	if (upper.end > skb->len)
		return drop(skb, ep, REASON_MALFORMED, 0);
	nd.offset = upper.offset;
	nd.end = upper.end;
	nd.plain = upper.offset == offset;
	nd.destination = ip6.daddr;
	reason = anti_spoof_nd(skb, ep, &nd);
	if (reason)
		return drop(skb, ep, reason, 0);
	return CONTINUE;
}

#endif
