/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * floor null|echo QUEUE
 *
 * What NFQUEUE itself costs. `null`: 64 bytes of each packet are copied, nobody
 * looks at them, and one batch verdict accepts all that one recvmmsg() brought: no
 * program behind a queue can do with less. `echo`: each packet is copied whole and
 * handed back whole, nobody looks at it, with one sendmsg() for what one recvmmsg()
 * brought: no program that changes packets can do with less. GSO packets come
 * whole. Ends at SIGTERM.
 */
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

enum { BATCH = 64, ROOM = 68 * 1024 + 320, LENGTH = 1 << 20 };
/* Bytes of a verdict before its payload. */
enum { HEAD = 36 };

struct floor {
	const char *name;
	uint32_t range;
	/* What is handed back does not fit the caches when it may wait long. */
	int receive;
	int (*answer)(int fd, uint16_t queue, int got);
};

static uint8_t room[BATCH][ROOM] __attribute__((aligned(8)));
static struct mmsghdr batch[BATCH];
static struct iovec iov[BATCH];
static struct iovec answer[BATCH];
static volatile sig_atomic_t ending;

static void end(int signal)
{
	(void)signal;
	ending = 1;
}

static int configure(int fd, uint16_t queue, const struct floor *floor)
{
	const int on = 1, send_room = 4 << 20;
	char text[1024];
	struct nlmsghdr *message;

	message = nfq_nlmsg_put(text, NFQNL_MSG_CONFIG, queue);
	nfq_nlmsg_cfg_put_cmd(message, AF_INET, NFQNL_CFG_CMD_BIND);
	if (send(fd, message, message->nlmsg_len, 0) < 0)
		return -1;
	message = nfq_nlmsg_put(text, NFQNL_MSG_CONFIG, queue);
	nfq_nlmsg_cfg_put_params(message, NFQNL_COPY_PACKET, (int)floor->range);
	nfq_nlmsg_cfg_put_qmaxlen(message, LENGTH);
	mnl_attr_put_u32(message, NFQA_CFG_FLAGS, htonl(NFQA_CFG_F_GSO));
	mnl_attr_put_u32(message, NFQA_CFG_MASK, htonl(NFQA_CFG_F_GSO));
	if (send(fd, message, message->nlmsg_len, 0) < 0)
		return -1;
	setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &send_room,
		   sizeof(send_room));
	return setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &floor->receive,
			  sizeof(floor->receive));
}

struct packet {
	uint32_t
		number; /* as it stands in the message; 0 when it is no packet */
	uint8_t *bytes;
	uint16_t length;
};

static struct packet packet_of(const struct nlmsghdr *message)
{
	struct packet packet = { 0 };
	struct nlattr *attribute;

	if (NFNL_MSG_TYPE(message->nlmsg_type) != NFQNL_MSG_PACKET)
		return packet;
	mnl_attr_for_each(attribute, message, sizeof(struct nfgenmsg))
	{
		const struct nfqnl_msg_packet_hdr *head =
			mnl_attr_get_payload(attribute);

		if (mnl_attr_get_type(attribute) == NFQA_PACKET_HDR)
			packet.number = head->packet_id;
		if (mnl_attr_get_type(attribute) != NFQA_PAYLOAD)
			continue;
		packet.bytes = mnl_attr_get_payload(attribute);
		packet.length = mnl_attr_get_payload_len(attribute);
	}
	return packet;
}

static struct nlmsghdr *put_verdict(void *into, uint16_t queue, int type,
				    uint32_t number)
{
	struct nlmsghdr *message = nfq_nlmsg_put(into, type, queue);
	struct nfqnl_msg_verdict_hdr verdict = { .verdict = htonl(NF_ACCEPT),
						 .id = number };

	mnl_attr_put(message, NFQA_VERDICT_HDR, sizeof(verdict), &verdict);
	return message;
}

static int accept_all(int fd, uint16_t queue, int got)
{
	char text[256];
	struct nlmsghdr *message;
	uint32_t last = 0;

	for (int i = 0; i < got; i++) {
		uint32_t number = packet_of((void *)room[i]).number;

		if (number != 0)
			last = number;
	}
	if (last == 0)
		return 0;
	message = put_verdict(text, queue, NFQNL_MSG_VERDICT_BATCH, last);
	return send(fd, message, message->nlmsg_len, 0) < 0 ? -1 : 0;
}

static int hand_back(int fd, uint16_t queue, int got)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct msghdr all = { .msg_name = &kernel,
			      .msg_namelen = sizeof(kernel),
			      .msg_iov = answer };

	for (int i = 0; i < got; i++) {
		struct packet packet = packet_of((void *)room[i]);
		struct nlmsghdr *message;
		struct nlattr *payload;

		if (packet.number == 0)
			continue;
		message = put_verdict(packet.bytes - HEAD, queue,
				      NFQNL_MSG_VERDICT, packet.number);
		payload = mnl_nlmsg_get_payload_tail(message);
		payload->nla_type = NFQA_PAYLOAD;
		payload->nla_len = (uint16_t)(MNL_ATTR_HDRLEN + packet.length);
		message->nlmsg_len += (uint32_t)MNL_ALIGN(payload->nla_len);
		answer[all.msg_iovlen].iov_base = message;
		answer[all.msg_iovlen++].iov_len = message->nlmsg_len;
	}
	return all.msg_iovlen > 0 && sendmsg(fd, &all, 0) < 0 ? -1 : 0;
}

static const struct floor floors[] = {
	{ "null", 64, 64 << 20, accept_all },
	{ "echo", 65531, 256 << 10, hand_back },
};

static int serve(int fd, uint16_t queue, const struct floor *floor)
{
	while (!ending) {
		int got = recvmmsg(fd, batch, BATCH, MSG_WAITFORONE, NULL);

		if (got < 0 && errno != EINTR && errno != ENOBUFS)
			return -1;
		if (got > 0 && floor->answer(fd, queue, got) < 0)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = end };
	struct mnl_socket *socket = mnl_socket_open(NETLINK_NETFILTER);
	const struct floor *floor = NULL;
	uint16_t queue = argc == 3 ? (uint16_t)atoi(argv[2]) : 0;
	int fd;

	for (int i = 0; argc == 3 && i < 2; i++) {
		if (strcmp(argv[1], floors[i].name) == 0)
			floor = &floors[i];
	}
	if (floor == NULL || socket == NULL ||
	    mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		fputs("usage: floor null|echo QUEUE (as root)\n", stderr);
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
	if (configure(fd, queue, floor) == 0) {
		puts("ready");
		fflush(stdout);
		if (serve(fd, queue, floor) == 0)
			return 0;
	}
	perror("floor");
	return 1;
}
