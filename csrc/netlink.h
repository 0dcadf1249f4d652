/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages that the kernel sends to a netlink socket, and no other's. */
#ifndef CDF_NETLINK_H
#define CDF_NETLINK_H

#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "clock.h"

/** To wait for the kernel's answer, which comes before sendto() returns.
 * Nanoseconds. */
#define CDF_NETLINK_PATIENCE (5ull * CDF_SECOND)

/** Whether the kernel sent a message: any process with CAP_NET_ADMIN may send to
 * the socket's port, but never from port 0. */
static inline bool cdf_is_kernel(const struct sockaddr_nl *from)
{
	return from->nl_family == AF_NETLINK && from->nl_pid == 0;
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
 * Wait for the next datagram from the kernel; what others send is passed over.
 * @param end when to give up, as cdf_clock_now() counts: also while others send
 * @return its length, or -errno: -ETIMEDOUT when none has come
 */
static inline ssize_t cdf_netlink_receive(int fd, void *buffer, size_t size,
					  uint64_t end)
{
	for (uint64_t now = cdf_clock_now(); now < end; now = cdf_clock_now()) {
		struct pollfd readable = { .fd = fd, .events = POLLIN };
		struct sockaddr_nl from = { 0 };
		socklen_t length = sizeof(from);
		ssize_t got = recvfrom(fd, buffer, size, MSG_DONTWAIT,
				       (struct sockaddr *)&from, &length);

		if (got >= 0 && cdf_is_kernel(&from))
			return got;
		if (got >= 0)
			continue;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		poll(&readable, 1,
		     (int)((end - now) / (CDF_SECOND / 1000) + 1));
	}
	return -ETIMEDOUT;
}

#endif
