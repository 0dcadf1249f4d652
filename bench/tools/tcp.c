/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tcp receive ADDRESS PORT
 * tcp send ADDRESS PORT SOURCE CONNECTIONS SECONDS RATE
 *
 * TCP bulk. The sender opens CONNECTIONS, each from its own source address,
 * SOURCE and up, writes to all of them for SECONDS, together at RATE bytes a
 * second unless that is 0, and prints as JSON how many bytes the far end has
 * acknowledged by then. The receiver discards what comes without copying it,
 * until SIGTERM.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 64, MAX_CONNECTIONS = 64, ROOM = 1 << 18 };

static char room[ROOM];

static int fail(const char *what)
{
	fprintf(stderr, "tcp: %s: %s\n", what, strerror(errno));
	return 1;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int watch(int epoll, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void swallow(int fd)
{
	/* For TCP, MSG_TRUNC discards (tcp(7)). */
	ssize_t length = recv(fd, NULL, 1 << 24, MSG_TRUNC | MSG_DONTWAIT);

	if (length == 0 || (length < 0 && errno != EAGAIN && errno != EINTR))
		close(fd);
}

static int receive(const struct sockaddr_in *at)
{
	struct epoll_event events[EVENTS];
	int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
	int epoll = epoll_create1(0);

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(listener, (const struct sockaddr *)at, sizeof(*at)) < 0 ||
	    listen(listener, MAX_CONNECTIONS) < 0 ||
	    watch(epoll, listener, EPOLLIN) < 0)
		return fail("listen");
	puts("ready");
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd, came;

			if (fd != listener) {
				swallow(fd);
				continue;
			}
			came = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
			if (came >= 0 && watch(epoll, came, EPOLLIN) < 0)
				return fail("watch");
		}
	}
}

static int reach(const struct sockaddr_in *to, uint32_t source, uint64_t rate)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	from.sin_addr.s_addr = htonl(source);
	if (fd < 0 ||
	    (rate > 0 && setsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate,
				    sizeof(rate)) < 0) ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0 ||
	    connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0)
		return -1;
	return fd;
}

static int fill(int fd)
{
	ssize_t length;

	/* One each, so that none starves the others. */
	length = send(fd, room, ROOM, MSG_DONTWAIT | MSG_NOSIGNAL);
	return length < 0 && errno != EAGAIN && errno != EINTR ? -1 : 0;
}

static int transmit(const struct sockaddr_in *to, uint32_t source, int count,
		    double seconds, uint64_t rate)
{
	unsigned long long acked = 0, retransmitted = 0, reordered = 0;
	struct epoll_event events[EVENTS];
	int fds[MAX_CONNECTIONS], epoll = epoll_create1(0);
	double start, end;

	for (int i = 0; i < count; i++) {
		fds[i] = reach(to, source + (uint32_t)i,
			       (rate + (uint64_t)count - 1) / (uint64_t)count);
		if (fds[i] < 0 || watch(epoll, fds[i], EPOLLOUT) < 0)
			return fail("connect");
	}
	start = now();
	while (now() - start < seconds) {
		int n = epoll_wait(epoll, events, EVENTS, 10);

		for (int i = 0; i < n; i++)
			if (fill(events[i].data.fd) < 0)
				return fail("send");
	}
	end = now();
	for (int i = 0; i < count; i++) {
		struct linger drop = { .l_onoff = 1 };
		struct tcp_info info = { 0 };
		socklen_t length = sizeof(info);

		if (getsockopt(fds[i], IPPROTO_TCP, TCP_INFO, &info, &length) <
		    0)
			return fail("TCP_INFO");
		acked += info.tcpi_bytes_acked;
		retransmitted += info.tcpi_total_retrans;
		reordered += info.tcpi_reord_seen;
		/* What is still unsent is not wanted any more. */
		setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &drop, sizeof(drop));
	}
	for (int i = 0; i < count; i++)
		close(fds[i]);
	printf("{\"bytes\":%llu,\"retransmits\":%llu,\"reordered\":%llu,"
	       "\"seconds\":%.6f}\n",
	       acked, retransmitted, reordered, end - start);
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	struct in_addr source;

	signal(SIGPIPE, SIG_IGN);
	if (argc >= 4 && inet_pton(AF_INET, argv[2], &at.sin_addr) == 1) {
		int count = argc == 8 ? atoi(argv[5]) : 0;

		at.sin_port = htons((uint16_t)atoi(argv[3]));
		if (argc == 4 && strcmp(argv[1], "receive") == 0)
			return receive(&at);
		if (argc == 8 && strcmp(argv[1], "send") == 0 &&
		    inet_pton(AF_INET, argv[4], &source) == 1 && count >= 1 &&
		    count <= MAX_CONNECTIONS)
			return transmit(&at, ntohl(source.s_addr), count,
					atof(argv[6]),
					strtoull(argv[7], NULL, 10));
	}
	fputs("usage: tcp receive ADDRESS PORT\n"
	      "       tcp send ADDRESS PORT SOURCE CONNECTIONS SECONDS "
	      "RATE\n",
	      stderr);
	return 2;
}
