// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* The same program for kernels where it cannot read kernel types (before 6.2). */
#define NO_KERNEL_TYPES
#include "anchor.bpf.c"
