/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The socket that takes ESP in UDP: what reaches it, what it sends, and when.
 *
 *   here 127.x.y.1:4500 ── loopback ── 127.x.y.2:4500 there
 *
 * x and y are the process's own, so that nobody else has these ports. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/udp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "encap.h"
#include "tap.h"

#define PORT 4500
#define SECOND UINT64_C(1000000000)
#define FLOOD 5000
/* As encap.c has it. */
#define READ_MAX 64

static uint32_t here, there;
static const char *operation;

static struct sockaddr_in at(uint32_t address)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = address,
		.sin_port = htons(PORT),
	};
}

static int open_at(struct cdf_encap *encap, uint32_t local, uint32_t remote,
		   uint64_t keepalive)
{
	struct cdf_encap_options options = {
		.local = local,
		.remote = remote,
		.port = PORT,
		.remote_port = PORT,
		.keepalive = keepalive,
	};

	return cdf_encap_open(encap, &options, &operation);
}

/* A plain socket at the other end. */
static int peer(void)
{
	struct sockaddr_in address = at(there);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		abort();
	return fd;
}

static void say(int fd, const void *bytes, size_t length)
{
	struct sockaddr_in to = at(here);

	if (sendto(fd, bytes, length, 0, (struct sockaddr *)&to, sizeof(to)) !=
	    (ssize_t)length)
		abort();
}

/* Loopback delivers before sendto() returns: nothing has to be waited for. */
static ssize_t hear(int fd, uint8_t *bytes, size_t room,
		    struct sockaddr_in *from)
{
	socklen_t length = sizeof(*from);

	return recvfrom(fd, bytes, room, MSG_DONTWAIT, (struct sockaddr *)from,
			&length);
}

static void opened(void)
{
	struct cdf_encap first, second;
	int type = 0;
	socklen_t length = sizeof(type);

	ok(open_at(&first, here, there, 0) == 0 && first.fd >= 0, "it opens");
	ok(getsockopt(first.fd, IPPROTO_UDP, UDP_ENCAP, &type, &length) == 0 &&
		   type == UDP_ENCAP_ESPINUDP,
	   "the kernel takes ESP in UDP on it");
	ok((fcntl(first.fd, F_GETFD) & FD_CLOEXEC) != 0,
	   "no command that is started inherits it");
	ok(open_at(&second, here, there, SECOND) == -EADDRINUSE &&
		   second.fd < 0 && strcmp(operation, "bind the UDP port") == 0,
	   "a port that is taken is refused, and the step named");
	cdf_encap_tend(&second, SECOND);
	cdf_encap_close(&second);
	ok(second.counts.keepalives == 0 && second.counts.refused == 0,
	   "one that did not open does nothing");
	cdf_encap_close(&first);
	cdf_encap_close(&first);
	ok(open_at(&second, here, there, 0) == 0,
	   "closed twice, the port is free");
	cdf_encap_close(&second);
	/* RFC 5737: no host has it. */
	ok(open_at(&second, inet_addr("192.0.2.77"), there, 0) ==
			   -EADDRNOTAVAIL &&
		   second.fd < 0,
	   "an address that is not this host's is refused");
}

static void keepalives(void)
{
	struct cdf_encap encap;
	struct sockaddr_in from = { 0 };
	uint8_t bytes[16];
	int fd = peer();
	uint64_t now = 100 * SECOND;

	open_at(&encap, here, there, 20 * SECOND);
	ok(hear(fd, bytes, sizeof(bytes), &from) < 0,
	   "nothing leaves by itself");
	cdf_encap_tend(&encap, now);
	ok(hear(fd, bytes, sizeof(bytes), &from) == 1 && bytes[0] == 0xff &&
		   from.sin_addr.s_addr == here && ntohs(from.sin_port) == PORT,
	   "the first keepalive: one byte 0xff from the bound port");
	cdf_encap_tend(&encap, now + 20 * SECOND - 1);
	ok(hear(fd, bytes, sizeof(bytes), &from) < 0, "none before its time");
	cdf_encap_tend(&encap, now + 20 * SECOND);
	ok(hear(fd, bytes, sizeof(bytes), &from) == 1, "the next in time");
	/* A process that was stopped for ten minutes. */
	cdf_encap_tend(&encap, now + 600 * SECOND);
	ok(hear(fd, bytes, sizeof(bytes), &from) == 1 &&
		   hear(fd, bytes, sizeof(bytes), &from) < 0,
	   "what was missed is not made up for");
	ok(encap.counts.keepalives == 3 && encap.counts.refused == 0,
	   "each is counted");
	cdf_encap_close(&encap);
	cdf_encap_tend(&encap, now + 1200 * SECOND);
	ok(hear(fd, bytes, sizeof(bytes), &from) < 0 &&
		   encap.counts.keepalives == 3,
	   "after the end there is none, and the counts stay");

	open_at(&encap, here, there, 0);
	cdf_encap_tend(&encap, now);
	ok(hear(fd, bytes, sizeof(bytes), &from) < 0,
	   "none where none is asked");
	cdf_encap_close(&encap);
	close(fd);
}

