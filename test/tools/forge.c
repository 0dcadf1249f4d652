/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * forge PORT-ID
 *
 * Sends to another process's netlink socket what only the kernel should: a
 * refused verdict (EPERM), a packet with a number far ahead, and a message that
 * is none. Prints why it could not.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct refusal {
	struct nlmsghdr header;
	struct nlmsgerr error;
};

struct packet {
	struct nlmsghdr header;
	struct nfgenmsg general;
	struct nlattr attribute;
	struct nfqnl_msg_packet_hdr packet;
} __attribute__((packed));

int main(int argc, char **argv)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK };
	struct refusal refusal = {
		.header = { sizeof(refusal), NLMSG_ERROR, 0, 0, 0 },
		.error = { .error = -1 },
	};
	struct packet packet = {
		.header = { sizeof(packet),
			    NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET, 0, 0,
			    0 },
		.attribute = { sizeof(packet.attribute) + sizeof(packet.packet),
			       NFQA_PACKET_HDR },
		.packet = { .packet_id = htonl(2000000000) },
	};
	const struct iovec message[] = {
		{ &refusal, sizeof(refusal) },
		{ &packet, sizeof(packet) },
		{ "no message at all", 17 },
	};
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);

	if (argc < 2 || fd < 0)
		return 2;
	to.nl_pid = (unsigned int)strtoul(argv[1], NULL, 10);
	for (size_t i = 0; i < sizeof(message) / sizeof(message[0]); i++) {
		if (sendto(fd, message[i].iov_base, message[i].iov_len, 0,
			   (struct sockaddr *)&to, sizeof(to)) < 0)
			printf("forge: %s\n", strerror(errno));
	}
	return 0;
}
