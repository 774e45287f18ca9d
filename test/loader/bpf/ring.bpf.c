// SPDX-License-Identifier: GPL-2.0
/* Fills a ring buffer: each run writes one record that carries its own number. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

struct record {
	__u64 number;
	__u8 fill[40];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 24);
} ring_v1 SEC(".maps");

/* [0] records written, [1] records that did not fit. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} written_v1 SEC(".maps");

SEC("tc")
int ring_fill(struct __sk_buff *skb)
{
	__u32 zero = 0, one = 1;
	__u64 *written = bpf_map_lookup_elem(&written_v1, &zero);
	__u64 *lost = bpf_map_lookup_elem(&written_v1, &one);
	struct record *record;

	(void)skb;
	if (!written || !lost)
		return TC_ACT_SHOT;
	record = bpf_ringbuf_reserve(&ring_v1, sizeof(*record), 0);
	if (!record) {
		*lost += 1;
		return TC_ACT_OK;
	}
	record->number = *written;
	__builtin_memset(record->fill, (int)*written, sizeof(record->fill));
	/* Every 1000th is discarded, which a reader must skip. */
	if (*written % 1000 == 999)
		bpf_ringbuf_discard(record, 0);
	else
		bpf_ringbuf_submit(record, 0);
	*written += 1;
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";
