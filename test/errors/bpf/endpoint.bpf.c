// SPDX-License-Identifier: GPL-2.0
/* A build of the datapath that every verifier rejects. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

/* The constants that dpctl sets in each build. */
const volatile __u32 hz = 250;
const volatile __u32 fib_flags = 0;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} dp_refused_v1 SEC(".maps");

SEC("tc")
int endpoint(struct __sk_buff *skb)
{
	__u32 slot = hz + fib_flags;
	__u64 *value = bpf_map_lookup_elem(&dp_refused_v1, &slot);

	(void)skb;
	/* The check for NULL is missing. */
	return (int)*value;
}

SEC("tc")
int control(struct __sk_buff *skb)
{
	(void)skb;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
