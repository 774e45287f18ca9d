// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * What the cost of the datapath is measured against, and with: a program that
 * does nothing, and one that sends each run to another destination MAC before
 * it hands the frame on.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define TC_ACT_OK 0
#define TC_ACT_SHOT 2

/* Where to_tunnel sends, in host byte order; set when loaded. */
const volatile __u32 tunnel_remote = 0;
const volatile __u32 tunnel_vni = 0;

/* Which MACs scatter picks, by their numbers from 0; written between runs. */
struct scatter {
	__u32 count;
	__u32 state; /* of the generator, never 0 */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scatter);
} bench_scatter SEC(".maps");

/* The program that scatter hands on to: the datapath's, or the empty one for comparison. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} bench_next SEC(".maps");

SEC("tc")
int empty(struct __sk_buff *skb)
{
	return skb->len == 0;
}

SEC("tc")
int scatter(struct __sk_buff *skb)
{
	struct ethhdr *eth = (void *)(long)skb->data;
	__u32 zero = 0, index, state;
	struct scatter *it;

	it = bpf_map_lookup_elem(&bench_scatter, &zero);
	if (!it || (void *)(eth + 1) > (void *)(long)skb->data_end)
		return TC_ACT_OK;
	/* xorshift32: cheap, and too irregular for the CPU to fetch ahead. */
	state = it->state;
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	it->state = state;
	index = ((__u64)state * it->count) >> 32;
	/* The MACs that control-fill.ts writes: 02:00 and the number. */
	eth->h_dest[0] = 0x02;
	eth->h_dest[1] = 0;
	eth->h_dest[2] = index >> 24;
	eth->h_dest[3] = index >> 16;
	eth->h_dest[4] = index >> 8;
	eth->h_dest[5] = index;
	bpf_tail_call(skb, &bench_next, 0);
	return TC_ACT_OK;
}

/*
 * Egress of a vxlan device without a network of its own: what it is told for
 * each packet. The kernel's own ways to tell it (VLAN tunnels of the bridge,
 * act_tunnel_key) are options that not every kernel has.
 */
SEC("tc")
int to_tunnel(struct __sk_buff *skb)
{
	struct bpf_tunnel_key key = {
		.tunnel_id = tunnel_vni,
		.remote_ipv4 = tunnel_remote,
		.tunnel_ttl = 64,
	};

	if (bpf_skb_set_tunnel_key(skb, &key, sizeof(key), BPF_F_ZERO_CSUM_TX))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

/* A driver whose XDP is in use, whatever for, is a NIC's usual state; on a veth it changes the path. */
SEC("xdp.frags")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}
