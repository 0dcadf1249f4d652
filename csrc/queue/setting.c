/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "setting.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <string.h>
#include <sys/socket.h>

/* Room to send the largest batch of answers. */
#define SEND_BUFFER (4u * 1024 * 1024)

static const struct cdf_setting setting_table[CDF_SETTING_COUNT] = {
	[CDF_SETTING_BIND] = { "bind", true, 0, 0 },
	[CDF_SETTING_COPY_MODE] = { "copy-mode", true, NFQNL_COPY_PACKET, 0 },
	[CDF_SETTING_COPY_RANGE] = { "copy-range", true, 0, 0 },
	[CDF_SETTING_RECEIVE_BUFFER] = { "receive-buffer", false, 0, 0 },
	[CDF_SETTING_SEND_BUFFER] = { "send-buffer", false, SEND_BUFFER, 0 },
	[CDF_SETTING_NO_ENOBUFS] = { "no-enobufs", false, 1, 0 },
	[CDF_SETTING_FAIL_OPEN] = { "fail-open", false, 0, 0 },
	[CDF_SETTING_GSO] = { "gso", false, 0, 0 },
	[CDF_SETTING_QUEUE_LENGTH] = { "queue-length", false, 0, 0 },
};

static int set_buffer(int fd, int force, int plain, uint32_t bytes)
{
	int value = (int)bytes, held = 0;
	socklen_t length = sizeof(held);
	int which = plain;

	if (setsockopt(fd, SOL_SOCKET, force, &value, sizeof(value)) == 0)
		return 0;
	if (setsockopt(fd, SOL_SOCKET, plain, &value, sizeof(value)) < 0 ||
	    getsockopt(fd, SOL_SOCKET, which, &held, &length) < 0)
		return -errno;
	/* Without the privilege rmem_max caps it and no error is raised; what
	 * is reported back is twice what was asked for (socket(7)). */
	return held / 2 < value ? -EPERM : 0;
}

static int set_no_enobufs(struct mnl_socket *socket)
{
	int on = 1;

	if (mnl_socket_setsockopt(socket, NETLINK_NO_ENOBUFS, &on, sizeof(on)) <
	    0)
		return -errno;
	return 0;
}

static void cap_errors(struct mnl_socket *socket)
{
	int on = 1;

	/* Keeps a refused verdict from coming back with its payload. Where the
	 * kernel cannot, the answer is only longer. */
	mnl_socket_setsockopt(socket, NETLINK_CAP_ACK, &on, sizeof(on));
}

void cdf_settings_start(struct cdf_setting *settings,
			const struct cdf_queue_options *options)
{
	memcpy(settings, setting_table, sizeof(setting_table));
	settings[CDF_SETTING_COPY_RANGE].value = options->copy_range;
	settings[CDF_SETTING_RECEIVE_BUFFER].value = options->receive_buffer;
	settings[CDF_SETTING_QUEUE_LENGTH].value = options->queue_length;
	settings[CDF_SETTING_FAIL_OPEN].value = options->fail_open;
	settings[CDF_SETTING_GSO].value = options->gso;
}

void cdf_settings_size(struct cdf_setting *settings, struct mnl_socket *socket)
{
	struct cdf_setting *buffer = &settings[CDF_SETTING_RECEIVE_BUFFER];

	buffer->error = set_buffer(mnl_socket_get_fd(socket), SO_RCVBUFFORCE,
				   SO_RCVBUF, buffer->value);
}

void cdf_settings_tune(struct cdf_setting *settings, struct mnl_socket *socket)
{
	int fd = mnl_socket_get_fd(socket);

	cdf_settings_size(settings, socket);
	settings[CDF_SETTING_SEND_BUFFER].error =
		set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, SEND_BUFFER);
	settings[CDF_SETTING_NO_ENOBUFS].error = set_no_enobufs(socket);
	cap_errors(socket);
}
