/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * A packet that does not fit the path to another node is dropped, and its sender is
 * told the path's MTU: by the ICMP error of a router, from the address of the packet's
 * destination, as iptunnel_pmtud_build_icmp() in the kernel does for tunnels under a
 * bridge.
 *
 * Packets that are yet to be segmented cause no error: TCP retransmits a single segment,
 * which does. Packets without DF do cause one, because nothing on this path fragments.
 */
#ifndef PATH_MTU_NOTIFY_SENDER_H
#define PATH_MTU_NOTIFY_SENDER_H

#include "delivery/reachable.h"
#include "path_mtu/icmp4.h"
#include "path_mtu/icmp6.h"

#undef HERE
#define HERE FILE_PATH_MTU_NOTIFY_SENDER

/*
 * Maximum number of errors per second and CPU. A sender needs one for each of its peers
 * every ten minutes (RFC 1191, 6.3); a thousand of them at once get theirs within
 * seconds.
 */
#define PMTU_RATE 200

/*
 * Tell the sender of a dropped frame, if that is allowed, that the path to the node
 * takes mtu bytes of layer 3. The frame itself becomes the message. The value is the
 * verdict on that, or CONTINUE: no error is sent.
 */
static __noinline int pmtu_tell(struct __sk_buff *skb, struct endpoint *ep, __u64 to,
				const struct encap_frame *frame, __u32 mtu)
{
	bool possible = false;
	long error;

	if (skb->gso_size || mac_is_group(frame->eth.h_dest) ||
	    port_search(skb, skb->ifindex))
		return CONTINUE;
	if (frame->eth.h_proto == bpf_htons(ETH_P_IP))
		possible = pmtu_may_tell4(skb, frame);
	else if (frame->eth.h_proto == bpf_htons(ETH_P_IPV6))
		possible = pmtu_may_tell6(skb, frame);
	if (!possible)
		return CONTINUE;
	if (!rate_allows(BUCKET_ICMP, PMTU_RATE, bpf_ktime_get_ns())) {
		notice_from(skb, ep, to, REASON_ICMP_LIMIT, 1, 0);
		return CONTINUE;
	}
	if (frame->eth.h_proto == bpf_htons(ETH_P_IP))
		error = pmtu_tell4(skb, frame, mtu);
	else
		error = pmtu_tell6(skb, frame, mtu);
	if (error) {
		notice_from(skb, ep, to, REASON_ICMP_IMPOSSIBLE, 1, error);
		return CONTINUE;
	}
	if (ep)
		count_rx(ep->id, skb->len);
	return bpf_redirect(skb->ifindex, 0);
}

#endif
