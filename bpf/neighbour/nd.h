/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Answers to neighbour solicitations (RFC 4861, 7.2). */
#ifndef NEIGHBOUR_ND_H
#define NEIGHBOUR_ND_H

#include "neighbour/lookup.h"
#include "neighbour/reply.h"
#include "wire/nd.h"

/* The 32 bytes of a solicitation with a MAC in it, and of the answer. */
struct nd_message {
	struct nd_neighbour nd;
	struct nd_option_mac option;
};

static __always_inline __sum16 nd_checksum(struct ip6_pseudo *pseudo, struct nd_message *message)
{
	__s64 sum = bpf_csum_diff(NULL, 0, (void *)pseudo, sizeof(*pseudo), 0);
	__u32 folded = bpf_csum_diff(NULL, 0, (void *)message, sizeof(*message), sum);

	folded = (folded & 0xffff) + (folded >> 16);
	folded = (folded & 0xffff) + (folded >> 16);
	return ~folded;
}

/* A solicitation, and what its answer needs. */
struct neigh_question {
	struct ipv6hdr ip6;
	struct nd_message message;
	__u8 macs[2 * ETH_ALEN] __attribute__((aligned(4)));
	bool probe; /* it asks whether an address is taken (RFC 4862, 5.4.2) */
};

/* Does the message, of so many bytes, ask what can be answered here? */
static __always_inline bool neigh_is_question(struct __sk_buff *skb, struct neigh_question *asked,
					      __u32 bytes)
{
	const __u32 offset = ETH_HLEN + sizeof(asked->ip6) + sizeof(asked->message.nd);
	struct nd_option_mac *option = &asked->message.option;

	asked->probe = ip6_is_unspecified(&asked->ip6.saddr);
	if (bytes >= sizeof(asked->message)) {
		if (!load(skb, offset, option, sizeof(*option)))
			return false;
	} else if (!asked->probe) {
		return false;
	}
	/* With a MAC it is no such question (RFC 4861, 7.1.1). */
	if (asked->probe)
		return ip6_is_solicited_node(&asked->ip6.daddr, &asked->message.nd.target) &&
		       option->type != ND_OPTION_SOURCE_MAC;
	return bytes == sizeof(asked->message) && option->type == ND_OPTION_SOURCE_MAC &&
	       option->length == 1;
}

/* Turn the frame with the question into the answer; not 0: it is as it was. */
static __always_inline long neigh_write_nd(struct __sk_buff *skb, struct neigh_question *asked,
					   const struct neigh_holder *holder)
{
	struct nd_message *message = &asked->message;
	const __u32 length = ETH_HLEN + sizeof(asked->ip6) + sizeof(*message);
	const __be16 payload = bpf_htons(sizeof(*message));
	__u32 flags = ND_ADVERT_SOLICITED | ND_ADVERT_OVERRIDE;
	struct ip6_pseudo pseudo;
	long error;

	mac_copy(asked->macs, asked->macs + ETH_ALEN);
	mac_copy(asked->macs + ETH_ALEN, holder->mac);
	pseudo.source = message->nd.target;
	pseudo.destination = asked->ip6.saddr;
	pseudo.length = bpf_htonl(sizeof(*message));
	pseudo.protocol = bpf_htonl(IPPROTO_ICMPV6);
	if (asked->probe) {
		/* To all nodes, since the sender has no address yet (RFC 4861, 7.2.4). */
		flags = ND_ADVERT_OVERRIDE;
		*(__u32 *)asked->macs = bpf_htonl(0x33330000);
		*(__u16 *)(asked->macs + 4) = bpf_htons(1);
		pseudo.destination.s6_addr32[0] = bpf_htonl(0xff020000);
		pseudo.destination.s6_addr32[3] = bpf_htonl(1);
		/* The solicitation had no MAC option, or had a nonce (RFC 7527). */
		if (skb->len != length) {
			error = bpf_skb_change_tail(skb, length, redirect_flags);
			if (error)
				return error;
		}
	}
	if (holder->flags & NEIGH_ROUTER)
		flags |= ND_ADVERT_ROUTER;
	message->nd.icmp.type = ND_NEIGHBOUR_ADVERT;
	message->nd.flags = bpf_htonl(flags);
	message->nd.icmp.checksum = 0;
	message->option.type = ND_OPTION_TARGET_MAC;
	message->option.length = 1;
	mac_copy(message->option.mac, holder->mac);
	message->nd.icmp.checksum = nd_checksum(&pseudo, message);

	/* The last bytes first: that makes all before them writable, so the rest cannot fail. */
	error = bpf_skb_store_bytes(skb, ETH_HLEN + sizeof(asked->ip6), message, sizeof(*message),
				    BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH);
	if (error)
		return error;
	if (asked->probe)
		bpf_skb_store_bytes(skb, ETH_HLEN + offsetof(struct ipv6hdr, payload_len), &payload,
				    sizeof(payload), BPF_F_RECOMPUTE_CSUM);
	bpf_skb_store_bytes(skb, ETH_HLEN + offsetof(struct ipv6hdr, saddr), &pseudo,
			    2 * sizeof(struct in6_addr), BPF_F_RECOMPUTE_CSUM);
	bpf_skb_store_bytes(skb, 0, asked->macs, sizeof(asked->macs), BPF_F_RECOMPUTE_CSUM);
	return 0;
}

static __always_inline int neigh_answer_nd(struct __sk_buff *skb, struct endpoint *ep,
					   struct network *network)
{
	struct neigh_question asked;
	struct neigh_holder holder;
	struct in6_addr *target = &asked.message.nd.target;
	__u32 bytes;

	if (!load(skb, ETH_HLEN, &asked.ip6, sizeof(asked.ip6)) ||
	    !load(skb, ETH_HLEN + sizeof(asked.ip6), &asked.message.nd, sizeof(asked.message.nd)))
		return CONTINUE;
	bytes = bpf_ntohs(asked.ip6.payload_len);
	if (asked.ip6.version != 6 || asked.ip6.nexthdr != IPPROTO_ICMPV6 ||
	    asked.ip6.hop_limit != ND_HOP_LIMIT || !ip6_is_multicast(&asked.ip6.daddr) ||
	    bytes < sizeof(asked.message.nd) || asked.message.nd.icmp.code)
		return CONTINUE;
	load(skb, 0, asked.macs, sizeof(asked.macs));
	if (asked.message.nd.icmp.type == ND_NEIGHBOUR_ADVERT)
		return neigh_heard(network, ep, asked.macs + ETH_ALEN, target);
	if (asked.message.nd.icmp.type != ND_NEIGHBOUR_SOLICIT ||
	    !neigh_is_question(skb, &asked, bytes))
		return CONTINUE;
	if (!asked.probe)
		neigh_heard(network, ep, asked.macs + ETH_ALEN, &asked.ip6.saddr);
	if (!neigh_known(network, target, &holder) &&
	    !(asked.probe && neigh_link_local(network, target, &holder)))
		return CONTINUE;
	if (!neigh_may_tell(skb, ep, network, asked.macs + ETH_ALEN, &holder))
		return CONTINUE;
	if (asked.probe && neigh_may_take(ep, target))
		return CONTINUE;
	if (neigh_write_nd(skb, &asked, &holder))
		return CONTINUE;
	return neigh_reply(skb, ep);
}

#endif
