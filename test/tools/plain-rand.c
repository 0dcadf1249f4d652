/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plain-rand QUEUE
 *
 * The classical loop that clear-df is measured beside: libnetfilter_queue's
 * nfq_* calls, one packet in, one verdict out, DF cleared and rand() as the
 * identification. Ends on SIGTERM. The transport checksum is made whole too,
 * because a forwarded packet of a veth peer comes without it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <libnetfilter_queue/libnetfilter_queue.h>

static volatile sig_atomic_t ending;

static void end(int signal)
{
	(void)signal;
	ending = 1;
}

static uint32_t add(uint32_t sum, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i + 1 < length; i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	if (length & 1)
		sum += (uint32_t)(bytes[length - 1] << 8);
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void finish_tcp(uint8_t *packet, struct iphdr *ip, size_t header)
{
	size_t length = ntohs(ip->tot_len) - header;
	struct tcphdr *tcp = (struct tcphdr *)(packet + header);
	uint32_t sum = IPPROTO_TCP + (uint32_t)length;

	if (ip->protocol != IPPROTO_TCP || length < sizeof(*tcp))
		return;
	tcp->check = 0;
	sum = add(sum, (uint8_t *)&ip->saddr, 8);
	tcp->check = fold(add(sum, packet + header, length));
}

static int mangle(struct nfq_q_handle *queue, struct nfgenmsg *message,
		  struct nfq_data *data, void *unused)
{
	struct nfqnl_msg_packet_hdr *head = nfq_get_msg_packet_hdr(data);
	uint8_t *packet;
	int length = nfq_get_payload(data, &packet);
	struct iphdr *ip = (struct iphdr *)packet;

	(void)message;
	(void)unused;
	if (length >= (int)sizeof(*ip) && ip->version == 4) {
		size_t header = ip->ihl * 4u;

		ip->frag_off &= htons(0xbfff);
		ip->id = htons((uint16_t)rand());
		ip->check = 0;
		ip->check = fold(add(0, packet, header));
		finish_tcp(packet, ip, header);
	}
	return nfq_set_verdict(queue, ntohl(head->packet_id), NF_ACCEPT,
			       (uint32_t)length, packet);
}

int main(int argc, char **argv)
{
	static char buffer[1 << 17] __attribute__((aligned(8)));
	struct sigaction action = { .sa_handler = end };
	struct nfq_handle *handle = nfq_open();
	struct nfq_q_handle *queue;

	if (argc < 2 || !handle) {
		fputs("usage: plain-rand QUEUE (as root)\n", stderr);
		return 2;
	}
	srand((unsigned int)time(NULL));
	sigaction(SIGTERM, &action, NULL);
	queue = nfq_create_queue(handle, (uint16_t)atoi(argv[1]), mangle, NULL);
	if (!queue || nfq_set_mode(queue, NFQNL_COPY_PACKET, 0xffff) < 0) {
		perror("plain-rand");
		return 1;
	}
	nfq_set_queue_maxlen(queue, 65536);
	nfnl_rcvbufsiz(nfq_nfnlh(handle), 32 << 20);
	fputs("ready\n", stderr);
	while (!ending) {
		ssize_t got = recv(nfq_fd(handle), buffer, sizeof(buffer), 0);

		if (got >= 0)
			nfq_handle_packet(handle, buffer, (int)got);
		else if (errno != ENOBUFS && errno != EINTR)
			break;
	}
	nfq_destroy_queue(queue);
	nfq_close(handle);
	return 0;
}
