// SPDX-License-Identifier: Apache-2.0
/*
 * flood SENDER DEVICE MAC SINK COPIES FRAMES: send FRAMES broadcast frames from
 * MAC on DEVICE in network namespace SENDER (a path). Each frame is sent when
 * all COPIES of the previous one have arrived at the far ends of the ports, in
 * namespace SINK (a path).
 * Prints as JSON, for each frame, the nanoseconds until its last copy was
 * received (kernel timestamps), and the number of lost copies.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Local experimental EtherType (IEEE 802), which no stack handles. */
#define ETHERTYPE 0x88b5
/* Bytes for the copies of a frame, including the kernel's overhead for each. */
#define RECEIVE_BUFFER (64 << 20)
/* A copy that has not arrived after this time is lost. */
#define PATIENCE_MS 20
#define FRAME_BYTES 60

static void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(2);
}

static long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static int packet_socket(const char *netns, int protocol)
{
	int ns = open(netns, O_RDONLY | O_CLOEXEC), fd;

	if (ns < 0 || setns(ns, CLONE_NEWNET) < 0)
		die(netns);
	close(ns);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(protocol));
	if (fd < 0)
		die("socket");
	return fd;
}

/* Read all received copies. Sets last to the timestamp of the latest one, in ns. */
static int drain(int fd, long long *last)
{
	char data[128], control[128];
	struct iovec iov = { data, sizeof(data) };
	int count = 0;

	for (;;) {
		struct msghdr msg = {
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};
		struct cmsghdr *head;

		if (recvmsg(fd, &msg, MSG_DONTWAIT) < 0)
			return count;
		count++;
		for (head = CMSG_FIRSTHDR(&msg); head; head = CMSG_NXTHDR(&msg, head)) {
			struct timespec ts;

			if (head->cmsg_type != SCM_TIMESTAMPNS)
				continue;
			memcpy(&ts, CMSG_DATA(head), sizeof(ts));
			*last = ts.tv_sec * 1000000000LL + ts.tv_nsec;
		}
	}
}

int main(int argc, char **argv)
{
	unsigned char frame[FRAME_BYTES] = {
		[0 ... 5] = 0xff, [6] = 0x0a, [7] = 0x58, [12] = ETHERTYPE >> 8, [13] = ETHERTYPE & 0xff,
	};
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_halen = 6 };
	int copies, frames, in, out, size = RECEIVE_BUFFER, on = 1;
	long long lost = 0;

	if (argc != 7) {
		fprintf(stderr, "usage: flood SENDER DEVICE MAC SINK COPIES FRAMES\n");
		return 1;
	}
	if (sscanf(argv[3], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &frame[6], &frame[7], &frame[8],
		   &frame[9], &frame[10], &frame[11]) != 6)
		die("MAC");
	copies = atoi(argv[5]);
	frames = atoi(argv[6]);
	in = packet_socket(argv[4], ETHERTYPE);
	setsockopt(in, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (setsockopt(in, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) < 0)
		die("SO_TIMESTAMPNS");
	out = packet_socket(argv[1], 0);
	to.sll_ifindex = if_nametoindex(argv[2]);
	if (!to.sll_ifindex)
		die(argv[2]);

	printf("{\"ns\":[");
	for (int i = 0; i < frames; i++) {
		struct pollfd wait = { .fd = in, .events = POLLIN };
		long long start = now(), last = start;
		int got = 0;

		if (sendto(out, frame, sizeof(frame), 0, (void *)&to, sizeof(to)) < 0)
			die("sendto");
		while (got < copies && poll(&wait, 1, PATIENCE_MS) > 0)
			got += drain(in, &last);
		lost += copies - got;
		printf("%s%lld", i ? "," : "", last - start);
	}
	printf("],\"lost\":%lld}\n", lost);
	return 0;
}
