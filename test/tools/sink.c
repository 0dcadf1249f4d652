/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sink PORT [order]
 *
 * Receives what `segments` sends until SIGTERM has come and nothing waits any
 * more, checks every byte, and prints
 * how many datagrams came, how many of them for the first time, and how many
 * held a wrong byte; with `order` also how many came behind a later one.
 */
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { SEQUENCES = 1 << 20 };

static volatile sig_atomic_t ending;
static uint8_t seen[SEQUENCES];

static void end(int signal)
{
	(void)signal;
	ending = 1;
}

static int is_sound(const uint8_t *bytes, ssize_t length, uint32_t sequence)
{
	for (ssize_t i = 4; i < length; i++)
		if (bytes[i] != (uint8_t)(sequence * 31 + 7))
			return 0;
	return 1;
}

int main(int argc, char **argv)
{
	struct sockaddr_in here = { .sin_family = AF_INET };
	struct sigaction action = { .sa_handler = end };
	uint64_t received = 0, distinct = 0, corrupt = 0, late = 0, next = 0;
	const int room = 64 << 20;
	/* The signal may come between a look at `ending` and the wait. */
	const struct timeval wait = { .tv_usec = 100000 };
	static uint8_t bytes[65536];
	int fd;

	if (argc < 2) {
		fputs("usage: sink PORT [order]\n", stderr);
		return 2;
	}
	sigaction(SIGTERM, &action, NULL);
	here.sin_port = htons((uint16_t)atoi(argv[1]));
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) <
		    0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0 ||
	    bind(fd, (struct sockaddr *)&here, sizeof(here)) < 0) {
		perror("sink");
		return 1;
	}
	fputs("ready\n", stderr);
	for (;;) {
		const int last = ending;
		ssize_t length =
			recv(fd, bytes, sizeof(bytes), last ? MSG_DONTWAIT : 0);
		uint32_t sequence;

		if (last && length < 0)
			break;
		if (length < (ssize_t)sizeof(sequence))
			continue;
		received++;
		memcpy(&sequence, bytes, sizeof(sequence));
		if (sequence >= SEQUENCES ||
		    !is_sound(bytes, length, sequence)) {
			corrupt++;
			continue;
		}
		distinct += !seen[sequence];
		seen[sequence] = 1;
		late += sequence < next;
		next = sequence < next ? next : sequence + 1;
	}
	printf("{\"received\":%llu,\"distinct\":%llu,\"corrupt\":%llu",
	       (unsigned long long)received, (unsigned long long)distinct,
	       (unsigned long long)corrupt);
	if (argc > 2)
		printf(",\"late\":%llu", (unsigned long long)late);
	puts("}");
	return 0;
}
