/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The DHCP request of a host without an address (RFC 2131). */
#ifndef WIRE_DHCP_H
#define WIRE_DHCP_H

#include <linux/udp.h>

#include "packet.h"

#define DHCP_CLIENT_PORT 68
#define DHCP_SERVER_PORT 67
#define DHCP_BOOTREQUEST 1

/* A request for an address, from the UDP header to the client's MAC (RFC 2131, 2). */
struct dhcp_request {
	struct udphdr udp;
	__u8 operation;
	__u8 hardware;
	__u8 hardware_length;
	__u8 skipped[25];
	__u8 client[ETH_ALEN];
	__u16 pad;
};

/* Bytes of a DHCP message without options (RFC 2131, 2), and of the UDP header. */
#define DHCP_LENGTH_MIN (sizeof(struct udphdr) + 236)

#endif
