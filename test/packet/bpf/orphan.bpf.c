// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* Clears the owner of an entry in the MAC table in place, which user space cannot do. */
#include "maps.h"

char LICENSE[] SEC("license") = "GPL";

SEC("tc")
int orphan(struct __sk_buff *skb)
{
	struct fdb_key key = {};
	struct fdb *fdb;

	if (bpf_skb_load_bytes(skb, 0, &key, sizeof(key)))
		return 1;
	fdb = bpf_map_lookup_elem(&dp_fdb_v1, &key);
	if (!fdb)
		return 2;
	*(volatile __u64 *)fdb = 0;
	return 0;
}
