/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Congestion marks of the outer header move to the inner one at decapsulation
 * (RFC 6040, 4.2; INET_ECN_decapsulate in the kernel).
 */
#ifndef WIRE_ECN_H
#define WIRE_ECN_H

#include "packet.h"

/* RFC 3168, 5: the lower two bits of the traffic class. */
#define ECN_MASK 3
#define ECN_NOT_ECT 0
#define ECN_ECT_1 1
#define ECN_ECT_0 2
#define ECN_CE 3

/* The mark that the inner packet gets, or -1: it cannot carry the mark and must be dropped. */
static __always_inline int ecn_combine(__u8 outer, __u8 inner)
{
	outer &= ECN_MASK;
	inner &= ECN_MASK;
	if (outer == ECN_CE)
		return inner == ECN_NOT_ECT ? -1 : ECN_CE;
	if (outer == ECN_ECT_1 && inner == ECN_ECT_0)
		return ECN_ECT_1;
	return inner;
}

/*
 * The first 16 bits of an IP header: version, length and class in IPv4; version,
 * class and a piece of the flow label in IPv6.
 */
static __always_inline __u8 ecn_of_word(__be16 word, bool ip6)
{
	return ip6 ? bpf_ntohs(word) >> 4 & ECN_MASK : bpf_ntohs(word) & ECN_MASK;
}

static __always_inline __be16 ecn_set_word(__be16 word, bool ip6, __u8 ecn)
{
	__u16 shift = ip6 ? 4 : 0;

	return bpf_htons((bpf_ntohs(word) & ~(ECN_MASK << shift)) | ecn << shift);
}

/* The IPv4 checksum after one word of the header has changed (RFC 1624, 3, equation 3). */
static __always_inline __sum16 ecn_checksum(__sum16 check, __be16 from, __be16 to)
{
	__u32 sum = (__u16)~check + (__u16)~from + to;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

#endif
