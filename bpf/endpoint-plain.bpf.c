// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* The same for kernels that let no such program look at their own types (before 6.2). */
#define NO_KERNEL_TYPES
#include "endpoint.bpf.c"
