/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Internet checksums of whole packets (RFC 1071), for the few that neither the
 * kernel nor a driver has verified. What a packet says is summed as it lies in
 * memory, so a sum needs no byte swapping.
 */
#ifndef WIRE_CHECKSUM_H
#define WIRE_CHECKSUM_H

#include "packet.h"

/* A datagram of UDP has at most 65,535 bytes. */
#define CHECKSUM_MAX 65536

static __always_inline __u16 checksum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Two sums of 32 bits, with the carry (csum_add in the kernel). */
static __always_inline __u32 checksum_add(__u32 sum, __u32 more)
{
	sum += more;
	return sum + (sum < more);
}

/* What counts beside the datagram: RFC 768 and RFC 9293, 3.1; RFC 8200, 8.1. */
static __always_inline __u32 checksum_pseudo4(const struct iphdr *ip, __u32 length, __u8 protocol)
{
	__u32 sum = checksum_add(ip->saddr, ip->daddr);

	return checksum_add(sum, bpf_htonl(length + protocol));
}

static __always_inline __u32 checksum_pseudo6(const struct ipv6hdr *ip, __u32 length, __u8 protocol)
{
	const __u32 *source = (const __u32 *)&ip->saddr, *destination = (const __u32 *)&ip->daddr;
	__u32 sum = bpf_htonl(length + protocol);
	int i;

#pragma unroll
	for (i = 0; i < 4; i++)
		sum = checksum_add(checksum_add(sum, source[i]), destination[i]);
	return sum;
}

/* Header without options: zero when its checksum is right (RFC 791, 3.1). */
static __always_inline __u16 checksum_header4(const struct iphdr *ip)
{
	const __u16 *word = (const __u16 *)ip;
	__u32 sum = 0;
	int i;

#pragma unroll
	for (i = 0; i < 10; i++)
		sum += word[i];
	return ~checksum_fold(sum);
}

/* State of a checksum computation. */
struct checksum_walk {
	void *ctx;
	__u32 offset;
	__u32 length; /* what is left */
	__u32 sum;
};

/*
 * Is the checksum of `length` bytes from `offset` right, which is among them? seed:
 * of what counts beside them; bytes: how many are copied to the stack at once. A pair of functions for each kind of program, as the
 * helper that reads has another name.
 */
#define CHECKSUM_RIGHT(name, context, read, bytes)                                              \
	static long name##_chunk(__u32 index, struct checksum_walk *walk)                       \
	{                                                                                       \
		__u8 chunk[bytes] __attribute__((aligned(8)));                                  \
		__u32 size = walk->length;                                                      \
                                                                                                \
		if (!size)                                                                      \
			return 1;                                                               \
		if (size >= bytes)                                                              \
			size = bytes;                                                           \
		else /* Zeros behind the end count for nothing. */                              \
			__builtin_memset(chunk, 0, sizeof(chunk));                              \
		/* The same number, for verifiers before 6.8: from 1 to bytes, a power of two. */      \
		asm volatile("" : "+r"(size));                                                 \
		size = ((size - 1) & (bytes - 1)) + 1;                                          \
		if (read(walk->ctx, walk->offset, chunk, size))                                 \
			return 1;                                                               \
		walk->sum = bpf_csum_diff(NULL, 0, (__be32 *)chunk, sizeof(chunk), walk->sum);  \
		walk->offset += size;                                                           \
		walk->length -= size;                                                           \
		return 0;                                                                       \
	}                                                                                       \
	static __noinline bool name(context *ctx, __u32 offset, __u32 length, __u32 seed)       \
	{                                                                                       \
		struct checksum_walk walk = {                                                   \
			.ctx = ctx,                                                             \
			.offset = offset,                                                       \
			.length = length,                                                       \
			.sum = seed,                                                            \
		};                                                                              \
                                                                                                \
		bpf_loop(CHECKSUM_MAX / (bytes), name##_chunk, &walk, 0);                       \
		return !walk.length && checksum_fold(walk.sum) == 0xffff;                       \
	}

#endif
