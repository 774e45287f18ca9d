// SPDX-License-Identifier: Apache-2.0
/*
 * fill PIN COUNT: what control-fill.ts does, in C with libbpf: COUNT entries into the
 * MAC table that is pinned at PIN, by one batch. Prints the nanoseconds that
 * encoding took, and those of the call, as JSON.
 */
#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dpctl.h"

/* Same entries as control-fill.ts writes. */
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
