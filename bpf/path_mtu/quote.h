/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The part of a packet that an ICMP error quotes, for both families. */
#ifndef PATH_MTU_QUOTE_H
#define PATH_MTU_QUOTE_H

#include <linux/errno.h>

#include "encap/inner_frame.h"

/*
 * Bytes of the packet that the error quotes: its IP header with all options and
 * a transport header, which is all that any stack looks at. A constant, so that
 * the verifier knows it; no packet that is too big for a path is shorter.
 */
#define PMTU_QUOTE 128

/* Fold a sum of bpf_csum_diff into a checksum. */
static __always_inline __sum16 pmtu_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* Trim the frame to the quoted part and sum it; negative: the frame cannot be quoted. */
static __always_inline __s64 pmtu_quote(struct __sk_buff *skb)
{
	long error;
	void *data;

	error = bpf_skb_change_tail(skb, ETH_HLEN + PMTU_QUOTE, redirect_flags);
	if (error)
		return error;
	data = (void *)(long)skb->data;
	if (data + ETH_HLEN + PMTU_QUOTE > (void *)(long)skb->data_end)
		return -EINVAL;
	return bpf_csum_diff(NULL, 0, data + ETH_HLEN, PMTU_QUOTE, 0);
}

#endif
