/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flood ADDRESS PORT IP-LENGTH SECONDS [COUNT]
 *
 * Sends UDP datagrams with DF set as fast as one core can: sendmmsg in batches,
 * a sequence number in each payload. Ends after SECONDS, COUNT datagrams or
 * SIGTERM, whichever comes first, and prints what it sent as JSON.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, HEADERS = 20 + 8, MAX_LENGTH = 1500 };

static uint8_t payload[BATCH][MAX_LENGTH];

static volatile sig_atomic_t ending;

static void end(int signal)
{
	(void)signal;
	ending = 1;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct sigaction action = { .sa_handler = end };
	struct mmsghdr batch[BATCH] = { 0 };
	struct iovec iov[BATCH];
	uint64_t sent = 0, errors = 0, limit = UINT64_MAX;
	const int set_df = IP_PMTUDISC_PROBE;
	double start, seconds;
	size_t length;
	int fd;

	if (argc < 5 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
		fputs("usage: flood ADDRESS PORT IP-LENGTH SECONDS [COUNT]\n",
		      stderr);
		return 2;
	}
	sigaction(SIGTERM, &action, NULL);
	to.sin_port = htons((uint16_t)atoi(argv[2]));
	length = (size_t)atoi(argv[3]) - HEADERS;
	seconds = atof(argv[4]);
	if (argc > 5)
		limit = strtoull(argv[5], NULL, 10);
	if (length < sizeof(uint64_t) || length > MAX_LENGTH - HEADERS) {
		fputs("flood: IP-LENGTH must be 36 to 1500\n", stderr);
		return 2;
	}

	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &set_df,
		       sizeof(set_df)) < 0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		perror("flood");
		return 1;
	}
	for (int i = 0; i < BATCH; i++) {
		iov[i].iov_base = payload[i];
		iov[i].iov_len = length;
		batch[i].msg_hdr.msg_iov = &iov[i];
		batch[i].msg_hdr.msg_iovlen = 1;
	}

	start = now();
	while (!ending && sent < limit && now() - start < seconds) {
		uint64_t left = limit - sent;
		unsigned int want = left < BATCH ? (unsigned int)left : BATCH;
		int took;

		for (unsigned int i = 0; i < want; i++) {
			uint64_t sequence = sent + i;

			memcpy(payload[i], &sequence, sizeof(sequence));
		}
		took = sendmmsg(fd, batch, want, 0);
		if (took > 0)
			sent += (uint64_t)took;
		else
			errors++;
	}
	printf("{\"sent\":%llu,\"errors\":%llu,\"seconds\":%.3f}\n",
	       (unsigned long long)sent, (unsigned long long)errors,
	       now() - start);
	return 0;
}
