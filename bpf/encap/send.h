/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Encapsulate a frame in VXLAN and send it to another node along the kernel's own
 * route, to the next hop that the neighbour table has at that moment.
 *
 * IP frames get their outer headers by bpf_skb_adjust_room, which tells the kernel
 * about the tunnel: segments stay whole until the device that cuts them. All other
 * frames get them by bpf_skb_change_head: they are never segmented, so the kernel
 * need not know what they contain.
 */
#ifndef ENCAP_SEND_H
#define ENCAP_SEND_H

#include "encap/route.h"
#include "path_mtu/notify_sender.h"

#undef HERE
#define HERE FILE_ENCAP_SEND

/* The inner Ethernet header with its tags: as many as anti-spoofing parses. */
struct encap_tags {
	__u32 count;
	struct {
		__be16 protocol;
		__be16 tci;
	} tag[VLAN_TAGS_MAX];
};

/*
 * Take the tags out of the frame: the kernel has the outermost of them beside
 * the data, and would put it before the outer headers.
 */
static __always_inline bool encap_untag(struct __sk_buff *skb, struct encap_tags *tags)
{
	int i;

#pragma unroll
	for (i = 0; i < VLAN_TAGS_MAX; i++) {
		if (!skb->vlan_present)
			break;
		tags->tag[i].protocol = skb->vlan_proto;
		tags->tag[i].tci = bpf_htons(skb->vlan_tci);
		tags->count = i + 1;
		if (bpf_skb_vlan_pop(skb))
			return false;
	}
	return !skb->vlan_present;
}

/*
 * In place of a length: segments of SCTP (include/linux/skbuff.h), which are cut where
 * they were joined. No tunnel takes them whole, and no path is wide enough for them.
 */
#define GSO_BY_FRAGS 0xffff

/* Write the Ethernet header inside, behind the outer headers. */
static __always_inline long encap_store_inner(struct __sk_buff *skb, __u32 offset,
					      const struct encap_frame *frame,
					      const struct encap_tags *tags)
{
	long error;

	error = bpf_skb_store_bytes(skb, offset, &frame->eth, 2 * ETH_ALEN, 0);
	offset += 2 * ETH_ALEN;
	if (!error && tags->count > 0) {
		error = bpf_skb_store_bytes(skb, offset, &tags->tag[0], VLAN_HLEN, 0);
		offset += VLAN_HLEN;
	}
	if (!error && tags->count > 1) {
		error = bpf_skb_store_bytes(skb, offset, &tags->tag[1], VLAN_HLEN, 0);
		offset += VLAN_HLEN;
	}
	if (!error)
		error = bpf_skb_store_bytes(skb, offset, &frame->eth.h_proto,
					    sizeof(frame->eth.h_proto), 0);
	return error;
}

/*
 * What adjust_room tells the kernel: nothing changes for each segment but what
 * is in front of it, and inside is Ethernet.
 */
#define ENCAP_ROOM \
	(BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_ENCAP_L4_UDP | BPF_F_ADJ_ROOM_ENCAP_L2_ETH)

/*
 * Room for the outer headers of a frame with tags, without an IP header, or in a
 * tunnel already, which adjust_room refuses before it changes anything. 0 or a
 * negative errno: E2BIG, too many tags; EALREADY, segments that no device could cut
 * any more.
 */
static __noinline long encap_room_rare(struct __sk_buff *skb, struct encap_frame *frame,
				       struct encap_tags *tags, __u32 grow, __u64 family)
{
	__u64 flags = ENCAP_ROOM | family;
	__u32 tagged;
	long error;

	if (!encap_untag(skb, tags))
		return -E2BIG;
	tagged = tags->count * VLAN_HLEN;
	if (!load(skb, 0, &frame->eth, sizeof(frame->eth)))
		return -EINVAL;
	/* A frame too short for its IP header is no IP to the node that decapsulates it. */
	if (skb->len >= ETH_HLEN + sizeof(frame->ip6)) {
		error = bpf_skb_adjust_room(skb, grow + tagged, BPF_ADJ_ROOM_MAC,
					    flags | BPF_F_ADJ_ROOM_ENCAP_L2(ETH_HLEN + tagged));
		if (!error || error == -ENOMEM)
			return error;
	}
	if (skb->gso_size)
		return -EALREADY;
	return bpf_skb_change_head(skb, grow + tagged, redirect_flags);
}

static __always_inline int encap_refused(struct __sk_buff *skb, struct endpoint *ep, __u64 to,
					 long error)
{
	switch (error) {
	case -E2BIG:
		return drop_from(skb, ep, to, REASON_ENCAP_VLAN, error);
	case -EALREADY:
		return drop_from(skb, ep, to, REASON_ENCAP_GSO, error);
	}
	return drop_from(skb, ep, to, REASON_ENCAP, error);
}

