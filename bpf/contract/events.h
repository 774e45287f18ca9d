/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Events for user space: format, rate limit, and position in the source. */
#ifndef CONTRACT_EVENTS_H
#define CONTRACT_EVENTS_H

#include <linux/types.h>

enum config_flags {
	CONFIG_EVENTS = 1 << 0, /* a drop or notice sends an event */
};

/* dp_config: one entry, changed at run time. */
struct config {
	__u32 flags; /* enum config_flags */
	__u32 event_rate; /* most events a second on each CPU */
};

enum bucket_kind {
	BUCKET_EVENT = 0, /* events to user space */
	BUCKET_ICMP = 1, /* "packet too big" to endpoints */
	BUCKET_MAX = 2,
};

/* dp_bucket, per CPU: the token bucket of each kind. */
struct bucket {
	__u64 filled; /* ns since boot when tokens were last added */
	__u32 tokens;
	__u32 pad;
};

/*
 * The source file that gave a reason. The line is a field of its own.
 * FILE_FDB_LEARN is fdb/learn.h, and so on; FILE_ENDPOINT is endpoint.bpf.c. A number
 * that is retired (10, 18, 21, 22) is never reused.
 */
enum source_file {
	FILE_ENDPOINT = 1,
	FILE_ANTI_SPOOF_ENDPOINT = 2,
	FILE_ANTI_SPOOF_IP4 = 3,
	FILE_ANTI_SPOOF_IP6 = 4,
	FILE_FDB_LEARN = 5,
	FILE_NEIGHBOUR_REPLY = 6,
	FILE_DELIVERY_UNICAST = 7,
	FILE_DELIVERY_FLOOD = 8,
	FILE_ENCAP_SEND = 9,
	FILE_PATH_MTU_NOTIFY_SENDER = 11,
	FILE_UNDERLAY = 12,
	FILE_REPLICATE = 13,
	FILE_DELIVERY_FORWARD = 14,
	FILE_DELIVERY_REPLICATE = 15,
	FILE_DELIVERY_FROM_NODE = 16,
	FILE_ANCHOR = 17,
	FILE_ANTI_SPOOF_ARP = 23,
};

enum event_type {
	EVENT_DROP = 1, /* a frame was dropped: struct frame_event */
	EVENT_NOTICE = 2, /* something worth a count, but the frame went on: struct frame_event */
};

/* Header of every record of dp_event. A reader skips types that it does not know. */
struct event_header {
	__u64 time; /* ns since boot (bpf_ktime_get_ns) */
	__u16 type; /* enum event_type */
	__u16 size; /* bytes of the event, this header included */
	__u32 ifindex; /* where the frame came in */
};

/* dp_event: why a frame was dropped, or what happened to it, and where in the datapath. */
struct frame_event {
	struct event_header header;
	__u32 reason; /* enum reason */
	__u32 vni;
	__u32 endpoint; /* number, 0 if unknown */
	__s32 error; /* what the helper returned, 0 if none did */
	__u16 file; /* enum source_file */
	__u16 line;
	__u32 length; /* bytes of the frame */
	__be16 protocol; /* EtherType */
	__u8 src[6];
	__u8 dst[6];
	__u16 node; /* number of the node it came from or was for, 0 if none */
};

#endif
