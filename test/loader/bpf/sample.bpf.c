// SPDX-License-Identifier: GPL-2.0
/* Everything that the loader's tests need of an object, in its smallest form. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

/* other.bpf.c is this object with another layout. */
#ifndef VALUE_FIELDS
#define VALUE_FIELDS __u64 packets; __u32 ifindex; __u32 flags;
#define TABLE_ENTRIES 1024
#endif

enum verdict {
	VERDICT_PASS = 1,
	VERDICT_DROP = 2,
};

struct odd {
	__u32 low : 3;
	__u32 high : 5;
	union {
		__u64 whole;
		__u8 bytes[8];
	};
};

struct key {
	__u32 vni;
	__u8 mac[6];
	__u16 pad;
};

struct value {
	VALUE_FIELDS
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TABLE_ENTRIES);
	__type(key, struct key);
	__type(value, struct value);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} table_v1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} a_long_map_name_v1 SEC(".maps");

/* A constant of each width and sign. */
const volatile __u8 knob_u8 = 7;
const volatile __s32 knob_s32 = -1;
const volatile __u64 knob_u64 = 0;
const volatile enum verdict knob_enum = VERDICT_PASS;
const volatile __u8 knob_mac[6] = {};

/* BTF keeps only the types that a global symbol uses. */
volatile struct odd sample_odd;

/* Returns a mix of all constants that shows each of them. */
SEC("tc")
int sample_knobs(struct __sk_buff *skb)
{
	(void)skb;
	return knob_u8 + knob_s32 * 100 + (int)knob_u64 + knob_enum * 10000 + knob_mac[5] * 100000;
}

/* Counts packets by the key 42 and stamps the mark. */
SEC("tc")
int sample_count(struct __sk_buff *skb)
{
	struct key key = { .vni = 42 };
	struct value *value = bpf_map_lookup_elem(&table_v1, &key);
	__u32 slot = 1;
	__u64 *count = bpf_map_lookup_elem(&a_long_map_name_v1, &slot);

	if (value)
		__sync_fetch_and_add(&value->packets, 1);
	if (count)
		*count += 1;
	skb->mark = 7;
	return TC_ACT_UNSPEC;
}

SEC("tc")
int sample_drop(struct __sk_buff *skb)
{
	if (skb->len == 0)
		return sample_odd.low;
	return TC_ACT_SHOT;
}

SEC("xdp")
int sample_xdp(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;

	if (data + 14 > end)
		return XDP_ABORTED;
	*(__u8 *)data = 0x02;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
