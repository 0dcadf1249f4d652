/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * article QUEUE
 *
 * The way that articles about NFQUEUE show: nfq_open(), a callback, one packet
 * received, one verdict sent with the whole packet in it, buffers and queue as
 * the kernel gives them, rand() for the identification. The first error of recv()
 * ends it, ENOBUFS too, which is what a receive buffer that ran over says. At its
 * end it prints as JSON how many packets it answered, what CPU time it took and
 * why it ended.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <netinet/ip.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include <libnetfilter_queue/libnetfilter_queue.h>

static char room[65536 + 4096] __attribute__((aligned(8)));
static unsigned long long answered;

static void interrupt_recv(int signal)
{
	(void)signal;
}

static uint16_t header_checksum(const struct iphdr *ip)
{
	const uint16_t *word = (const uint16_t *)ip;
	uint32_t sum = 0;

	for (unsigned int i = 0; i < ip->ihl * 2u; i++)
		sum += word[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static int on_packet(struct nfq_q_handle *queue, struct nfgenmsg *message,
		     struct nfq_data *packet, void *context)
{
	struct nfqnl_msg_packet_hdr *head = nfq_get_msg_packet_hdr(packet);
	unsigned char *bytes;
	int length = nfq_get_payload(packet, &bytes);
	struct iphdr *ip = (struct iphdr *)bytes;

	(void)message;
	(void)context;
	if (length >= (int)sizeof(*ip) && (ip->frag_off & htons(IP_DF))) {
		ip->frag_off &= htons((uint16_t)~IP_DF);
		ip->id = (uint16_t)(1 + rand() % 65535);
		ip->check = 0;
		ip->check = header_checksum(ip);
	}
	answered++;
	return nfq_set_verdict(queue, ntohl(head->packet_id), NF_ACCEPT,
			       (uint32_t)length, bytes);
}

static double cpu_seconds(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
	/* Without SA_RESTART, so that recv() comes back. */
	struct sigaction end = { .sa_handler = interrupt_recv };
	struct nfq_handle *handle = nfq_open();
	struct nfq_q_handle *queue = NULL;
	ssize_t length;

	sigaction(SIGTERM, &end, NULL);
	srand((unsigned int)time(NULL));
	if (argc == 2 && handle != NULL)
		queue = nfq_create_queue(handle, (uint16_t)atoi(argv[1]),
					 on_packet, NULL);
	if (queue == NULL ||
	    nfq_set_mode(queue, NFQNL_COPY_PACKET, 0xffff) < 0) {
		fputs("usage: article QUEUE (as root, the queue free)\n",
		      stderr);
		return 2;
	}
	puts("ready");
	fflush(stdout);
	do {
		length = recv(nfq_fd(handle), room, sizeof(room), 0);
		if (length >= 0)
			nfq_handle_packet(handle, room, (int)length);
	} while (length >= 0);
	printf("{\"answered\":%llu,\"cpuSeconds\":%.6f,\"error\":\"%s\"}\n",
	       answered, cpu_seconds(), strerrorname_np(errno));
	nfq_destroy_queue(queue);
	nfq_close(handle);
	return 0;
}
