// SPDX-License-Identifier: GPL-2.0
/* The sample's maps in the layout of another version, which must be refused. */
#define VALUE_FIELDS __u32 ifindex; __u32 pad; __u64 packets; __u64 bytes;
#define TABLE_ENTRIES 2048
#include "sample.bpf.c"
