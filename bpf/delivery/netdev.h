/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Read the kernel's own device: find it by its number, as dev_get_by_index_rcu() does,
 * and check its carrier, which a pair has while both ends are up. This takes a few
 * loads; a helper costs more and says less.
 */
#ifndef DELIVERY_NETDEV_H
#define DELIVERY_NETDEV_H

#include <bpf/bpf_core_read.h>
#include <linux/errno.h>

#include "report.h"

/* Linux 6.2; both are compiled to nothing. */
extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym;
extern void *bpf_rdonly_cast(void *object, __u32 type) __ksym;

#define NETDEV_HASH_SIZE 256 /* NETDEV_HASHENTRIES in include/net/net_namespace.h */
/* Devices examined in one hash bucket: enough for 16,384 devices, spread evenly. */
#define NETDEV_CHAIN_MAX 64

/* Only the fields that are read; their offsets are relocated when the program is loaded (CO-RE). */
struct hlist_node {
	struct hlist_node *next;
} __attribute__((preserve_access_index));

struct hlist_head {
	struct hlist_node *first;
} __attribute__((preserve_access_index));

struct net {
	struct hlist_head *dev_index_head;
} __attribute__((preserve_access_index));

typedef struct {
	struct net *net;
} __attribute__((preserve_access_index)) possible_net_t;

struct net_device {
	unsigned long state;
	int ifindex;
	struct hlist_node index_hlist;
	possible_net_t nd_net;
} __attribute__((preserve_access_index));

struct sk_buff {
	struct net_device *dev;
} __attribute__((preserve_access_index));

enum netdev_state_t {
	__LINK_STATE_NOCARRIER = 2,
};

#define as_kernel_type(type, address) \
	((type *)bpf_rdonly_cast((void *)(address), bpf_core_type_id_kernel(type)))

static __always_inline struct hlist_node *netdev_chain(struct __sk_buff *skb, __u32 ifindex)
{
	struct sk_buff *kernel = bpf_cast_to_kern_ctx(skb);
	struct hlist_head *head = kernel->dev->nd_net.net->dev_index_head;
	__u64 place = (__u64)head + (ifindex & (NETDEV_HASH_SIZE - 1)) * sizeof(*head);

	return as_kernel_type(struct hlist_head, place)->first;
}

static __always_inline struct net_device *netdev_of(struct hlist_node *node)
{
	__u64 offset = bpf_core_field_offset(struct net_device, index_hlist);

	return as_kernel_type(struct net_device, (__u64)node - offset);
}

static __always_inline __u32 netdev_unreachable(const struct net_device *dev)
{
	__u64 bit = bpf_core_enum_value(enum netdev_state_t, __LINK_STATE_NOCARRIER);

	return dev->state >> bit & 1 ? REASON_PORT_DOWN : REASON_UNSPEC;
}

int port_search(struct __sk_buff *skb, __u32 ifindex);

/*
 * The device is not the first of its chain, or not in it. Not inlined, to keep the common path
 * short. Not static either: the verifier then checks its loop once, not at every call.
 */
__noinline int port_search(struct __sk_buff *skb, __u32 ifindex)
{
	struct hlist_node *node = netdev_chain(skb, ifindex);
	struct net_device *dev;
	__u32 mtu = 0;
	int i;

	for (i = 0; i < NETDEV_CHAIN_MAX; i++) {
		if (!node)
			return REASON_PORT_GONE;
		dev = netdev_of(node);
		if ((__u32)dev->ifindex == ifindex)
			return netdev_unreachable(dev);
		node = as_kernel_type(struct hlist_node, node)->next;
	}
	/* The chain is longer than that, or a device was removed from it meanwhile. */
	return bpf_check_mtu(skb, ifindex, &mtu, 0, 0) == -ENODEV ? REASON_PORT_GONE : REASON_UNSPEC;
}

/* REASON_UNSPEC if a port can be reached through its host end, else why not. */
static __always_inline __u32 port_unreachable(struct __sk_buff *skb, __u32 ifindex)
{
	struct hlist_node *first = netdev_chain(skb, ifindex);
	struct net_device *dev = netdev_of(first);

	if (first && (__u32)dev->ifindex == ifindex)
		return netdev_unreachable(dev);
	return port_search(skb, ifindex);
}

#endif
