/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * segments ADDRESS PORT PAYLOAD SEGMENTS SENDS
 *
 * Sends UDP GSO packets (UDP_SEGMENT) with DF set: SENDS times SEGMENTS
 * datagrams of PAYLOAD bytes, each with its sequence number, every byte of a
 * datagram's rest derived from it. Prints what it sent as JSON.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

int main(int argc, char **argv)
{
	const struct timespec gap = { .tv_nsec = 2000000 };
	struct sockaddr_in to = { .sin_family = AF_INET };
	const int set_df = IP_PMTUDISC_PROBE;
	static uint8_t buffer[65536];
	int payload, segments, sends, fd;
	uint32_t sequence = 0;

	if (argc < 6 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
		fputs("usage: segments ADDRESS PORT PAYLOAD SEGMENTS SENDS\n",
		      stderr);
		return 2;
	}
	to.sin_port = htons((uint16_t)atoi(argv[2]));
	payload = atoi(argv[3]);
	segments = atoi(argv[4]);
	sends = atoi(argv[5]);
	if (payload < 4 || segments < 1 ||
	    (size_t)payload * (size_t)segments > sizeof(buffer)) {
		fputs("segments: PAYLOAD times SEGMENTS is too much\n", stderr);
		return 2;
	}

	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &set_df,
		       sizeof(set_df)) < 0 ||
	    setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &payload,
		       sizeof(payload)) < 0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		perror("segments");
		return 1;
	}
	for (int i = 0; i < sends; i++) {
		for (int s = 0; s < segments; s++, sequence++) {
			uint8_t *datagram =
				buffer + (size_t)s * (size_t)payload;

			memset(datagram, (int)(sequence * 31 + 7),
			       (size_t)payload);
			memcpy(datagram, &sequence, sizeof(sequence));
		}
		if (send(fd, buffer, (size_t)payload * (size_t)segments, 0) <
		    0) {
			perror("segments: send");
			return 1;
		}
		/* So that the receiver's buffer never overflows. */
		nanosleep(&gap, NULL);
	}
	printf("{\"sent\":%u}\n", sequence);
	return 0;
}
