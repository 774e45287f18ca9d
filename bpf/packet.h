/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Reading frames. Only the Ethernet header is read in place. All else may lie in a
 * page fragment and is copied by bpf_skb_load_bytes. Nothing is pulled and nothing
 * written in place: both would make the kernel copy the head of every cloned frame,
 * and TCP sends clones.
 */
#ifndef PACKET_H
#define PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/*
 * Steps that are not static (anti_spoof_check, anti_spoof_host, anti_spoof_node,
 * neigh_answer, encap_send, port_search) are verified once, on their own: their paths do
 * not multiply with those of their callers. The verifier wants their pointers checked
 * for NULL.
 */

/* A step returns this for "go on"; anything else is the frame's verdict. */
#define CONTINUE TC_ACT_OK

/*
 * Flags for bpf_redirect and other helpers that need none. The kernel refuses flags
 * that it does not know, so a test sets some to see a refusal.
 */
const volatile __u64 redirect_flags = 0;

#define VLAN_HLEN 4
/* Of a tag, the bits that are not priority (IEEE 802.1Q, 9.6). */
#define VLAN_ID 0x0fff
/*
 * Tags that are looked through: 802.1ad has two, and no receiver strips more
 * unless it is configured to.
 */
#define VLAN_TAGS_MAX 2

static __always_inline bool load(struct __sk_buff *skb, __u32 offset, void *to, __u32 size)
{
	return bpf_skb_load_bytes(skb, offset, to, size) == 0;
}

/* The same, up to the end that the headers in front state: behind that is padding. */
static __always_inline bool load_within(struct __sk_buff *skb, __u32 offset, void *to, __u32 size,
					__u32 end)
{
	return offset + size <= end && load(skb, offset, to, size);
}

static __always_inline bool protocol_is_tag(__be16 protocol)
{
	return protocol == bpf_htons(ETH_P_8021Q) || protocol == bpf_htons(ETH_P_8021AD);
}

#endif
