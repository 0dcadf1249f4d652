/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binding.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <sys/socket.h>

#include "message.h"

/* The longest configuration message takes 76 bytes. */
#define CONFIG_SIZE 128
/* The longest message that may come instead of an answer: a packet. */
#define ANSWER_SIZE (68u * 1024)

/* A packet that slipped in between two steps of bind_held(): nobody else would
 * answer it. */
static void accept_stray(const struct cdf_binding *binding, uint32_t packet_id)
{
	_Alignas(4) char buffer[CDF_VERDICT_SIZE];

	cdf_message_write_accept_all(buffer, binding->number, packet_id);
	mnl_socket_sendto(binding->socket, buffer, sizeof(buffer));
}

/* Send one configuration message and wait for the kernel's word on it. */
static int request(struct cdf_binding *binding, struct nlmsghdr *nlh)
{
	_Alignas(4) char answer[ANSWER_SIZE];
	struct cdf_message message;

	nlh->nlmsg_flags |= NLM_F_ACK;
	nlh->nlmsg_seq = ++binding->sequence;
	if (mnl_socket_sendto(binding->socket, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		struct cdf_datagram datagram = { answer, 0 };
		ssize_t length = mnl_socket_recvfrom(binding->socket, answer,
						     sizeof(answer));

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return -errno;
		datagram.length = (size_t)length;
		while (cdf_message_next(&datagram, &message)) {
			if (message.kind == CDF_MESSAGE_PACKET)
				accept_stray(binding, message.packet_id);
			if (message.kind == CDF_MESSAGE_ERROR &&
			    message.sequence == binding->sequence)
				return message.error;
		}
	}
}

static struct nlmsghdr *config(struct cdf_binding *binding, char *buffer)
{
	return nfq_nlmsg_put(buffer, NFQNL_MSG_CONFIG, binding->number);
}

static void put_flags(struct nlmsghdr *nlh, uint32_t mask, uint32_t flags)
{
	mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(mask));
	mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(flags));
}

static int set_flag(struct cdf_binding *binding, uint32_t flag)
{
	char buffer[CONFIG_SIZE];
	struct nlmsghdr *nlh = config(binding, buffer);

	put_flags(nlh, flag, flag);
	return request(binding, nlh);
}

/*
 * A length of 0 with fail-open makes the kernel accept every packet in place
 * of queueing it (__nfqnl_enqueue_packet()): the queue is ours, yet nothing
 * waits for an answer. All in one message, so that hardly a packet finds a
 * queue without copy mode, which would drop it.
 */
static int bind_held(struct cdf_binding *binding,
		     const struct cdf_setting *settings)
{
	char buffer[CONFIG_SIZE];
	struct nlmsghdr *nlh = config(binding, buffer);

	nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
	nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_PACKET,
				 (int)settings[CDF_SETTING_COPY_RANGE].value);
	nfq_nlmsg_cfg_put_qmaxlen(nlh, 0);
	put_flags(nlh, NFQA_CFG_F_FAIL_OPEN, NFQA_CFG_F_FAIL_OPEN);
	return request(binding, nlh);
}

/* The kernel says EPERM both to the unprivileged and when another socket holds
 * the queue; an obsolete command that does nothing tells them apart. */
static bool has_privilege(struct cdf_binding *binding)
{
	char buffer[CONFIG_SIZE];
	struct nlmsghdr *nlh = config(binding, buffer);

	nfq_nlmsg_cfg_put_cmd(nlh, AF_INET, NFQNL_CFG_CMD_PF_BIND);
	return request(binding, nlh) == 0;
}

/* Not waited for: packets may overtake the kernel's answer. A refusal shows up
 * among the received messages. */
static int send_config(struct cdf_binding *binding, struct nlmsghdr *nlh)
{
	if (mnl_socket_sendto(binding->socket, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	return 0;
}

int cdf_binding_take(struct cdf_binding *binding, struct cdf_setting *settings)
{
	int error = bind_held(binding, settings);

	if (error == -EPERM && has_privilege(binding))
		error = -EBUSY;
	settings[CDF_SETTING_BIND].error = error;
	settings[CDF_SETTING_COPY_MODE].error = error;
	settings[CDF_SETTING_COPY_RANGE].error = error;
	if (error < 0)
		return error;
	if (settings[CDF_SETTING_GSO].value != 0)
		settings[CDF_SETTING_GSO].error =
			set_flag(binding, NFQA_CFG_F_GSO);
	return 0;
}

void cdf_binding_release(struct cdf_binding *binding,
			 struct cdf_setting *settings)
{
	char buffer[CONFIG_SIZE];
	struct nlmsghdr *nlh = config(binding, buffer);
	int error;

	nfq_nlmsg_cfg_put_qmaxlen(nlh,
				  settings[CDF_SETTING_QUEUE_LENGTH].value);
	if (settings[CDF_SETTING_FAIL_OPEN].value == 0)
		put_flags(nlh, NFQA_CFG_F_FAIL_OPEN, 0);
	error = send_config(binding, nlh);
	settings[CDF_SETTING_QUEUE_LENGTH].error = error;
	settings[CDF_SETTING_FAIL_OPEN].error = error;
}

int cdf_binding_fail_open(struct cdf_binding *binding, bool on)
{
	char buffer[CONFIG_SIZE];
	struct nlmsghdr *nlh = config(binding, buffer);

	put_flags(nlh, NFQA_CFG_F_FAIL_OPEN, on ? NFQA_CFG_F_FAIL_OPEN : 0);
	return send_config(binding, nlh);
}

int cdf_binding_hold(struct cdf_binding *binding)
{
	char buffer[CONFIG_SIZE];
	struct nlmsghdr *nlh = config(binding, buffer);

	nfq_nlmsg_cfg_put_qmaxlen(nlh, 0);
	put_flags(nlh, NFQA_CFG_F_FAIL_OPEN, NFQA_CFG_F_FAIL_OPEN);
	return send_config(binding, nlh);
}
