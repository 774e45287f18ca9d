/*
 * Sends frames unchanged out of a device as fast as possible: from standard input, each behind
 * its length in 16 bits of the machine's byte order. Prints how many were sent.
 *
 * A frame that finds a full queue is sent again, so that none is lost on the way out.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Frames in one call: fewer than any queue on the way holds. */
#define BATCH 64
#define FRAME_MAX 2048
/* How long another process may keep the queue full, in attempts a millisecond apart. */
#define TRIES_MAX 10000

static uint8_t frames[BATCH][FRAME_MAX];
static struct iovec vectors[BATCH];
static struct mmsghdr messages[BATCH];

/* 0 if all are sent. */
static int send_all(int fd, unsigned int count)
{
	unsigned int done = 0, tries = 0;
	int sent;

	while (done < count) {
		sent = sendmmsg(fd, messages + done, count - done, 0);
		if (sent > 0) {
			done += sent;
			tries = 0;
			continue;
		}
		if ((errno != ENOBUFS && errno != EAGAIN) || ++tries > TRIES_MAX) {
			fprintf(stderr, "frame of %zu bytes: %s\n", vectors[done].iov_len, strerror(errno));
			return 1;
		}
		usleep(1000);
	}
	return 0;
}

/* The next frame; 0 at the end, -1 if it is invalid. */
static int read_frame(unsigned int at)
{
	uint16_t length;

	if (fread(&length, sizeof(length), 1, stdin) != 1)
		return 0;
	if (length > FRAME_MAX || fread(frames[at], length, 1, stdin) != 1)
		return -1;
	vectors[at].iov_base = frames[at];
	vectors[at].iov_len = length;
	messages[at].msg_hdr.msg_iov = &vectors[at];
	messages[at].msg_hdr.msg_iovlen = 1;
	return 1;
}

int main(int argc, char **argv)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET };
	unsigned long total = 0;
	unsigned int count;
	int fd, more = 1;

	if (argc != 2) {
		fprintf(stderr, "usage: send DEVICE < frames\n");
		return 1;
	}
	address.sll_ifindex = if_nametoindex(argv[1]);
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (!address.sll_ifindex || fd < 0 || bind(fd, (void *)&address, sizeof(address))) {
		perror(argv[1]);
		return 1;
	}
	while (more == 1) {
		for (count = 0; count < BATCH; count++) {
			more = read_frame(count);
			if (more != 1)
				break;
		}
		if (send_all(fd, count))
			return 1;
		total += count;
	}
	if (more < 0) {
		fprintf(stderr, "frame %lu is cut short\n", total);
		return 1;
	}
	printf("%lu\n", total);
	return 0;
}
