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

#include "kernel/espinudp.h"
#include "tap.h"

#define PORT 4500
#define SECOND UINT64_C(1000000000)
#define FLOOD 5000
/* As espinudp.c has it. */
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

static int open_at(struct cdf_espinudp *espinudp, uint32_t local,
		   uint32_t remote, uint64_t keepalive)
{
	struct cdf_espinudp_options options = {
		.local = local,
		.remote = remote,
		.port = PORT,
		.remote_port = PORT,
		.keepalive = keepalive,
	};

	return cdf_espinudp_open(espinudp, &options, &operation);
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
	struct cdf_espinudp first, second;
	int type = 0;
	socklen_t length = sizeof(type);

	ok(open_at(&first, here, there, 0) == 0 && first.fd >= 0, "it opens");
	ok(getsockopt(first.fd, IPPROTO_UDP, UDP_ENCAP, &type, &length) == 0 &&
		   type == UDP_ENCAP_ESPINUDP,
	   "the kernel accepts ESP in UDP on it");
	ok((fcntl(first.fd, F_GETFD) & FD_CLOEXEC) != 0,
	   "no command that is started inherits it");
	ok(open_at(&second, here, there, SECOND) == -EADDRINUSE &&
		   second.fd < 0 && strcmp(operation, "bind the UDP port") == 0,
	   "a port that is taken is refused, and the step named");
	cdf_espinudp_tend(&second, SECOND);
	cdf_espinudp_close(&second);
	ok(second.counts.keepalives == 0 && second.counts.refused == 0,
	   "one that did not open does nothing");
	cdf_espinudp_close(&first);
	cdf_espinudp_close(&first);
	ok(open_at(&second, here, there, 0) == 0,
	   "closed twice, the port is free");
	cdf_espinudp_close(&second);
	/* RFC 5737: no host has it. */
	ok(open_at(&second, inet_addr("192.0.2.77"), there, 0) ==
			   -EADDRNOTAVAIL &&
		   second.fd < 0,
	   "an address that is not this host's is refused");
}

static void keepalives(void)
{
	struct cdf_espinudp espinudp;
	struct sockaddr_in from = { 0 };
	uint8_t bytes[16];
	int fd = peer();
	uint64_t now = 100 * SECOND;

	open_at(&espinudp, here, there, 20 * SECOND);
	ok(hear(fd, bytes, sizeof(bytes), &from) < 0,
	   "nothing leaves by itself");
	cdf_espinudp_tend(&espinudp, now);
	ok(hear(fd, bytes, sizeof(bytes), &from) == 1 && bytes[0] == 0xff &&
		   from.sin_addr.s_addr == here && ntohs(from.sin_port) == PORT,
	   "the first keepalive: one byte 0xff from the bound port");
	cdf_espinudp_tend(&espinudp, now + 20 * SECOND - 1);
	ok(hear(fd, bytes, sizeof(bytes), &from) < 0, "none before its time");
	cdf_espinudp_tend(&espinudp, now + 20 * SECOND);
	ok(hear(fd, bytes, sizeof(bytes), &from) == 1, "the next in time");
	/* A process that was stopped for ten minutes. */
	cdf_espinudp_tend(&espinudp, now + 600 * SECOND);
	ok(hear(fd, bytes, sizeof(bytes), &from) == 1 &&
		   hear(fd, bytes, sizeof(bytes), &from) < 0,
	   "what was missed is not made up for");
	ok(espinudp.counts.keepalives == 3 && espinudp.counts.refused == 0,
	   "each is counted");
	cdf_espinudp_close(&espinudp);
	cdf_espinudp_tend(&espinudp, now + 1200 * SECOND);
	ok(hear(fd, bytes, sizeof(bytes), &from) < 0 &&
		   espinudp.counts.keepalives == 3,
	   "after the end there is none, and the counts stay");

	open_at(&espinudp, here, there, 0);
	cdf_espinudp_tend(&espinudp, now);
	ok(hear(fd, bytes, sizeof(bytes), &from) < 0,
	   "none where none is asked");
	cdf_espinudp_close(&espinudp);
	close(fd);
}

