/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "queue_config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <poll.h>
#include <sys/socket.h>

#include "clock.h"
#include "message.h"
#include "netlink.h"

/* The longest configuration message takes 76 bytes. */
#define CONFIG_SIZE 128
/* The longest message that may come instead of an answer: a packet. */
#define ANSWER_SIZE (68u * 1024)
/* It comes while the request is sent, unless it is lost. Nanoseconds. */
#define ANSWER_TIME (CDF_SECOND / 5)
#define ANSWER_POLL_MS 20
#define ANSWER_TRIES 5

/* A packet that slipped in between two steps of bind_held(): nobody else would
 * answer it. */
static void accept_stray(struct cdf_queue_config *config, uint32_t packet_id)
{
	_Alignas(4) char buffer[CDF_VERDICT_SIZE];

	cdf_message_write_accept_all(buffer, config->number, packet_id);
	mnl_socket_sendto(config->socket, buffer, sizeof(buffer));
	config->strays.packets++;
	config->strays.last = packet_id;
}

/* @return whether the datagram holds the answer to the last request */
static bool take_answer(struct cdf_queue_config *config,
			struct cdf_datagram *datagram, int *error)
{
	struct cdf_message message;
	bool answered = false;

	while (cdf_message_next(datagram, &message)) {
		if (message.kind == CDF_MESSAGE_PACKET)
			accept_stray(config, message.packet_id);
		if (message.kind == CDF_MESSAGE_ERROR &&
		    message.sequence == config->sequence) {
			*error = message.error;
			answered = true;
		}
	}
	return answered;
}

/* Read until the answer comes. @return false when it does not in time */
static bool hear(struct cdf_queue_config *config, int *error)
{
	_Alignas(4) char answer[ANSWER_SIZE];
	uint64_t end = cdf_clock_now() + ANSWER_TIME, now = 0;
	int fd = mnl_socket_get_fd(config->socket);

	for (; now < end; now = cdf_clock_now()) {
		struct pollfd readable = { .fd = fd, .events = POLLIN };
		struct cdf_datagram datagram = { answer, 0 };
		ssize_t length = cdf_netlink_take(fd, answer, sizeof(answer));

		if (length < 0) {
			/* ENOBUFS and the like: what was lost comes again. */
			poll(&readable, 1, ANSWER_POLL_MS);
			continue;
		}
		datagram.length = (size_t)length;
		if (take_answer(config, &datagram, error))
			return true;
	}
	return false;
}

/*
 * Send one configuration message and wait for the kernel's word on it. A full
 * receive buffer swallows that word (netlink_ack()), so that it is asked for
 * again, and not for ever.
 */
static int request(struct cdf_queue_config *config, struct nlmsghdr *nlh)
{
	int error = 0;

	nlh->nlmsg_flags |= NLM_F_ACK;
	nlh->nlmsg_seq = ++config->sequence;
	for (int i = 0; i < ANSWER_TRIES; i++) {
		config->resent = i > 0;
		if (mnl_socket_sendto(config->socket, nlh, nlh->nlmsg_len) < 0)
			return -errno;
		if (hear(config, &error))
			return error;
	}
	return -ETIMEDOUT;
}

static struct nlmsghdr *new_message(struct cdf_queue_config *config,
				    char *buffer)
{
	return nfq_nlmsg_put(buffer, NFQNL_MSG_CONFIG, config->number);
}

static void put_flags(struct nlmsghdr *nlh, uint32_t mask, uint32_t flags)
{
	mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(mask));
	mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(flags));
}

static int set_flag(struct cdf_queue_config *config, uint32_t flag)
{
	char buffer[CONFIG_SIZE];
	struct nlmsghdr *nlh = new_message(config, buffer);

	put_flags(nlh, flag, flag);
	return request(config, nlh);
}

/*
 * A length of 0 with fail-open makes the kernel accept every packet in place
 * of queueing it (__nfqnl_enqueue_packet()): the queue is ours, yet nothing
 * waits for an answer. All in one message, so that hardly a packet finds a
 * queue without copy mode, which would drop it.
 */
