/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The only way to drop a frame. drop() and notice() take a reason, always count it, and
 * send an event with the line of the source if events are on. Nothing else in the
 * datapath may drop.
 *
 * A file that uses them names itself: #define HERE FILE_...
 */
#ifndef REPORT_H
#define REPORT_H

#include "lookup.h"
#include "wire/mac.h"

#define NSEC_PER_SEC 1000000000ULL

/*
 * May this CPU do one more of these now? The bucket holds a second's worth: a burst
 * is seen whole, and in a storm each further drop costs only its counter.
 */
static __always_inline bool rate_allows(enum bucket_kind kind, __u32 rate, __u64 now)
{
	__u32 index = kind;
	struct bucket *bucket = bpf_map_lookup_elem(&dp_bucket_v1, &index);
	__u64 passed, more;

	if (!bucket)
		return false;
	passed = now - bucket->filled;
	if (passed > NSEC_PER_SEC)
		passed = NSEC_PER_SEC;
	more = passed * rate / NSEC_PER_SEC;
	if (more) {
		more += bucket->tokens;
		bucket->tokens = more < rate ? more : rate;
		bucket->filled = now;
	}
	if (!bucket->tokens)
		return false;
	bucket->tokens--;
	return true;
}

/*
 * A function has five arguments at most, so where something happened is one word:
 * the line in the lowest 15 bits, whether the frame goes on in the next one, enum
 * source_file in the next 8, and, for a frame from or for another node, the VNI in
 * the next 24 and the number of the node in the highest 16.
 */
#define WHERE_LINE 0x7fff
#define WHERE_NOTICE 0x8000
#define WHERE ((__u64)HERE << 16 | __LINE__)
#define FROM_NODE(node, vni) ((__u64)(node) << 48 | (__u64)(vni) << 24)

static __always_inline __u32 where_node(__u64 where)
{
	return where >> 48;
}

static __always_inline __u32 where_vni(__u64 where)
{
	return where >> 24 & 0xffffff;
}

int report_event(struct __sk_buff *skb, struct endpoint *ep, enum reason reason, int error,
		 __u64 where);

__noinline int report_event(struct __sk_buff *skb, struct endpoint *ep, enum reason reason,
			    int error, __u64 where)
{
	struct network *network = NULL;
	struct config *config;
	struct frame_event *event;
	struct ethhdr eth;
	__u32 zero = 0;
	__u64 now;

	config = bpf_map_lookup_elem(&dp_config_v1, &zero);
	if (!config || !(config->flags & CONFIG_EVENTS))
		return 0;
	now = bpf_ktime_get_ns();
	if (!rate_allows(BUCKET_EVENT, config->event_rate, now)) {
		count_reason(REASON_EVENT_LIMIT, 1, 0);
		return 0;
	}
	event = bpf_ringbuf_reserve(&dp_event_v2, sizeof(*event), 0);
	if (!event) {
		count_reason(REASON_EVENT_LOST, 1, 0);
		return 0;
	}
	load(skb, 0, &eth, sizeof(eth));
	if (ep)
		network = network_find(ep);
	event->header.time = now;
	event->header.type = where & WHERE_NOTICE ? EVENT_NOTICE : EVENT_DROP;
	event->header.size = sizeof(*event);
	event->header.ifindex = skb->ifindex;
	event->reason = reason;
	event->vni = network ? network->vni : where_vni(where);
	event->endpoint = ep ? ep->id : 0;
	event->error = error;
	event->file = where >> 16 & 0xff;
	event->line = where & WHERE_LINE;
	event->length = skb->len;
	event->protocol = eth.h_proto;
	mac_copy(event->src, eth.h_source);
	mac_copy(event->dst, eth.h_dest);
	event->node = where_node(where);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

static __noinline int report_drop(struct __sk_buff *skb, struct endpoint *ep, enum reason reason,
				  int error, __u64 where)
{
	struct node_stats *node_stats;
	struct endpoint_stats *stats;

	count_reason(reason, 1, skb->len);
	if (ep) {
		stats = stats_find(ep->id);
		if (stats)
			stats->tx_dropped++;
	}
	if (where_node(where)) {
		node_stats = node_stats_find(where_node(where));
		if (node_stats && ep)
			node_stats->tx_dropped++;
		else if (node_stats)
			node_stats->rx_dropped++;
	}
	report_event(skb, ep, reason, error, where);
	return TC_ACT_SHOT;
}

static __always_inline int report_notice(struct __sk_buff *skb, struct endpoint *ep,
					 enum reason reason, __u64 packets, int error, __u64 where)
{
	count_reason(reason, packets, packets * skb->len);
	report_event(skb, ep, reason, error, where | WHERE_NOTICE);
	return CONTINUE;
}

/* Drop the frame; the value is the verdict. ep may be NULL, error 0. */
#define drop(skb, ep, reason, error) report_drop(skb, ep, reason, error, WHERE)

/* Something happened to the frame, or to copies of it, but it goes on. */
#define notice(skb, ep, reason, packets, error) \
	report_notice(skb, ep, reason, packets, error, WHERE)

/* The same for a frame that is from or for another node: from is FROM_NODE(), or 0. */
#define drop_from(skb, ep, from, reason, error) report_drop(skb, ep, reason, error, (from) | WHERE)
#define notice_from(skb, ep, from, reason, packets, error) \
	report_notice(skb, ep, reason, packets, error, (from) | WHERE)

#endif
