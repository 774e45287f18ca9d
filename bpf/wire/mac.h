/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* MAC addresses, and the tags behind them. */
#ifndef WIRE_MAC_H
#define WIRE_MAC_H

#include "packet.h"

/* The first two bytes of a MAC that is made of an IPv4 address, whose four bytes follow. */
#define MAC_OF_IP4 0x0a58

/* MAC addresses are 16-bit aligned everywhere: in frames, on the stack and in maps. */
static __always_inline bool mac_equal(const void *a, const void *b)
{
	const __u16 *x = a, *y = b;

	return x[0] == y[0] && x[1] == y[1] && x[2] == y[2];
}

static __always_inline void mac_copy(void *to, const void *from)
{
	const __u16 *x = from;
	__u16 *y = to;

	y[0] = x[0];
	y[1] = x[1];
	y[2] = x[2];
}

/*
 * To a 4-byte aligned place of 8 bytes, of which the last two become zero. In
 * two whole words, since a hash reads them back as such: of halves, the CPU
 * would have to wait until both are in its cache.
 */
static __always_inline void mac_copy_padded(void *to, const void *from)
{
	const __u16 *x = from;
	__u32 *y = to;

	y[0] = *(const __u32 *)from;
	y[1] = x[2];
	if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
		y[1] <<= 16;
}

static __always_inline bool mac_is_group(const __u8 *mac)
{
	return mac[0] & 1;
}

static __always_inline bool mac_is_zero(const void *mac)
{
	const __u16 *x = mac;

	return !(x[0] | x[1] | x[2]);
}

/*
 * 01:80:c2:00:00:00 to :0f, which are for the next bridge (IEEE 802.1D-2004, 7.12.6;
 * is_link_local_ether_addr in the kernel).
 */
static __always_inline bool mac_is_link_local(const void *mac)
{
	const __u16 *x = mac;

	return x[0] == bpf_htons(0x0180) && x[1] == bpf_htons(0xc200) &&
	       (x[2] & bpf_htons(0xfff0)) == 0;
}

#endif
