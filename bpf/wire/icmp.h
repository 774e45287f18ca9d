/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* ICMP (RFC 792) and ICMPv6 (RFC 4443): one header, and the types that matter here. */
#ifndef WIRE_ICMP_H
#define WIRE_ICMP_H

#include <linux/types.h>

#define ICMP4_ECHO_REPLY 0
#define ICMP4_UNREACHABLE 3
#define ICMP4_SOURCE_QUENCH 4
#define ICMP4_REDIRECT 5
#define ICMP4_ECHO_REQUEST 8
#define ICMP4_ROUTER_ADVERT 9 /* RFC 1256 */
#define ICMP4_TIME_EXCEEDED 11
#define ICMP4_PARAMETER 12
/* Code of ICMP4_UNREACHABLE. */
#define ICMP4_FRAGMENTATION_NEEDED 4

#define ICMP6_TOO_BIG 2
/* Types below this are errors (RFC 4443, 2.1). */
#define ICMP6_INFORMATIONAL 128
#define ICMP6_ECHO_REQUEST 128
#define ICMP6_ECHO_REPLY 129

/* What all messages begin with. */
struct icmp {
	__u8 type;
	__u8 code;
	__sum16 checksum;
};

/* An echo begins so; the identifier stands for the ports that ICMP has not. */
struct icmp_echo {
	struct icmp icmp;
	__be16 identifier;
	__be16 sequence;
};

/* An error begins so, and the packet that it is about follows. */
struct icmp_error {
	struct icmp icmp;
	__be32 data; /* by type: the MTU, the gateway, a pointer */
};

#endif
