/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The one way a frame ends other than being forwarded. drop() and notice() give
 * a reason, count it always, and tell a listener where in the source it was
 * given, if anybody listens. Nothing else in the datapath may drop.
 *
 * A file that uses them says which it is: #define HERE FILE_...
 */
#ifndef REPORT_H
#define REPORT_H

#include "maps.h"
#include "packet.h"

#define NSEC_PER_SEC 1000000000ULL

static __always_inline void count_reason(enum reason reason, __u64 packets, __u64 bytes)
{
	__u32 index = reason;
	struct reason_stats *stats = bpf_map_lookup_elem(&dp_reason_v1, &index);

	if (stats) {
		stats->packets += packets;
		stats->bytes += bytes;
	}
}

/*
 * May this CPU send one more event now? A bucket that holds a second's worth:
 * a burst is seen whole, and a storm of drops costs a counter each, no more.
 */
static __always_inline bool event_allowed(__u32 rate, __u64 now)
{
	__u32 zero = 0;
	struct bucket *bucket = bpf_map_lookup_elem(&dp_bucket_v1, &zero);
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

/* where: enum source_file in the upper 16 bits, the line in the lower. */
static __noinline void report_event(struct __sk_buff *skb, struct endpoint *ep, enum reason reason,
				    int error, __u32 where)
{
	struct network *network = NULL;
	struct config *config;
	struct event *event;
	struct ethhdr eth;
	__u32 zero = 0;
	__u64 now;

	config = bpf_map_lookup_elem(&dp_config_v1, &zero);
	if (!config || !(config->flags & CONFIG_EVENTS))
		return;
	now = bpf_ktime_get_ns();
	if (!event_allowed(config->event_rate, now)) {
		count_reason(REASON_EVENT_LIMIT, 1, 0);
		return;
	}
	event = bpf_ringbuf_reserve(&dp_event_v1, sizeof(*event), 0);
	if (!event) {
		count_reason(REASON_EVENT_LOST, 1, 0);
		return;
	}
	load(skb, 0, &eth, sizeof(eth));
	if (ep)
		network = network_find(ep);
	event->time = now;
	event->reason = reason;
	event->ifindex = skb->ifindex;
	event->vni = network ? network->vni : 0;
	event->endpoint = ep ? ep->id : 0;
	event->error = error;
	event->file = where >> 16;
	event->line = where & 0xffff;
	event->length = skb->len;
	event->protocol = eth.h_proto;
	mac_copy(event->src, eth.h_source);
	mac_copy(event->dst, eth.h_dest);
	__builtin_memset(event->pad, 0, sizeof(event->pad));
	bpf_ringbuf_submit(event, 0);
}

static __noinline int report_drop(struct __sk_buff *skb, struct endpoint *ep, enum reason reason,
				  int error, __u32 where)
{
	struct endpoint_stats *stats;

	count_reason(reason, 1, skb->len);
	if (ep) {
		stats = stats_find(ep->id);
		if (stats)
			stats->tx_dropped++;
	}
	report_event(skb, ep, reason, error, where);
	return TC_ACT_SHOT;
}

static __always_inline int report_notice(struct __sk_buff *skb, struct endpoint *ep,
					 enum reason reason, __u64 packets, int error, __u32 where)
{
	count_reason(reason, packets, packets * skb->len);
	report_event(skb, ep, reason, error, where);
	return CONTINUE;
}

/* Drop the frame; the value is the verdict. ep may be NULL, error 0. */
#define drop(skb, ep, reason, error) \
	report_drop(skb, ep, reason, error, (__u32)HERE << 16 | __LINE__)

/* Something happened to the frame, or to copies of it, but it goes on. */
#define notice(skb, ep, reason, packets, error) \
	report_notice(skb, ep, reason, packets, error, (__u32)HERE << 16 | __LINE__)

#endif