static void refused(void)
{
	struct cdf_espinudp espinudp;

	/* Without SO_BROADCAST. */
	open_at(&espinudp, here, INADDR_BROADCAST, SECOND);
	cdf_espinudp_tend(&espinudp, SECOND);
	ok(espinudp.counts.error < 0 && espinudp.counts.refused == 1 &&
		   espinudp.counts.keepalives == 0,
	   "a keepalive that cannot leave is counted, with its errno");
	cdf_espinudp_tend(&espinudp, 2 * SECOND - 1);
	ok(espinudp.counts.refused == 1,
	   "it is tried again at the next one's time");
	espinudp.options.remote = there;
	cdf_espinudp_tend(&espinudp, 2 * SECOND);
	ok(espinudp.counts.error == 0 && espinudp.counts.keepalives == 1,
	   "one that leaves clears the errno");
	cdf_espinudp_close(&espinudp);
}

static void strangers(void)
{
	static const uint8_t keepalive = 0xff;
	/* An IKE header of version 2.0 behind the marker. */
	static const uint8_t ike[4 + 28] = { [21] = 0x20, [31] = 28 };
	/* SPI, sequence number, and something sealed; nobody knows the SPI. */
	static const uint8_t esp[64] = { 0x7f, 1, 2, 3, 0, 0, 0, 1 };
	struct cdf_espinudp espinudp, other;
	int fd = peer();

	open_at(&espinudp, here, there, 0);
	say(fd, ike, sizeof(ike));
	say(fd, ike, 4);
	cdf_espinudp_tend(&espinudp, 1);
	ok(espinudp.counts.ike == 2 && espinudp.counts.other == 0 &&
		   espinudp.counts.from == there,
	   "packets with the non-ESP marker are discarded and counted");
	say(fd, "abcd", 4);
	say(fd, "", 0);
	say(fd, ike, 3);
	cdf_espinudp_tend(&espinudp, 2);
	ok(espinudp.counts.ike == 2 && espinudp.counts.other == 3,
	   "so is what is too short for ESP");
	say(fd, &keepalive, 1);
	say(fd, esp, sizeof(esp));
	cdf_espinudp_tend(&espinudp, 3);
	ok(espinudp.counts.ike == 2 && espinudp.counts.other == 3 &&
		   espinudp.counts.dropped == 0,
	   "keepalives and ESP are the kernel's");
	close(fd);

	open_at(&other, there, here, SECOND);
	cdf_espinudp_tend(&other, SECOND);
	cdf_espinudp_tend(&espinudp, 4);
	ok(other.counts.keepalives == 1 && espinudp.counts.other == 3,
	   "two ends eat each other's keepalives");
	cdf_espinudp_close(&other);
	cdf_espinudp_close(&espinudp);
}

static void flood(void)
{
	static const uint8_t ike[1400];
	struct cdf_espinudp espinudp;
	struct cdf_espinudp_counts before;
	bool bounded = true;
	int fd = peer(), turns = 0;

	open_at(&espinudp, here, there, 0);
	for (int i = 0; i < FLOOD; i++)
		say(fd, ike, sizeof(ike));
	do {
		before = espinudp.counts;
		cdf_espinudp_tend(&espinudp, 1);
		bounded =
			bounded && espinudp.counts.ike - before.ike <= READ_MAX;
		turns++;
	} while (espinudp.counts.ike != before.ike);
	printf("# %llu read, %llu dropped, %d turns\n",
	       (unsigned long long)espinudp.counts.ike,
	       (unsigned long long)espinudp.counts.dropped, turns);
	ok(espinudp.counts.ike + espinudp.counts.dropped == FLOOD,
	   "of a flood, each packet is read or known to be dropped");
	ok(bounded, "and no turn reads without end");
	cdf_espinudp_close(&espinudp);
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
