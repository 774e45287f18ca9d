/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Values that the verifier must not know. */
#ifndef UNKNOWN_TO_VERIFIER_H
#define UNKNOWN_TO_VERIFIER_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

/*
 * 0, but unknown to the verifier. What a callback of bpf_loop or
 * bpf_for_each_map_elem keeps for its next round has to start with it: before Linux 6.8
 * ("bpf: verify callbacks as if they are called unknown number of times") only the
 * first round is looked at, and what is not reached in it is cut out of the
 * program without a word. On 6.1 a flood then reached the last of its receivers only.
 */
static __always_inline __u64 unknown_zero(void)
{
	__u64 value = bpf_jiffies64();

	asm volatile("%0 ^= %0" : "+r"(value));
	return value;
}

#endif
