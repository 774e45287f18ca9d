// SPDX-License-Identifier: Apache-2.0
/*
 * connect serve PORT           accept connections until killed
 * connect HOST PORT MS         open and close connections sequentially for MS
 *                              milliseconds; print their number and the time
 *                              as JSON
 *
 * Connections are closed with RST: no port stays in TIME_WAIT, so ports do not run out.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(2);
}

static long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void reset(int fd)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
}

static void serve(int port)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(AF_INET6, SOCK_STREAM, 0), on = 1, off = 0;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, (void *)&any, sizeof(any)) < 0 || listen(fd, 4096) < 0)
		die("listen");
	for (;;) {
		int peer = accept(fd, NULL, NULL);

		if (peer >= 0)
			reset(peer);
		else if (errno != ECONNABORTED && errno != EINTR)
			die("accept");
	}
}

int main(int argc, char **argv)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST };
	struct addrinfo *to;
	long long start, end, count = 0, failed = 0;

	if (argc == 3 && !strcmp(argv[1], "serve"))
		serve(atoi(argv[2]));
	if (argc != 4) {
		fprintf(stderr, "usage: connect serve PORT | connect HOST PORT MS\n");
		return 1;
	}
	if (getaddrinfo(argv[1], argv[2], &hints, &to))
		die(argv[1]);
	start = now();
	end = start + atoll(argv[3]) * 1000000LL;
	while (now() < end) {
		int fd = socket(to->ai_family, SOCK_STREAM, 0);

		if (fd < 0)
			die("socket");
		if (connect(fd, to->ai_addr, to->ai_addrlen) < 0)
			failed++;
		else
			count++;
		reset(fd);
	}
	printf("{\"connections\":%lld,\"failed\":%lld,\"ns\":%lld}\n", count, failed, now() - start);
	return 0;
}
