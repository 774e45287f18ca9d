// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * The endpoint's object with an additional program that calls a function of Linux 6.4. It loads
 * on a newer machine, and not on the oldest kernel of the matrix.
 */
/* The variant for kernels before 6.2. */
#define NO_KERNEL_TYPES
#include "endpoint.bpf.c"

extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags,
			       struct bpf_dynptr *ptr__uninit) __ksym;

SEC("tc")
int too_new(struct __sk_buff *skb)
{
	struct bpf_dynptr ptr;

	bpf_dynptr_from_skb(skb, 0, &ptr);
	return TC_ACT_UNSPEC;
}
