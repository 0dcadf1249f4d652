/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stream receive PORT [6]
 * stream send ADDRESS PORT BYTES
 *
 * TCP of an exact length, over IPv6 where the receiver is given 6 and the
 * sender such an address. The receiver reads one connection to its end, prints
 * how many bytes came and closes; the sender waits for that, and prints the
 * seconds that it took. Every byte is derived from its place and checked.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A prime, so that no packet size hides a shift. */
enum { PERIOD = 251, ROOM = 1 << 18 };

static uint8_t room[ROOM + PERIOD];

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static void fill(void)
{
	for (size_t i = 0; i < sizeof(room); i++)
		room[i] = (uint8_t)(i % PERIOD);
}

/* An address of its family, the unspecified one where none is given. */
union end {
	struct sockaddr any;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
};

static socklen_t put_end(union end *end, const char *address, int family,
			 uint16_t port)
{
	memset(end, 0, sizeof(*end));
	end->any.sa_family = (sa_family_t)family;
	if (family == AF_INET6) {
		end->six.sin6_port = htons(port);
		return inet_pton(family, address, &end->six.sin6_addr) == 1
			       ? sizeof(end->six)
			       : 0;
	}
	end->four.sin_port = htons(port);
	return inet_pton(family, address, &end->four.sin_addr) == 1
		       ? sizeof(end->four)
		       : 0;
}

static int receive(uint16_t port, int family)
{
	union end at;
	socklen_t size = put_end(&at, family == AF_INET6 ? "::" : "0.0.0.0",
				 family, port);
	static uint8_t expected[ROOM + PERIOD];
	int listener = socket(family, SOCK_STREAM, 0), yes = 1, connection;
	unsigned long long came = 0, wrong = 0;
	ssize_t length;

	fill();
	memcpy(expected, room, sizeof(room));
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(listener, &at.any, size) < 0 || listen(listener, 1) < 0)
		return fail("listen");
	printf("ready\n");
	fflush(stdout);
	connection = accept(listener, NULL, NULL);
	if (connection < 0)
		return fail("accept");
	while ((length = recv(connection, room, ROOM, 0)) > 0) {
		wrong += memcmp(room, expected + came % PERIOD,
				(size_t)length) != 0;
		came += (unsigned long long)length;
	}
	if (length < 0)
		return fail("recv");
	printf("received %llu wrong %llu\n", came, wrong);
	return 0;
}

static int transmit(const char *address, uint16_t port,
		    unsigned long long bytes)
{
	int family = strchr(address, ':') ? AF_INET6 : AF_INET;
	union end to;
	socklen_t size = put_end(&to, address, family, port);
	int connection = socket(family, SOCK_STREAM, 0);
	unsigned long long sent = 0;
	struct timespec from, until;
	char end;

	fill();
	if (size == 0 || connect(connection, &to.any, size) < 0)
		return fail("connect");
	clock_gettime(CLOCK_MONOTONIC, &from);
	while (sent < bytes) {
		size_t want = bytes - sent < ROOM ? bytes - sent : ROOM;
		ssize_t length =
			send(connection, room + sent % PERIOD, want, 0);

		if (length < 0)
			return fail("send");
		sent += (unsigned long long)length;
	}
	if (shutdown(connection, SHUT_WR) < 0)
		return fail("shutdown");
	if (recv(connection, &end, 1, 0) != 0)
		return fail("recv");
	clock_gettime(CLOCK_MONOTONIC, &until);
	printf("%.6f\n", (double)(until.tv_sec - from.tv_sec) +
				 (double)(until.tv_nsec - from.tv_nsec) / 1e9);
	return 0;
}

int main(int argc, char **argv)
{
	if ((argc == 3 || argc == 4) && strcmp(argv[1], "receive") == 0)
		return receive((uint16_t)atoi(argv[2]),
			       argc == 4 ? AF_INET6 : AF_INET);
	if (argc == 5 && strcmp(argv[1], "send") == 0)
		return transmit(argv[2], (uint16_t)atoi(argv[3]),
				strtoull(argv[4], NULL, 10));
	fprintf(stderr,
		"stream receive PORT [6] | stream send ADDRESS PORT BYTES\n");
	return 2;
}
