/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Netlink sockets that hear the kernel alone. */
#ifndef CDF_NETLINK_H
#define CDF_NETLINK_H

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "clock.h"

/** To wait for the kernel's answer, which comes before sendto() returns.
 * Nanoseconds. */
#define CDF_NETLINK_PATIENCE (5ull * CDF_SECOND)

/**
 * Open a socket that is connected to the kernel. Any process with CAP_NET_ADMIN
 * may send to a socket's port; to one that is connected it gets ECONNREFUSED
 * (netlink_getsockbyportid()). connect() binds it as well: what others send in
 * between lies before every answer (cdf_netlink_take()).
 * @return 0 or -errno
 */
static inline int cdf_netlink_open(int protocol, struct mnl_socket **into)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK }, own = kernel;
	socklen_t length = sizeof(own);
	struct mnl_socket *socket = mnl_socket_open2(protocol, SOCK_CLOEXEC);
	int fd, error;

	if (socket == NULL)
		return -errno;
	fd = mnl_socket_get_fd(socket);
	if (connect(fd, (struct sockaddr *)&kernel, sizeof(kernel)) == 0 &&
	    getsockname(fd, (struct sockaddr *)&own, &length) == 0 &&
	    mnl_socket_bind(socket, 0, (pid_t)own.nl_pid) == 0) {
		*into = socket;
		return 0;
	}
	error = -errno;
	mnl_socket_close(socket);
	return error;
}

/** Whether a whole message stands there. Not mnl_nlmsg_ok(): it takes a length
 * of 2 GiB or more for sound. */
static inline bool cdf_netlink_ok(const struct nlmsghdr *header, size_t left)
{
	return left >= NLMSG_HDRLEN && header->nlmsg_len >= NLMSG_HDRLEN &&
	       header->nlmsg_len <= left;
}

/** Bytes to the message behind a sound one, or to the end. */
static inline size_t cdf_netlink_step(const struct nlmsghdr *header,
				      size_t left)
{
	size_t step = NLMSG_ALIGN((size_t)header->nlmsg_len);

	return step < left ? step : left;
}

/**
 * Take the next datagram of the kernel's, without waiting.
 * @return its length, or -errno: -EAGAIN when there is none, or another's
 */
static inline ssize_t cdf_netlink_take(int fd, void *buffer, size_t size)
{
	struct sockaddr_nl from = { 0 };
	socklen_t length = sizeof(from);
	ssize_t got = recvfrom(fd, buffer, size, MSG_DONTWAIT,
			       (struct sockaddr *)&from, &length);

	if (got < 0)
		return -errno;
	/* Nobody else sends from port 0. */
	return from.nl_pid == 0 ? got : -EAGAIN;
}

/**
 * Wait for the next datagram of the kernel's.
 * @param end when to give up, as cdf_clock_now() counts
 * @return its length, or -errno: -ETIMEDOUT when none has come
 */
static inline ssize_t cdf_netlink_receive(int fd, void *buffer, size_t size,
					  uint64_t end)
{
	for (uint64_t now = cdf_clock_now(); now < end; now = cdf_clock_now()) {
		struct pollfd readable = { .fd = fd, .events = POLLIN };
		ssize_t got = cdf_netlink_take(fd, buffer, size);

		if (got != -EAGAIN && got != -EINTR)
			return got;
		poll(&readable, 1,
		     (int)((end - now) / (CDF_SECOND / 1000) + 1));
	}
	return -ETIMEDOUT;
}

#endif
