/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "queue.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "netlink.h"

/*
 * The largest message: 65,535 bytes of payload attribute and some hundred of
 * others. The odd rest keeps the buffers of a batch from falling on the same
 * cache lines, as they would at a multiple of the page size.
 */
#define BUFFER_SIZE (68u * 1024 + 320)

struct cdf_queue {
	struct cdf_queue_config config;
	int fd;
	struct cdf_setting *settings;
	uint8_t *buffers;
	struct mmsghdr message[CDF_BATCH];
	struct iovec iov[CDF_BATCH];
};

static int open_socket(struct cdf_queue *queue)
{
	int error = cdf_netlink_open(NETLINK_NETFILTER, &queue->config.socket);

	if (error < 0)
		return error;
	queue->fd = mnl_socket_get_fd(queue->config.socket);
	cdf_settings_tune(queue->settings, queue->config.socket);
	return 0;
}

static int map_buffers(struct cdf_queue *queue)
{
	/* Mapped, not allocated: pages that no packet reaches cost nothing. */
	queue->buffers = mmap(NULL, (size_t)CDF_BATCH * BUFFER_SIZE,
			      PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (queue->buffers == MAP_FAILED) {
		queue->buffers = NULL;
		return -errno;
	}
	for (size_t i = 0; i < CDF_BATCH; i++) {
		queue->iov[i].iov_base = queue->buffers + i * BUFFER_SIZE;
		queue->iov[i].iov_len = BUFFER_SIZE;
		queue->message[i].msg_hdr.msg_iov = &queue->iov[i];
		queue->message[i].msg_hdr.msg_iovlen = 1;
	}
	return 0;
}

int cdf_queue_open(struct cdf_queue **into, uint16_t number,
		   const struct cdf_queue_options *options,
		   struct cdf_setting *settings)
{
	struct cdf_queue *queue = calloc(1, sizeof(*queue));
	int error;

	cdf_settings_start(settings, options);
	if (queue == NULL)
		return -ENOMEM;
	queue->config.number = number;
	queue->settings = settings;
	error = map_buffers(queue);
	if (error == 0)
		error = open_socket(queue);
	if (error == 0)
		error = cdf_queue_config_bind(&queue->config, settings, NULL);
	if (error < 0) {
		settings[CDF_SETTING_BIND].error = error;
		cdf_queue_close(queue);
		return error;
	}
	*into = queue;
	return 0;
}

void cdf_queue_release(struct cdf_queue *queue)
{
	cdf_queue_config_release(&queue->config, queue->settings);
}

uint16_t cdf_queue_number(const struct cdf_queue *queue)
{
	return queue->config.number;
}

int cdf_queue_fd(const struct cdf_queue *queue)
{
	return queue->fd;
}

uint32_t cdf_queue_port(const struct cdf_queue *queue)
{
	return mnl_socket_get_portid(queue->config.socket);
}

int cdf_queue_receive(struct cdf_queue *queue, struct cdf_datagram *datagram,
		      unsigned int want)
{
	int count =
		recvmmsg(queue->fd, queue->message, want, MSG_DONTWAIT, NULL);

	if (count < 0)
		return -errno;
	for (int i = 0; i < count; i++) {
		datagram[i].data = queue->iov[i].iov_base;
		datagram[i].length = queue->message[i].msg_len;
	}
	return count;
}

void cdf_queue_trim(struct cdf_queue *queue)
{
	madvise(queue->buffers, (size_t)CDF_BATCH * BUFFER_SIZE, MADV_DONTNEED);
}

int cdf_queue_send(struct cdf_queue *queue, const struct iovec *iov,
		   size_t count)
{
	struct msghdr message = {
		.msg_iov = (struct iovec *)iov,
		.msg_iovlen = count,
	};
	ssize_t sent;

	do {
		sent = sendmsg(queue->fd, &message, 0);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

int cdf_queue_backlog(const struct cdf_queue *queue, uint32_t *taken,
		      uint32_t *room)
{
	uint32_t info[SK_MEMINFO_VARS];
	socklen_t length = sizeof(info);

	if (getsockopt(queue->fd, SOL_SOCKET, SO_MEMINFO, info, &length) < 0)
		return -errno;
	*taken = info[SK_MEMINFO_RMEM_ALLOC];
	*room = info[SK_MEMINFO_RCVBUF];
	return 0;
}

void cdf_queue_shorten(struct cdf_queue *queue, uint32_t bytes)
{
	/* The kernel doubles what it is given (socket(7)). */
	int value = (int)(bytes / 2);

	setsockopt(queue->fd, SOL_SOCKET, SO_RCVBUFFORCE, &value,
		   sizeof(value));
}

void cdf_queue_lengthen(struct cdf_queue *queue)
{
	cdf_settings_size(queue->settings, queue->config.socket);
}

int cdf_queue_fail_open(struct cdf_queue *queue, bool on)
{
	return cdf_queue_config_fail_open(&queue->config, on);
}

int cdf_queue_hold(struct cdf_queue *queue)
{
	return cdf_queue_config_hold(&queue->config);
}

int cdf_queue_rebind(struct cdf_queue *queue, bool *still_ours)
{
	int error = cdf_queue_config_bind(&queue->config, queue->settings,
					  still_ours);

	if (error == 0 && !*still_ours)
		cdf_queue_release(queue);
	return error;
}

struct cdf_strays cdf_queue_strays(struct cdf_queue *queue)
{
	struct cdf_strays strays = queue->config.strays;

	queue->config.strays = (struct cdf_strays){ 0 };
	return strays;
}

void cdf_queue_close(struct cdf_queue *queue)
{
	/* Closing the socket unbinds: the kernel destroys queues of a gone
	 * port (nfqnl_rcv_nl_event()). */
	if (queue->config.socket != NULL)
		mnl_socket_close(queue->config.socket);
	if (queue->buffers != NULL)
		munmap(queue->buffers, (size_t)CDF_BATCH * BUFFER_SIZE);
	free(queue);
}
