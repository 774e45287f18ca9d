/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* ARP for Ethernet and IPv4 (RFC 826). */
#ifndef WIRE_ARP_H
#define WIRE_ARP_H

#include "packet.h"

/* ARP for Ethernet and IPv4 (RFC 826). */
struct arp_packet {
	__be16 hardware;
	__be16 protocol;
	__u8 hardware_length;
	__u8 protocol_length;
	__be16 operation;
	__u8 sender_mac[ETH_ALEN];
	__be32 sender_ip;
	__u8 target_mac[ETH_ALEN];
	__be32 target_ip;
} __attribute__((packed));

#define ARP_HARDWARE_ETHERNET 1
#define ARP_REQUEST 1
#define ARP_REPLY 2

static __always_inline bool arp_is_ethernet_ip4(const struct arp_packet *arp)
{
	return arp->hardware == bpf_htons(ARP_HARDWARE_ETHERNET) &&
	       arp->protocol == bpf_htons(ETH_P_IP) && arp->hardware_length == ETH_ALEN &&
	       arp->protocol_length == sizeof(arp->sender_ip);
}

#endif