static void refused(void)
{
	struct cdf_encap encap;

	/* Without SO_BROADCAST. */
	open_at(&encap, here, INADDR_BROADCAST, SECOND);
	cdf_encap_tend(&encap, SECOND);
	ok(encap.counts.error < 0 && encap.counts.refused == 1 &&
		   encap.counts.keepalives == 0,
	   "a keepalive that cannot leave is counted, with its errno");
	cdf_encap_tend(&encap, 2 * SECOND - 1);
	ok(encap.counts.refused == 1,
	   "it is tried again at the next one's time");
	encap.options.remote = there;
	cdf_encap_tend(&encap, 2 * SECOND);
	ok(encap.counts.error == 0 && encap.counts.keepalives == 1,
	   "one that leaves clears the errno");
	cdf_encap_close(&encap);
}

static void strangers(void)
{
	static const uint8_t keepalive = 0xff;
	/* An IKE header of version 2.0 behind the marker. */
	static const uint8_t ike[4 + 28] = { [21] = 0x20, [31] = 28 };
	/* SPI, sequence number, and something sealed; nobody knows the SPI. */
	static const uint8_t esp[64] = { 0x7f, 1, 2, 3, 0, 0, 0, 1 };
	struct cdf_encap encap, other;
	int fd = peer();

	open_at(&encap, here, there, 0);
	say(fd, ike, sizeof(ike));
	say(fd, ike, 4);
	cdf_encap_tend(&encap, 1);
	ok(encap.counts.ike == 2 && encap.counts.other == 0 &&
		   encap.counts.from == there,
	   "packets with the non-ESP marker are thrown away and counted");
	say(fd, "abcd", 4);
	say(fd, "", 0);
	say(fd, ike, 3);
	cdf_encap_tend(&encap, 2);
	ok(encap.counts.ike == 2 && encap.counts.other == 3,
	   "so is what is too short for ESP");
	say(fd, &keepalive, 1);
	say(fd, esp, sizeof(esp));
	cdf_encap_tend(&encap, 3);
	ok(encap.counts.ike == 2 && encap.counts.other == 3 &&
		   encap.counts.dropped == 0,
	   "keepalives and ESP are the kernel's");
	close(fd);

	open_at(&other, there, here, SECOND);
	cdf_encap_tend(&other, SECOND);
	cdf_encap_tend(&encap, 4);
	ok(other.counts.keepalives == 1 && encap.counts.other == 3,
	   "two ends eat each other's keepalives");
	cdf_encap_close(&other);
	cdf_encap_close(&encap);
}

static void flood(void)
{
	static const uint8_t ike[1400];
	struct cdf_encap encap;
	struct cdf_encap_counts before;
	bool bounded = true;
	int fd = peer(), turns = 0;

	open_at(&encap, here, there, 0);
	for (int i = 0; i < FLOOD; i++)
		say(fd, ike, sizeof(ike));
	do {
		before = encap.counts;
		cdf_encap_tend(&encap, 1);
		bounded = bounded && encap.counts.ike - before.ike <= READ_MAX;
		turns++;
	} while (encap.counts.ike != before.ike);
	printf("# %llu read, %llu dropped, %d turns\n",
	       (unsigned long long)encap.counts.ike,
	       (unsigned long long)encap.counts.dropped, turns);
	ok(encap.counts.ike + encap.counts.dropped == FLOOD,
	   "of a flood, each packet is read or known to be dropped");
	ok(bounded, "and no turn reads without end");
	cdf_encap_close(&encap);
	close(fd);
}

int main(void)
{
	uint32_t own = (uint32_t)getpid();

	here = htonl(0x7f000001 | (own & 0x7fff) << 8);
	there = htonl(0x7f000002 | (own & 0x7fff) << 8);
	opened();
	keepalives();
	refused();
	strangers();
	flood();
	return done();
}