/* Put the outer headers in front of the frame; 0 or a negative errno. */
static __noinline long encap_write(struct __sk_buff *skb, struct encap_frame *frame,
				  const struct underlay *underlay, const struct node *node,
				  const struct encap_plan *plan)
{
	bool ip6 = underlay->flags & UNDERLAY_IP6;
	__u64 family = ip6 ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV4;
	__u32 grow = ip6 ? OUTER6_LENGTH : OUTER4_LENGTH;
	struct encap_tags tags = {};
	union {
		struct outer4 v4;
		struct outer6 v6;
	} outer;
	bool plain = false;
	long error;

	if (!skb->vlan_present && frame->network)
		plain = !bpf_skb_adjust_room(skb, grow, BPF_ADJ_ROOM_MAC,
					     ENCAP_ROOM | family | BPF_F_ADJ_ROOM_ENCAP_L2(ETH_HLEN));
	if (!plain) {
		error = encap_room_rare(skb, frame, &tags, grow, family);
		if (error)
			return error;
	}
	/* The Ethernet header inside as well, by one store; a tagged one is written again below. */
	if (ip6) {
		encap_outer6(skb, underlay, node, plan, &outer.v6);
		outer.v6.inner = frame->eth;
		error = bpf_skb_store_bytes(skb, 0, &outer.v6.eth, OUTER6_LENGTH + ETH_HLEN, 0);
	} else {
		encap_outer4(skb, underlay, node, plan, &outer.v4);
		outer.v4.inner = frame->eth;
		error = bpf_skb_store_bytes(skb, 0, &outer.v4.eth, OUTER4_LENGTH + ETH_HLEN, 0);
	}
	if (plain || error)
		return error;
	if (tags.count)
		error = encap_store_inner(skb, grow, frame, &tags);
	/* Only adjust_room has changed the type that the kernel keeps of the frame. */
	if (!error && skb->protocol != bpf_htons(ip6 ? ETH_P_IPV6 : ETH_P_IP))
		error = frame_retype(skb);
	return error;
}

/*
 * Send the frame of an endpoint to a node; `to` is FROM_NODE(node, vni). tell: the
 * endpoint may be told that it is too big. The value is the verdict.
 */
int encap_send(struct __sk_buff *skb, struct endpoint *ep, __u64 to, bool tell);

__noinline int encap_send(struct __sk_buff *skb, struct endpoint *ep, __u64 to, bool tell)
{
	struct underlay *underlay = underlay_find();
	__u32 number = where_node(to), bytes = skb->len;
	struct node *node = node_find(number);
	struct bpf_redir_neigh hop;
	struct encap_frame frame;
	struct encap_plan plan;
	struct node_stats *stats;
	struct route *route;
	__u32 overhead, fits;
	int verdict, told;
	long error;

	/* The underlay must not see the mark of frames that the host sends back (GATEWAY_MARK_BACK). */
	skb->mark = 0;
	if (!underlay)
		return drop_from(skb, ep, to, REASON_NO_UNDERLAY, 0);
	if (!node || !node_is_set(node))
		return drop_from(skb, ep, to, REASON_NO_NODE, 0);
	if (!encap_read(skb, &frame))
		return drop_from(skb, ep, to, REASON_MALFORMED, 0);
	plan.vni = bpf_htonl(where_vni(to) << 8);
	plan.port = encap_port(skb, &frame);
	plan.class = encap_class(underlay, &frame);
	route = encap_route(skb, underlay, node, number, plan.port);
	if (!route || route->code)
		return drop_from(skb, ep, to, REASON_NO_ROUTE, route ? route->code : 0);
	overhead = underlay->flags & UNDERLAY_IP6 ? OUTER6_LENGTH : OUTER4_LENGTH;
	/* The Ethernet header outside is not a part of layer 3. */
	if (encap_length(skb, &frame) + overhead - ETH_HLEN > route->mtu) {
		if (skb->gso_size == GSO_BY_FRAGS)
			return drop_from(skb, ep, to, REASON_ENCAP_GSO, 0);
		/* A VLAN device inside has the MTU of its parent, which leaves no room for the tag. */
		fits = route->mtu - overhead - (skb->vlan_present ? VLAN_HLEN : 0);
		verdict = drop_from(skb, ep, to, REASON_TOO_BIG, fits);
		told = tell ? pmtu_tell(skb, ep, to, &frame, fits) : CONTINUE;
		return told == CONTINUE ? verdict : told;
	}
	error = encap_write(skb, &frame, underlay, node, &plan);
	if (error)
		return encap_refused(skb, ep, to, error);
	if (route->hop_family) {
		hop.nh_family = route->hop_family;
		__builtin_memcpy(hop.ipv6_nh, route->hop, sizeof(hop.ipv6_nh));
		error = bpf_redirect_neigh(route->ifindex, &hop, sizeof(hop), redirect_flags);
	} else {
		error = bpf_redirect_neigh(route->ifindex, NULL, 0, redirect_flags);
	}
	if (error != TC_ACT_REDIRECT)
		return drop_from(skb, ep, to, REASON_REDIRECT, error);
	stats = node_stats_find(number);
	if (stats) {
		stats->tx_packets++;
		stats->tx_bytes += bytes;
	}
	return error;
}

#endif
