// SPDX-License-Identifier: Apache-2.0
/*
 * fill PIN COUNT: the equivalent of control-fill.ts in C with libbpf. Writes COUNT
 * entries to the MAC table pinned at PIN with one batch update. Prints the time of
 * encoding and the time of the call, in nanoseconds, as JSON.
 */
#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dpctl.h"

/* The same entries as in control-fill.ts. */
#define VNI 1
#define IFINDEX 2
#define ENDPOINT 1

static long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

int main(int argc, char **argv)
{
	long long start, encoded, done;
	struct fdb_key *keys;
	struct fdb *values;
	__u32 count, put;
	int fd, err;

	if (argc != 3) {
		fprintf(stderr, "usage: fill PIN COUNT\n");
		return 1;
	}
	count = atoi(argv[2]);
	fd = bpf_obj_get(argv[1]);
	if (fd < 0) {
		fprintf(stderr, "bpf_obj_get %s: %s\n", argv[1], strerror(-fd));
		return 2;
	}
	start = now();
	keys = calloc(count, sizeof(*keys));
	values = calloc(count, sizeof(*values));
	if (!keys || !values) {
		fprintf(stderr, "no memory\n");
		return 2;
	}
	for (__u32 i = 0; i < count; i++) {
		keys[i].vni = VNI;
		keys[i].mac[0] = 0x02;
		keys[i].mac[2] = i >> 24;
		keys[i].mac[3] = i >> 16;
		keys[i].mac[4] = i >> 8;
		keys[i].mac[5] = i;
		values[i].ifindex = IFINDEX;
		values[i].endpoint = ENDPOINT;
		values[i].flags = FDB_STATIC;
	}
	encoded = now();
	put = count;
	err = bpf_map_update_batch(fd, keys, values, &put, NULL);
	done = now();
	if (err) {
		fprintf(stderr, "bpf_map_update_batch: %s after %u\n", strerror(-err), put);
		return 2;
	}
	printf("{\"encode\":%lld,\"put\":%lld}\n", encoded - start, done - encoded);
	return 0;
}
