/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "encap.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of one tend: whoever sends more keeps nobody busy, the kernel drops them. */
#define READ_MAX 64

#define NON_ESP_MARKER 4u

static struct sockaddr_in place(uint32_t address, uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = address,
		.sin_port = htons(port),
	};
}

static int set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno
									: 0;
}

/* Encapsulation first: nothing that comes in between shall wait as if it were
 * for a person. */
static int set_up(int fd, const struct cdf_encap_options *options,
		  const char **operation)
{
	struct sockaddr_in local = place(options->local, options->port);
	int error;

	*operation = "take ESP in UDP";
	error = set_int(fd, IPPROTO_UDP, UDP_ENCAP, UDP_ENCAP_ESPINUDP);
	if (error < 0)
		return error;
	*operation = "leave out the checksum of keepalives";
	error = set_int(fd, SOL_SOCKET, SO_NO_CHECK, 1);
	if (error < 0)
		return error;
	*operation = "bind the UDP port";
	return bind(fd, (struct sockaddr *)&local, sizeof(local)) < 0 ? -errno
								      : 0;
}

int cdf_encap_open(struct cdf_encap *encap,
		   const struct cdf_encap_options *options,
		   const char **operation)
{
	int error;

	*encap = (struct cdf_encap){ .fd = -1, .options = *options };
	*operation = "open a UDP socket";
	encap->fd =
		socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (encap->fd < 0)
		return -errno;
	error = set_up(encap->fd, options, operation);
	if (error < 0)
		cdf_encap_close(encap);
	return error;
}

static void send_keepalive(struct cdf_encap *encap)
{
	struct sockaddr_in remote =
		place(encap->options.remote, encap->options.remote_port);
	const uint8_t keepalive = 0xff;

	if (sendto(encap->fd, &keepalive, 1, MSG_NOSIGNAL,
		   (struct sockaddr *)&remote, sizeof(remote)) < 0) {
		encap->counts.error = -errno;
		encap->counts.refused++;
	} else {
		encap->counts.error = 0;
		encap->counts.keepalives++;
	}
}

/* @return whether there was one */
static bool throw_away_one(struct cdf_encap *encap)
{
	static const uint8_t marker[NON_ESP_MARKER];
	uint8_t start[NON_ESP_MARKER];
	struct sockaddr_in from = { 0 };
	socklen_t length = sizeof(from);
	/* The packet's own length, however little of it is taken. */
	ssize_t bytes = recvfrom(encap->fd, start, sizeof(start), MSG_TRUNC,
				 (struct sockaddr *)&from, &length);

	if (bytes < 0)
		return false;
	if (bytes >= (ssize_t)NON_ESP_MARKER &&
	    memcmp(start, marker, NON_ESP_MARKER) == 0)
		encap->counts.ike++;
	else
		encap->counts.other++;
	encap->counts.from = from.sin_addr.s_addr;
	return true;
}

static void count_drops(struct cdf_encap *encap)
{
	uint32_t told[SK_MEMINFO_VARS] = { 0 };
	socklen_t length = sizeof(told);

	/* Older kernels tell fewer. */
	if (getsockopt(encap->fd, SOL_SOCKET, SO_MEMINFO, told, &length) == 0)
		encap->counts.dropped = told[SK_MEMINFO_DROPS];
}

void cdf_encap_tend(struct cdf_encap *encap, uint64_t now)
{
	int left = READ_MAX;

	if (encap->fd < 0)
		return;
	if (encap->options.keepalive != 0 && now >= encap->next) {
		send_keepalive(encap);
		encap->next = now + encap->options.keepalive;
	}
	while (left > 0 && throw_away_one(encap))
		left--;
	count_drops(encap);
}

void cdf_encap_close(struct cdf_encap *encap)
{
	if (encap->fd >= 0)
		close(encap->fd);
	encap->fd = -1;
}
