/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Requests of user space to the datapath. */
#ifndef CONTRACT_REQUESTS_H
#define CONTRACT_REQUESTS_H

#include <linux/types.h>

#include "contract/address_tables.h"

/*
 * Requests of user space to the `control` program, which never sees a packet: it
 * is run by BPF_PROG_TEST_RUN with a request in place of one, so that counts
 * kept beside a table stay right and user space can read the kernel's clock.
 */
enum control_op {
	CONTROL_NOW = 1, /* fill in now */
	CONTROL_FDB_FORGET = 2, /* delete learned entry `fdb`, and its count */
	CONTROL_FDB_DELETE = 3, /* delete entry `fdb` of user space's own, if it is still at `endpoint` or `node` */
	CONTROL_FDB_PUT = 4, /* a struct control_put: add entry `fdb`, in place of a learned one */
};

struct control {
	__u32 op; /* enum control_op */
	__s32 result; /* 0, or a negative errno: ENOENT, EPERM (not such an entry), EEXIST, EAGAIN (ask again) */
	__u64 now; /* jiffies64 */
	struct fdb_key fdb;
	__u16 endpoint; /* number of the endpoint at which the entry is, 0 if at none */
	__u16 node; /* number of the node at which it is, 0 if at none */
};

/* An entry that is added: what a struct control has no place for. */
struct control_put {
	struct control request;
	__u32 ifindex; /* host end of the endpoint, 0 if at none */
	__u32 flags; /* enum fdb_flags, not 0 */
};

#endif
