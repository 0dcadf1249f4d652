/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * null QUEUE RANGE GSO
 *
 * What NFQUEUE itself costs: RANGE bytes of each packet are copied, nobody looks
 * at them, and one batch verdict accepts all that one recvmmsg() brought. No
 * program behind a queue can do with less. GSO, 0 or 1: whether super-packets
 * come whole. Ends at SIGTERM.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libnetfilter_queue/libnetfilter_queue.h>

enum { BATCH = 64, ROOM = 4096, LENGTH = 1 << 20, RECEIVE = 64 << 20 };

static uint8_t room[BATCH][ROOM] __attribute__((aligned(8)));
static struct mmsghdr batch[BATCH];
static struct iovec iov[BATCH];
static volatile sig_atomic_t ending;

static void end(int signal)
{
	(void)signal;
	ending = 1;
}

static int configure(int fd, uint16_t queue, uint32_t range, int gso)
{
	const uint32_t flags = gso ? NFQA_CFG_F_GSO : 0;
	const int on = 1, size = RECEIVE;
	char text[1024];
	struct nlmsghdr *message;

	message = nfq_nlmsg_put(text, NFQNL_MSG_CONFIG, queue);
	nfq_nlmsg_cfg_put_cmd(message, AF_INET, NFQNL_CFG_CMD_BIND);
	if (send(fd, message, message->nlmsg_len, 0) < 0)
		return -1;
	message = nfq_nlmsg_put(text, NFQNL_MSG_CONFIG, queue);
	nfq_nlmsg_cfg_put_params(message, NFQNL_COPY_PACKET, (int)range);
	nfq_nlmsg_cfg_put_qmaxlen(message, LENGTH);
	mnl_attr_put_u32(message, NFQA_CFG_FLAGS, htonl(flags));
	mnl_attr_put_u32(message, NFQA_CFG_MASK, htonl(NFQA_CFG_F_GSO));
	if (send(fd, message, message->nlmsg_len, 0) < 0)
		return -1;
	setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof(on));
	return setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
}

/* The packet's number, or 0 when the message is no packet. */
static uint32_t number_of(const struct nlmsghdr *message)
{
	struct nlattr *attribute;

	if (NFNL_MSG_TYPE(message->nlmsg_type) != NFQNL_MSG_PACKET)
		return 0;
	mnl_attr_for_each(attribute, message, sizeof(struct nfgenmsg))
	{
		const struct nfqnl_msg_packet_hdr *head;

		if (mnl_attr_get_type(attribute) != NFQA_PACKET_HDR)
			continue;
		head = mnl_attr_get_payload(attribute);
		return ntohl(head->packet_id);
	}
	return 0;
}

static int accept_up_to(int fd, uint16_t queue, uint32_t number)
{
	char text[256];
	struct nlmsghdr *message;
	struct nfqnl_msg_verdict_hdr verdict = { .verdict = htonl(NF_ACCEPT),
						 .id = htonl(number) };

	message = nfq_nlmsg_put(text, NFQNL_MSG_VERDICT_BATCH, queue);
	mnl_attr_put(message, NFQA_VERDICT_HDR, sizeof(verdict), &verdict);
	return send(fd, message, message->nlmsg_len, 0) < 0 ? -1 : 0;
}

static int serve(int fd, uint16_t queue)
{
	while (!ending) {
		int got = recvmmsg(fd, batch, BATCH, MSG_WAITFORONE, NULL);
		uint32_t last = 0;

		if (got < 0 && errno != EINTR && errno != ENOBUFS)
			return -1;
		for (int i = 0; i < got; i++) {
			uint32_t number = number_of((void *)room[i]);

			if (number != 0)
				last = number;
		}
		if (last != 0 && accept_up_to(fd, queue, last) < 0)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = end };
	struct mnl_socket *socket = mnl_socket_open(NETLINK_NETFILTER);
	uint32_t range = argc == 4 ? (uint32_t)atoi(argv[2]) : 0;
	int fd;

	if (range == 0 || range > ROOM / 2 || socket == NULL ||
	    mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		fputs("usage: null QUEUE RANGE GSO (as root)\n", stderr);
		return 2;
	}
	fd = mnl_socket_get_fd(socket);
	sigaction(SIGTERM, &action, NULL);
	for (int i = 0; i < BATCH; i++) {
		iov[i].iov_base = room[i];
		iov[i].iov_len = ROOM;
		batch[i].msg_hdr.msg_iov = &iov[i];
		batch[i].msg_hdr.msg_iovlen = 1;
	}
	if (configure(fd, (uint16_t)atoi(argv[1]), range, atoi(argv[3])) < 0) {
		perror("null");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	if (serve(fd, (uint16_t)atoi(argv[1])) < 0) {
		perror("null");
		return 1;
	}
	return 0;
}
