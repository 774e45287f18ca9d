// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* What running any program costs. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("tc")
int empty(struct __sk_buff *skb)
{
	return skb->len == 0;
}
