/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "raw.h"

/* Before the kernel's headers: musl's tell them what it has defined itself. */
#include <netinet/in.h>

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "clock.h"
#include "icmp.h"
#include "packet/ipv4.h"

#define TTL 64

static int set(int socket, int level, int option, const void *value,
	       socklen_t length)
{
	return setsockopt(socket, level, option, value, length) < 0 ? -errno
								    : 0;
}

static int set_flag(int socket, int option, int value)
{
	return set(socket, IPPROTO_IP, option, &value, sizeof(value));
}

static int set_options(int socket)
{
	const struct icmp_filter filter = { ~(
		1u << ICMP_ECHOREPLY | 1u << ICMP_DEST_UNREACH |
		1u << ICMP_TIME_EXCEEDED | 1u << ICMP_PARAMETERPROB) };
	const int flags[][2] = {
		{ IP_HDRINCL, 1 },
		{ IP_MTU_DISCOVER, IP_PMTUDISC_PROBE },
		{ IP_RECVFRAGSIZE, 1 },
	};
	int error = set(socket, SOL_RAW, ICMP_FILTER, &filter, sizeof(filter));

	for (size_t i = 0; error == 0 && i < sizeof(flags) / sizeof(flags[0]);
	     i++)
		error = set_flag(socket, flags[i][0], flags[i][1]);
	return error;
}

int cdf_raw_open(uint32_t source, const char **operation)
{
	struct sockaddr_in from = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = source,
	};
	int fd, error;

	*operation = "open a raw socket";
	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, CDF_PROTO_ICMP);
	if (fd < 0)
		return -errno;
	*operation = "set up the raw socket";
	error = set_options(fd);
	if (error == 0 && source != 0) {
		*operation = "send from";
		if (bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0)
			error = -errno;
	}
	if (error == 0)
		return fd;
	close(fd);
	return error;
}

int cdf_raw_send(int fd, const struct cdf_raw_piece *piece)
{
	uint8_t header[CDF_IPV4_MIN_HEADER] = {
		[0] = 0x45, [8] = TTL, [9] = CDF_PROTO_ICMP
	};
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = piece->destination,
	};
	struct iovec parts[2] = { { header, sizeof(header) },
				  { (void *)piece->data, piece->length } };
	struct msghdr message = { .msg_name = &to,
				  .msg_namelen = sizeof(to),
				  .msg_iov = parts,
				  .msg_iovlen = 2 };
	ssize_t done;

	cdf_store16(header + 4, piece->identification);
	cdf_store16(header + 6, piece->fragment);
	memcpy(header + 12, &piece->source, 4);
	memcpy(header + 16, &piece->destination, 4);
	do
		done = sendmsg(fd, &message, MSG_DONTWAIT);
	while (done < 0 && errno == EINTR);
	return done < 0 ? -errno : 0;
}

/* The MTU in an entry of the error queue; 0 when there is none. */
static uint32_t told_mtu(struct msghdr *message)
{
	struct sock_extended_err told;
	uint32_t mtu = 0;

	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL;
	     part = CMSG_NXTHDR(message, part)) {
		if (part->cmsg_level != IPPROTO_IP ||
		    part->cmsg_type != IP_RECVERR ||
		    part->cmsg_len < CMSG_LEN(sizeof(told)))
			continue;
		memcpy(&told, CMSG_DATA(part), sizeof(told));
		if (told.ee_errno == EMSGSIZE)
			mtu = told.ee_info;
	}
	return mtu;
}

/*
 * The error queue is filled (ip_local_error()) only while IP_RECVERR is set; left
 * on, it would turn ICMP errors into errors of the socket.
 */
uint32_t cdf_raw_refusing_mtu(int fd, const struct cdf_raw_piece *piece)
{
	_Alignas(struct cmsghdr) uint8_t control[512];
	struct msghdr message = { .msg_control = control,
				  .msg_controllen = sizeof(control) };
	uint32_t mtu = 0;

	if (set_flag(fd, IP_RECVERR, 1) < 0)
		return 0;
	if (cdf_raw_send(fd, piece) == -EMSGSIZE &&
	    recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0)
		mtu = told_mtu(&message);
	set_flag(fd, IP_RECVERR, 0);
	return mtu;
}

/* The largest fragment of what was received, 0 when it came whole. */
static uint32_t fragment_size(struct msghdr *message)
{
	int size = 0;

	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL;
	     part = CMSG_NXTHDR(message, part)) {
		if (part->cmsg_level == IPPROTO_IP &&
		    part->cmsg_type == IP_RECVFRAGSIZE &&
		    part->cmsg_len >= CMSG_LEN(sizeof(size)))
			memcpy(&size, CMSG_DATA(part), sizeof(size));
	}
	return size > 0 ? (uint32_t)size : 0;
}

ssize_t cdf_raw_receive(int fd, uint64_t wait, uint8_t *into, size_t room,
			uint32_t *fragment)
{
	struct timespec left = { (time_t)(wait / CDF_SECOND),
				 (long)(wait % CDF_SECOND) };
	struct pollfd poll = { .fd = fd, .events = POLLIN };
	_Alignas(struct cmsghdr) uint8_t control[256];
	struct iovec part = { into, room };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	ssize_t length;

	if (ppoll(&poll, 1, &left, NULL) < 0)
		return errno == EINTR ? 0 : -errno;
	length = recvmsg(fd, &message, MSG_DONTWAIT);
	if (length < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	*fragment = fragment_size(&message);
	return length;
}
