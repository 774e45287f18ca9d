// SPDX-License-Identifier: GPL-2.0
/* Two programs that count IPv4 packets in slots of their own and leave the verdict to others. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/types.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u64);
} seen_v1 SEC(".maps");

/* TCX_NEXT and TC_ACT_UNSPEC have the same value. */
#define NEXT -1

static __always_inline void count(__u32 slot)
{
	__u64 *seen = bpf_map_lookup_elem(&seen_v1, &slot);

	if (seen)
		__sync_fetch_and_add(seen, 1);
}

SEC("tc")
int link_a(struct __sk_buff *skb)
{
	if (skb->protocol == bpf_htons(ETH_P_IP))
		count(0);
	return NEXT;
}

SEC("tc")
int link_b(struct __sk_buff *skb)
{
	if (skb->protocol == bpf_htons(ETH_P_IP))
		count(1);
	return NEXT;
}

SEC("xdp")
int link_xdp(struct xdp_md *ctx)
{
	(void)ctx;
	count(2);
	return XDP_PASS;
}

SEC("xdp")
int link_xdp_other(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
