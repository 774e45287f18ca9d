// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * The switch, seen from one port: runs at TC ingress of the host end of every
 * endpoint, and of the host's own port, on each frame that comes out of it.
 */
#include "anti_spoof/endpoint.h"
#include "anti_spoof/host.h"
#include "delivery/forward.h"
#include "delivery/gate.h"
#include "delivery/replicate.h"
#include "delivery/scrub.h"
#include "delivery/dnat_record.h"
#include "fdb/learn_endpoint.h"
#include "fdb/requests.h"
#include "neighbour/answer.h"
#include "report.h"

#undef HERE
#define HERE FILE_ENDPOINT

char LICENSE[] SEC("license") = "GPL";

/* Never read: it brings types that no map names into BTF, and so to user space. */
const volatile struct contract {
	enum endpoint_flags endpoint_flags;
	enum network_flags network_flags;
	enum fdb_flags fdb_flags;
	enum neigh_flags neigh_flags;
	enum gateway_mark gateway_mark;
	enum reason reason;
	enum config_flags config_flags;
	enum underlay_flags underlay_flags;
	enum underlay_decap underlay_decap;
	enum bucket_kind bucket_kind;
	enum source_file source_file;
	enum event_type event_type;
	enum control_op control_op;
	struct frame_event frame_event;
	struct control control;
	struct control_put control_put;
} contract = {};

/*
 * Of a frame's metadata only the marks count that the host sets on what it forwards. The mark
 * of what it sends back stays until the destination is known.
 */
static __noinline int endpoint_scrub(struct __sk_buff *skb, struct endpoint *ep)
{
	__u32 mark = ep->flags & ENDPOINT_GATEWAY ? skb->mark : 0;

	scrub(skb);
	if (mark == GATEWAY_MARK_APART)
		return drop(skb, ep, REASON_NETWORKS_APART, 0);
	if (mark == GATEWAY_MARK_BACK)
		skb->mark = mark;
	return CONTINUE;
}

SEC("tc")
int endpoint(struct __sk_buff *skb)
{
	struct endpoint_stats *stats;
	struct network *network;
	struct endpoint *ep;
	struct ethhdr *eth;
	struct fdb_place to;
	enum reason reason;
	int verdict;

	ep = endpoint_find(skb->ifindex);
	if (!ep)
		return drop(skb, NULL, REASON_NO_ENDPOINT, 0);
	stats = stats_find(ep->id);
	if (stats) {
		stats->tx_packets++;
		stats->tx_bytes += skb->len;
	}
	network = network_find(ep);
	if (!network)
		return drop(skb, ep, REASON_NO_NETWORK, 0);

	verdict = endpoint_scrub(skb, ep);
	if (verdict != CONTINUE)
		return verdict;

	eth = (void *)(long)skb->data;
	if ((void *)(eth + 1) > (void *)(long)skb->data_end)
		return drop(skb, ep, REASON_MALFORMED, 0);
	if (mac_is_group(eth->h_source) || mac_is_zero(eth->h_source))
		return drop(skb, ep, REASON_SOURCE_MAC_INVALID, 0);

	if (ep->flags & ENDPOINT_LOCK) {
		verdict = anti_spoof(skb, ep, network, eth);
		if (verdict != CONTINUE)
			return verdict;
	} else if ((ep->flags & (ENDPOINT_LEARN | ENDPOINT_GATEWAY)) == ENDPOINT_LEARN &&
		   !mac_equal(eth->h_source, ep->mac)) {
		fdb_learn(skb, ep, network, eth);
	}

	/* A call may have moved the frame's data, as far as the verifier knows. */
	eth = (void *)(long)skb->data;
	if ((void *)(eth + 1) > (void *)(long)skb->data_end)
		return drop(skb, ep, REASON_MALFORMED, 0);
	if (mac_is_group(eth->h_dest)) {
		if (mac_is_link_local(eth->h_dest) && !network_forwards_group(network, eth->h_dest))
			return drop(skb, ep, REASON_LINK_LOCAL_GROUP, 0);
		verdict = neigh_answer(skb, ep, network);
		if (verdict != CONTINUE)
			return verdict;
		/* The host is an ordinary station here, and may send anything. */
		reason = ep->flags & ENDPOINT_GATEWAY ? REASON_UNSPEC : anti_spoof_host(skb, true);
		if (reason)
			return drop(skb, ep, reason, 0);
		return flood_network(skb, ep, network);
	}

	to = fdb_route(network, eth->h_dest);
	if (ep->flags & ENDPOINT_GATEWAY)
		translated_note(skb, ep, network);
	else if (translated_has_flows(network, ep->network))
		translated_divert(skb, network, &to);
	if (to.owner.word) {
		verdict = forward(skb, ep, network, to);
		if (verdict != CONTINUE)
			return verdict;
	}
	if (to.flags & PLACE_OWN_PREFIX)
		return drop(skb, ep, REASON_PREFIX_UNUSED, 0);
	if (network->flags & NETWORK_NO_FLOOD_UNKNOWN)
		return drop(skb, ep, REASON_UNKNOWN_UNICAST, 0);
	return flood_network(skb, ep, network);
}
