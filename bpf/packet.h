/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Reading frames. Only the Ethernet header is read in place; everything that
 * may lie in a page fragment is copied by bpf_skb_load_bytes, which finds it
 * wherever it is. Nothing is pulled and nothing written in place: both would
 * make the kernel copy the head of every cloned frame, and TCP sends clones.
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
 * Steps that are not static (guard, impostor, anti_spoof_check, neigh_answer, encap,
 * port_search) are verified by themselves, once: what they found out does not multiply
 * with what comes after. The verifier wants to see that their pointers are no NULL.
 */

/* A step returns this for "go on"; anything else is the frame's verdict. */
#define CONTINUE TC_ACT_OK

/*
 * The bits given to bpf_redirect and other helpers that have none to be set. The
 * kernel refuses all but the ones it knows, which is how a test gets to see a
 * refusal.
 */
const volatile __u64 redirect_flags = 0;

#define VLAN_HLEN 4
/* Of a tag, the bits that are not priority (IEEE 802.1Q, 9.6). */
#define VLAN_ID 0x0fff
/*
 * Tags that are looked through: 802.1ad has two, and a receiver that strips
 * more of them would have to be configured to.
 */
#define VLAN_TAGS_MAX 2

static __always_inline bool load(struct __sk_buff *skb, __u32 offset, void *to, __u32 size)
{
	return bpf_skb_load_bytes(skb, offset, to, size) == 0;
}

/* The same, if it is before the end that the headers before it state: what is behind that is padding. */
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
