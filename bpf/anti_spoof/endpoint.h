/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Anti-spoofing at an endpoint's port: an endpoint speaks for itself only. A few
 * comparisons pass the common frame, untagged and from the endpoint's own address. All
 * others go through anti_spoof_check, which reads by copy and so sees every frame,
 * fragmented in memory or not.
 */
#ifndef ANTI_SPOOF_ENDPOINT_H
#define ANTI_SPOOF_ENDPOINT_H

#include "anti_spoof/arp.h"
#include "anti_spoof/ip4.h"
#include "anti_spoof/ip6.h"
#include "fdb/find.h"

#undef HERE
#define HERE FILE_ANTI_SPOOF_ENDPOINT

/* The complete check of the headers behind the Ethernet header. */
int anti_spoof_check(struct __sk_buff *skb, struct endpoint *ep);

__noinline int anti_spoof_check(struct __sk_buff *skb, struct endpoint *ep)
{
	__u32 offset = offsetof(struct ethhdr, h_proto);
	/* The kernel takes the outermost tag out of the frame before TC sees it. */
	__u32 tags = skb->vlan_present ? 1 : 0;
	struct speaker speaker;
	__be16 protocol = 0, tci;
	int i;

	if (!ep)
		return drop(skb, NULL, REASON_NO_ENDPOINT, 0);
	if (!load(skb, 0, &speaker, offset))
		return drop(skb, ep, REASON_MALFORMED, 0);
	speaker.vlan = skb->vlan_present ? skb->vlan_tci & VLAN_ID : 0;
	for (i = 0; i <= VLAN_TAGS_MAX; i++) {
		if (!load(skb, offset, &protocol, sizeof(protocol)))
			return drop(skb, ep, REASON_MALFORMED, 0);
		if (!protocol_is_tag(protocol))
			break;
		if (++tags > VLAN_TAGS_MAX)
			return drop(skb, ep, REASON_HEADER_CHAIN, 0);
		if (!load(skb, offset + sizeof(protocol), &tci, sizeof(tci)))
			return drop(skb, ep, REASON_MALFORMED, 0);
		speaker.vlan |= bpf_ntohs(tci) & VLAN_ID;
		offset += VLAN_HLEN;
	}
	offset += sizeof(protocol);
	speaker.tagged = tags;

	switch (protocol) {
	case bpf_htons(ETH_P_IP):
		return anti_spoof_ip4(skb, ep, &speaker, offset);
	case bpf_htons(ETH_P_ARP):
		return anti_spoof_arp(skb, ep, &speaker, offset);
	case bpf_htons(ETH_P_IPV6):
		return anti_spoof_ip6(skb, ep, &speaker, offset);
	}
	return CONTINUE;
}

/* Is the source certainly its own? false only means that anti_spoof_check must decide. */
static __always_inline bool anti_spoof_is_plain(struct __sk_buff *skb, const struct endpoint *ep)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip4 = data + sizeof(*eth);
	struct ipv6hdr *ip6 = data + sizeof(*eth);

	if ((void *)(ip4 + 1) > end)
		return false;
	/* ICMP has messages that speak for others. */
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		return ep->flags & ENDPOINT_IP4 && ip4->version == 4 && ip4->saddr == ep->ip4 &&
		       ip4->protocol != IPPROTO_ICMP;
	if ((void *)(ip6 + 1) > end)
		return false;
	/* Directly behind the header, neither of these can contain neighbour discovery. */
	if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		return ep->flags & ENDPOINT_IP6 && ip6->version == 6 &&
		       (ip6->nexthdr == IPPROTO_TCP || ip6->nexthdr == IPPROTO_UDP) &&
		       ip6_equal(&ip6->saddr, ep->ip6);
	return false;
}

/*
 * A static entry at a locked endpoint names a machine that may speak there, too, as behind
 * a locked port of a bridge (br_handle_frame_finish, BR_PORT_LOCKED).
 */
static __noinline bool anti_spoof_is_static(struct __sk_buff *skb, struct endpoint *ep,
					struct network *network)
{
	__u8 mac[ETH_ALEN] __attribute__((aligned(4)));
	struct fdb_place place;

	if (!load(skb, ETH_ALEN, mac, sizeof(mac)))
		return false;
	place = fdb_find(network, mac);
	return place.flags & FDB_STATIC && !(place.flags & FDB_ENDPOINT) &&
	       place.owner.ifindex == skb->ifindex && place.owner.endpoint == ep->id;
}

static __always_inline int anti_spoof(struct __sk_buff *skb, struct endpoint *ep,
				       struct network *network, const struct ethhdr *eth)
{
	if (!mac_equal(eth->h_source, ep->mac)) {
		if (!anti_spoof_is_static(skb, ep, network))
			return drop(skb, ep, REASON_SOURCE_MAC, 0);
		return anti_spoof_check(skb, ep);
	}
	if (anti_spoof_is_plain(skb, ep))
		return CONTINUE;
	return anti_spoof_check(skb, ep);
}

#endif
