/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Anti-spoofing of IPv4: source addresses, DHCP, and ICMP that speaks for others. */
#ifndef ANTI_SPOOF_IP4_H
#define ANTI_SPOOF_IP4_H

#include "anti_spoof/prefix.h"
#include "report.h"
#include "wire/arp.h"
#include "wire/dhcp.h"
#include "wire/icmp.h"

#undef HERE
#define HERE FILE_ANTI_SPOOF_IP4

static __always_inline bool speaker_owns_ip4(struct endpoint *ep, __be32 ip4)
{
	struct in6_addr mapped;

	if (ep->flags & ENDPOINT_IP4 && ip4 == ep->ip4)
		return true;
	ip4_map(&mapped, ip4);
	return address_is_allowed(ep, &mapped);
}

/*
 * A host without an address may broadcast a DHCP request for its own MAC, and send
 * nothing else (RFC 2131, 4.1).
 */
static __always_inline enum reason anti_spoof_dhcp(struct __sk_buff *skb, const struct iphdr *ip4,
						     const struct speaker *speaker,
						     __u32 offset, __u32 end)
{
	struct dhcp_request request;

	if (ip4->protocol != IPPROTO_UDP || ip4->frag_off & bpf_htons(IP4_MF | IP4_OFFSET) ||
	    ip4->daddr != bpf_htonl(0xffffffff) || !mac_is_group(speaker->to))
		return REASON_SOURCE_IP4;
	offset += ip4->ihl * 4;
	if (!load_within(skb, offset, &request, offsetof(struct dhcp_request, pad), end))
		return REASON_MALFORMED;
	if (request.udp.source != bpf_htons(DHCP_CLIENT_PORT) ||
	    request.udp.dest != bpf_htons(DHCP_SERVER_PORT))
		return REASON_SOURCE_IP4;
	if (bpf_ntohs(request.udp.len) < DHCP_LENGTH_MIN ||
	    offset + bpf_ntohs(request.udp.len) > end)
		return REASON_MALFORMED;
	if (request.operation != DHCP_BOOTREQUEST || request.hardware != ARP_HARDWARE_ETHERNET ||
	    request.hardware_length != ETH_ALEN || !mac_equal(request.client, speaker->mac))
		return REASON_SOURCE_IP4;
	return REASON_UNSPEC;
}

/*
 * A redirect (RFC 792) changes the next hop of others for the destination that it quotes, a router
 * advertisement (RFC 1256) for every destination: only endpoints allowed to use those may send them.
 */
static __always_inline enum reason anti_spoof_icmp4(struct __sk_buff *skb, struct endpoint *ep,
						      const struct iphdr *ip4, __u32 offset,
						      __u32 end)
{
	struct in6_addr mapped;
	__be32 quoted;
	__u8 type;

	if (ip4->frag_off & bpf_htons(IP4_OFFSET))
		return REASON_UNSPEC;
	offset += ip4->ihl * 4;
	if (!load_within(skb, offset, &type, sizeof(type), end))
		return REASON_MALFORMED;
	if (type != ICMP4_REDIRECT && type != ICMP4_ROUTER_ADVERT)
		return REASON_UNSPEC;
	if (type == ICMP4_ROUTER_ADVERT) {
		ip4_map(&mapped, 0);
		return prefix_is_allowed(ep, &mapped, IP6_BITS - IP4_BITS) ? REASON_UNSPEC :
									       REASON_SOURCE_ICMP;
	}
	/* The destination in the quoted packet, which follows a header of 8 bytes. */
	offset += sizeof(struct icmp_error) + offsetof(struct iphdr, daddr);
	if (!load_within(skb, offset, &quoted, sizeof(quoted), end))
		return REASON_MALFORMED;
	ip4_map(&mapped, quoted);
	return address_is_allowed(ep, &mapped) ? REASON_UNSPEC : REASON_SOURCE_ICMP;
}

static __always_inline int anti_spoof_ip4(struct __sk_buff *skb, struct endpoint *ep,
					    const struct speaker *speaker, __u32 offset)
{
	enum reason reason = REASON_UNSPEC;
	struct iphdr ip4;
	__u32 end;

	if (!load(skb, offset, &ip4, sizeof(ip4)) || ip4.version != 4 ||
	    ip4.ihl * 4 < sizeof(ip4))
		return drop(skb, ep, REASON_MALFORMED, 0);
	end = ip4_end(skb, &ip4, offset);
	if (!speaker_owns_ip4(ep, ip4.saddr))
		reason = ip4.saddr ? REASON_SOURCE_IP4 :
				     anti_spoof_dhcp(skb, &ip4, speaker, offset, end);
	else if (ip4.protocol == IPPROTO_ICMP)
		reason = anti_spoof_icmp4(skb, ep, &ip4, offset, end);
	if (reason)
		return drop(skb, ep, reason, 0);
	return CONTINUE;
}

#endif
