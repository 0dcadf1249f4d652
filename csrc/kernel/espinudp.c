/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "espinudp.h"

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
static int set_up(int fd, const struct cdf_espinudp_options *options,
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

int cdf_espinudp_open(struct cdf_espinudp *espinudp,
		      const struct cdf_espinudp_options *options,
		      const char **operation)
{
	int error;

	*espinudp = (struct cdf_espinudp){ .fd = -1, .options = *options };
	*operation = "open a UDP socket";
	espinudp->fd =
		socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (espinudp->fd < 0)
		return -errno;
	error = set_up(espinudp->fd, options, operation);
	if (error < 0)
		cdf_espinudp_close(espinudp);
	return error;
}

static void send_keepalive(struct cdf_espinudp *espinudp)
{
	struct sockaddr_in remote =
		place(espinudp->options.remote, espinudp->options.remote_port);
	const uint8_t keepalive = 0xff;

	if (sendto(espinudp->fd, &keepalive, 1, MSG_NOSIGNAL,
		   (struct sockaddr *)&remote, sizeof(remote)) < 0) {
		espinudp->counts.error = -errno;
		espinudp->counts.refused++;
	} else {
		espinudp->counts.error = 0;
		espinudp->counts.keepalives++;
	}
}

/* @return whether there was one */
static bool throw_away_one(struct cdf_espinudp *espinudp)
{
	static const uint8_t marker[NON_ESP_MARKER];
	uint8_t start[NON_ESP_MARKER];
	struct sockaddr_in from = { 0 };
	socklen_t length = sizeof(from);
	/* The packet's own length, however little of it is taken. */
	ssize_t bytes = recvfrom(espinudp->fd, start, sizeof(start), MSG_TRUNC,
				 (struct sockaddr *)&from, &length);

	if (bytes < 0)
		return false;
	if (bytes >= (ssize_t)NON_ESP_MARKER &&
	    memcmp(start, marker, NON_ESP_MARKER) == 0)
		espinudp->counts.ike++;
	else
		espinudp->counts.other++;
	espinudp->counts.from = from.sin_addr.s_addr;
	return true;
}

static void count_drops(struct cdf_espinudp *espinudp)
{
	uint32_t told[SK_MEMINFO_VARS] = { 0 };
	socklen_t length = sizeof(told);

	/* Older kernels tell fewer. */
	if (getsockopt(espinudp->fd, SOL_SOCKET, SO_MEMINFO, told, &length) ==
	    0)
		espinudp->counts.dropped = told[SK_MEMINFO_DROPS];
}

void cdf_espinudp_tend(struct cdf_espinudp *espinudp, uint64_t now)
{
	int left = READ_MAX;

	if (espinudp->fd < 0)
		return;
	if (espinudp->options.keepalive != 0 && now >= espinudp->next) {
		send_keepalive(espinudp);
		espinudp->next = now + espinudp->options.keepalive;
	}
	while (left > 0 && throw_away_one(espinudp))
		left--;
	count_drops(espinudp);
}

void cdf_espinudp_close(struct cdf_espinudp *espinudp)
{
	if (espinudp->fd >= 0)
		close(espinudp->fd);
	espinudp->fd = -1;
}
