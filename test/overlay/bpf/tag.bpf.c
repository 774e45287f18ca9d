// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * A container that uses VLANs, also on kernels without VLAN devices: tags everything that it
 * sends, and untags what it receives.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

/* VLANs, the outermost last; 0: none. */
const volatile __u16 vlan[2] = {};

SEC("tc")
int tag(struct __sk_buff *skb)
{
	int i;

#pragma unroll
	for (i = 0; i < 2; i++) {
		if (vlan[i] && bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), vlan[i]))
			return TC_ACT_SHOT;
	}
	return TC_ACT_OK;
}

SEC("tc")
int untag(struct __sk_buff *skb)
{
	int i;

#pragma unroll
	for (i = 0; i < 2; i++) {
		if (vlan[i] && bpf_skb_vlan_pop(skb))
			return TC_ACT_SHOT;
	}
	return TC_ACT_OK;
}
