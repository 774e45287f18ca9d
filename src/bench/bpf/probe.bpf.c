// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * Programs to measure the cost of the datapath: an empty one as the reference,
 * and one that writes a pseudo-random destination MAC before it calls the
 * measured program.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define TC_ACT_OK 0
#define TC_ACT_SHOT 2

/* Remote address of to_tunnel, in host byte order; set at load time. */
const volatile __u32 tunnel_remote = 0;
const volatile __u32 tunnel_vni = 0;

/* Range of the MACs that scatter chooses, by number from 0; set between runs. */
struct scatter {
	__u32 count;
	__u32 state; /* of the random generator, never 0 */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scatter);
} bench_scatter SEC(".maps");

/* The program that scatter calls: that of the datapath, or the empty one as reference. */
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
	/* xorshift32: cheap, but not predictable for the CPU's prefetcher. */
	state = it->state;
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	it->state = state;
	index = ((__u64)state * it->count) >> 32;
	/* The MACs that control-fill.ts writes: 02:00 and the number, 4 bytes. */
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
 * Egress of a vxlan device in external mode: sets the tunnel key of each
 * packet. The alternatives of the kernel (VLAN tunnels of the bridge,
 * act_tunnel_key) are config options that not every kernel has.
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

/* Passes all frames. NICs often run XDP in the driver; on a veth, this changes the receive path. */
SEC("xdp.frags")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}
