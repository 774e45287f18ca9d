// SPDX-License-Identifier: GPL-2.0
/* A program that the verifier must reject, with maps that must leave no trace then. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} fresh_v1 SEC(".maps");

SEC("tc")
int rejected_read(struct __sk_buff *skb)
{
	__u32 slot = 0;
	__u64 *value = bpf_map_lookup_elem(&fresh_v1, &slot);

	(void)skb;
	/* The check for NULL is missing. (New kernels know that an array's first slot exists.) */
	return (int)*value;
}

SEC("tc")
int accepted(struct __sk_buff *skb)
{
	(void)skb;
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";