static int bind_held(struct cdf_queue_config *config,
		     const struct cdf_setting *settings)
{
	char buffer[CONFIG_SIZE];
	struct nlmsghdr *nlh = new_message(config, buffer);

	nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
	nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_PACKET,
				 (int)settings[CDF_SETTING_COPY_RANGE].value);
	nfq_nlmsg_cfg_put_qmaxlen(nlh, 0);
	put_flags(nlh, NFQA_CFG_F_FAIL_OPEN, NFQA_CFG_F_FAIL_OPEN);
	return request(config, nlh);
}

/* The kernel says EPERM both to the unprivileged and when another socket holds
 * the queue; an obsolete command that does nothing tells them apart. */
static bool has_privilege(struct cdf_queue_config *config)
{
	char buffer[CONFIG_SIZE];
	struct nlmsghdr *nlh = new_message(config, buffer);

	nfq_nlmsg_cfg_put_cmd(nlh, AF_INET, NFQNL_CFG_CMD_PF_BIND);
	return request(config, nlh) == 0;
}

/* Not waited for: packets may overtake the kernel's answer. A refusal shows up
 * among the received messages. */
static int send_config(struct cdf_queue_config *config, struct nlmsghdr *nlh)
{
	if (mnl_socket_sendto(config->socket, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	return 0;
}

int cdf_queue_config_bind(struct cdf_queue_config *config,
			  struct cdf_setting *settings, bool *still_ours)
{
	int error = bind_held(config, settings);
	/* To whom another socket is in the way the kernel says EPERM. */
	bool ours = error == -EBUSY;

	if (still_ours != NULL)
		*still_ours = ours && !config->resent;
	if (error == -EPERM && has_privilege(config))
		error = -EBUSY;
	else if (ours)
		error = 0;
	settings[CDF_SETTING_BIND].error = error;
	settings[CDF_SETTING_COPY_MODE].error = error;
	settings[CDF_SETTING_COPY_RANGE].error = error;
	if (error < 0)
		return error;
	if (settings[CDF_SETTING_GSO].value != 0)
		settings[CDF_SETTING_GSO].error =
			set_flag(config, NFQA_CFG_F_GSO);
	return 0;
}

void cdf_queue_config_release(struct cdf_queue_config *config,
			      struct cdf_setting *settings)
{
	char buffer[CONFIG_SIZE];
	struct nlmsghdr *nlh = new_message(config, buffer);
	int error;

	nfq_nlmsg_cfg_put_qmaxlen(nlh,
				  settings[CDF_SETTING_QUEUE_LENGTH].value);
	if (settings[CDF_SETTING_FAIL_OPEN].value == 0)
		put_flags(nlh, NFQA_CFG_F_FAIL_OPEN, 0);
	error = send_config(config, nlh);
	settings[CDF_SETTING_QUEUE_LENGTH].error = error;
	settings[CDF_SETTING_FAIL_OPEN].error = error;
}

int cdf_queue_config_fail_open(struct cdf_queue_config *config, bool on)
{
	char buffer[CONFIG_SIZE];
	struct nlmsghdr *nlh = new_message(config, buffer);

	put_flags(nlh, NFQA_CFG_F_FAIL_OPEN, on ? NFQA_CFG_F_FAIL_OPEN : 0);
	return send_config(config, nlh);
}

int cdf_queue_config_hold(struct cdf_queue_config *config)
{
	char buffer[CONFIG_SIZE];
	struct nlmsghdr *nlh;
	/* First, and by itself: of one message the kernel takes the length
	 * before the flags (nfqnl_recv_config()), and would drop in between. */
	int error = cdf_queue_config_fail_open(config, true);

	if (error < 0)
		return error;
	nlh = new_message(config, buffer);
	nfq_nlmsg_cfg_put_qmaxlen(nlh, 0);
	return send_config(config, nlh);
}
