/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* What nftables rules of the host tell the datapath about a frame. */
#ifndef CONTRACT_NFT_MARKS_H
#define CONTRACT_NFT_MARKS_H

/*
 * Marks that dpctl's nftables rules put on what the host forwards to a gateway's
 * device, last of all, and that end at the gateway's port. (Only the host can set
 * one there: what comes out of a namespace has none.)
 */
enum gateway_mark {
	GATEWAY_MARK_APART = 0x59c70001, /* from a gateway of another network */
	GATEWAY_MARK_BACK = 0x59c70002, /* from the same gateway: back to where it came from */
};

#endif
