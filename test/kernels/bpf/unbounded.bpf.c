// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * The endpoint's object with an additional program that the verifier must reject: it follows a
 * chain of bytes of unlimited length. It replaces the real object to show that the kernel matrix
 * finds such a fault.
 */
/* The variant for kernels before 6.2. */
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
