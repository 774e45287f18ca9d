// SPDX-License-Identifier: GPL-2.0
/* The sample's maps as another version might lay them out: to be refused. */
#define VALUE_FIELDS __u32 ifindex; __u32 pad; __u64 packets; __u64 bytes;
#define TABLE_ENTRIES 2048
#include "sample.bpf.c"
