// SPDX-License-Identifier: GPL-2.0
/* Filters of another program on a device that dpctl uses. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

static void count(void)
{
	__u32 zero = 0;
	__u64 *frames = bpf_map_lookup_elem(&seen, &zero);

	if (frames)
		__sync_fetch_and_add(frames, 1);
}

/* Counts IPv4 and passes everything to the next filter. */
SEC("tc")
int watch(struct __sk_buff *skb)
{
	if (skb->protocol == bpf_htons(ETH_P_IP))
		count();
	return TC_ACT_UNSPEC;
}

/* Counts and drops IPv4. */
SEC("tc")
int deny(struct __sk_buff *skb)
{
	if (skb->protocol != bpf_htons(ETH_P_IP))
		return TC_ACT_UNSPEC;
	count();
	return TC_ACT_SHOT;
}
