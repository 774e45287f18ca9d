/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Anti-spoofing of ARP: the sender. */
#ifndef ANTI_SPOOF_ARP_H
#define ANTI_SPOOF_ARP_H

#include "anti_spoof/ip4.h"
#include "wire/arp.h"

#undef HERE
#define HERE FILE_ANTI_SPOOF_ARP

static __always_inline int anti_spoof_arp(struct __sk_buff *skb, struct endpoint *ep,
					    const struct speaker *speaker, __u32 offset)
{
	struct arp_packet arp;

	if (!load(skb, offset, &arp, sizeof(arp)))
		return drop(skb, ep, REASON_MALFORMED, 0);
	/*
	 * The kernel's arp_process takes hardware type 6 for Ethernet, too; no
	 * sender needs it, so only the common form may pass.
	 */
	if (!arp_is_ethernet_ip4(&arp) || !mac_equal(arp.sender_mac, speaker->mac))
		return drop(skb, ep, REASON_SOURCE_ARP, 0);
	/* A probe names no sender (RFC 5227, 2.1.1). */
	if (!arp.sender_ip && arp.operation == bpf_htons(ARP_REQUEST))
		return CONTINUE;
	if (!speaker_owns_ip4(ep, arp.sender_ip))
		return drop(skb, ep, REASON_SOURCE_ARP, 0);
	return CONTINUE;
}

#endif
