/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Arguments from the program that copies a frame to the one that sends the copy. The
 * second runs inside the first on the same CPU, so a per-CPU entry is enough.
 */
#ifndef DELIVERY_REPLICA_COPY_H
#define DELIVERY_REPLICA_COPY_H

#include "report.h"

static __always_inline struct copy *replica_copy_find(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&dp_copy_v1, &zero);
}

#endif
