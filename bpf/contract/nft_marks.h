/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Packet marks by which nftables rules of the host tell the datapath about a frame. */
#ifndef CONTRACT_NFT_MARKS_H
#define CONTRACT_NFT_MARKS_H

/*
 * Marks that dpctl's nftables rules put on packets that the host forwards to a gateway's
 * device, and that the gateway's port consumes. (Only the host can set
 * one there: packets from a namespace arrive without a mark.)
 */
enum gateway_mark {
	GATEWAY_MARK_APART = 0x59c70001, /* from a gateway of another network */
	GATEWAY_MARK_BACK = 0x59c70002, /* from the same gateway: back to where it came from */
};

#endif
