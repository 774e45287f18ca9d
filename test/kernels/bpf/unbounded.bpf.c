// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * The endpoint's object with a program more that must not pass: it follows a chain of
 * bytes as long as the sender likes. Stands in for the real one to show that the kernel
 * matrix would find such a thing.
 */
/* As kernels before 6.2 get it. */
#define NO_KERNEL_TYPES
#include "endpoint.bpf.c"

SEC("tc")
int unbounded(struct __sk_buff *skb)
{
	__u8 next = 1;

	while (next)
		if (bpf_skb_load_bytes(skb, next, &next, sizeof(next)))
			break;
	return TC_ACT_UNSPEC;
}
