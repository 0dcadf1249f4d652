/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pour DEVICE MAC SOURCE DESTINATION LENGTH SECONDS RATE FLOWS DF APART SAMPLE
 *      COUNT
 *
 * Sends UDP datagrams of LENGTH bytes (IP header included) to the router whose
 * device has the address MAC, written to the link as whole frames: this end then
 * costs as little as it can, and checksums are complete, as they are in a packet
 * that came in by a wire. RATE is packets per second, 0 as many as go. FLOWS
 * source addresses from SOURCE on take turns. DF percent of the packets have DF
 * set, evenly spread; with APART 1 the others have sources of their own, because a
 * rule that queues only some packets lets the others overtake. One of SAMPLE is marked for `tap`. Ends after SECONDS, or
 * after COUNT packets unless that is 0, and prints what it sent as JSON.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "stamp.h"

#ifndef PACKET_QDISC_BYPASS
#define PACKET_QDISC_BYPASS 20
#endif

enum { BATCH = 64, SECOND = 1000000000 };
/* A sender that was held up longer than this does not catch up. */
enum { PATIENCE = 200000 };

struct load {
	uint32_t source;
	size_t length;
	uint64_t rate;
	uint32_t flows;
	uint32_t df;
	uint32_t apart;
	uint64_t sample;
	uint64_t limit;
	uint64_t duration;
};

static uint8_t room[BATCH][sizeof(struct ethhdr) + MAX_LENGTH];
static struct mmsghdr batch[BATCH];
static struct iovec iov[BATCH];
static uint64_t sequence[MAX_FLOWS];
static uint32_t df_share;

static void prepare(const struct load *load, const uint8_t mac[ETH_ALEN],
		    uint32_t destination)
{
	for (int i = 0; i < BATCH; i++) {
		struct frame *frame = (struct frame *)room[i];

		memcpy(frame->ethernet.h_dest, mac, ETH_ALEN);
		memset(frame->ethernet.h_source, 2, ETH_ALEN);
		frame->ethernet.h_proto = htons(ETH_P_IP);
		frame->ip.version = 4;
		frame->ip.ihl = 5;
		frame->ip.ttl = 64;
		frame->ip.protocol = IPPROTO_UDP;
		frame->ip.tot_len = htons((uint16_t)load->length);
		frame->ip.daddr = destination;
		frame->udp.source = htons(STAMP_PORT);
		frame->udp.dest = htons(STAMP_PORT);
		frame->udp.len =
			htons((uint16_t)(load->length - sizeof(struct iphdr)));
		frame->stamp.magic = htonl(STAMP_MAGIC);
		iov[i].iov_base = frame;
		iov[i].iov_len = sizeof(struct ethhdr) + load->length;
		batch[i].msg_hdr.msg_iov = &iov[i];
		batch[i].msg_hdr.msg_iovlen = 1;
	}
}

/* The bytes behind the stamp are 0 and add nothing to the checksum. */
static void finish(struct frame *frame)
{
	size_t length = sizeof(frame->udp) + sizeof(frame->stamp);
	uint64_t sum = IPPROTO_UDP + ntohs(frame->udp.len);

	frame->ip.check = 0;
	frame->ip.check =
		htons(stamp_fold(stamp_sum(&frame->ip, sizeof(frame->ip))));
	frame->udp.check = 0;
	sum += stamp_sum(&frame->ip.saddr, 8);
	sum += stamp_sum(&frame->udp, length);
	frame->udp.check = htons(stamp_fold(sum));
	if (frame->udp.check == 0)
		frame->udp.check = 0xffff;
}

static void fill(const struct load *load, int slot, uint64_t number)
{
	struct frame *frame = (struct frame *)room[slot];
	uint32_t flow = (uint32_t)(number % load->flows);

	df_share += load->df;
	if (df_share >= 100) {
		df_share -= 100;
		frame->ip.frag_off = htons(IP_DF);
		/* An atomic datagram needs no identification (RFC 6864). */
		frame->ip.id = 0;
	} else {
		frame->ip.frag_off = 0;
		frame->ip.id = htons((uint16_t)(number | 1));
		if (load->apart)
			flow += MAX_FLOWS / 2;
	}
	frame->ip.saddr = htonl(load->source + flow);
	frame->stamp.flow = flow;
	frame->stamp.sequence = sequence[flow]++;
	frame->stamp.sampled = htonl(number % load->sample == 0);
	frame->stamp.sent = stamp_now(CLOCK_REALTIME);
	finish(frame);
}

/* How many packets are due; waits, turning, until it is one at least. */
static unsigned int due(const struct load *load, uint64_t *next, uint64_t *held)
{
	uint64_t gap, now;

	if (load->rate == 0)
		return BATCH;
	gap = SECOND / load->rate;
	do
		now = stamp_now(CLOCK_MONOTONIC);
	while (now < *next);
	if (now - *next > PATIENCE) {
		*held += now - *next;
		*next = now;
	}
	*next += gap;
	return 1;
}

static int pour(const struct load *load, int fd)
{
	uint64_t start = stamp_now(CLOCK_MONOTONIC), next = start, held = 0;
	uint64_t sent = 0, refused = 0, end = start + load->duration;

	while (sent < load->limit && stamp_now(CLOCK_MONOTONIC) < end) {
		unsigned int want = due(load, &next, &held), done = 0;

		if (load->limit - sent < want)
			want = (unsigned int)(load->limit - sent);
		for (unsigned int i = 0; i < want; i++)
			fill(load, (int)i, sent + i);
		while (done < want) {
			int took = sendmmsg(fd, batch + done, want - done, 0);

			if (took > 0) {
				done += (unsigned int)took;
			} else if (errno == ENOBUFS || errno == EAGAIN) {
				/* The link dropped it, and says so. */
				refused++;
				done++;
			} else if (errno != EINTR) {
				perror("pour: sendmmsg");
				return 1;
			}
		}
		sent += want;
	}
	printf("{\"sent\":%llu,\"refused\":%llu,\"seconds\":%.6f,"
	       "\"heldSeconds\":%.6f}\n",
	       (unsigned long long)sent, (unsigned long long)refused,
	       (double)(stamp_now(CLOCK_MONOTONIC) - start) / SECOND,
	       (double)held / SECOND);
	return 0;
}

static int open_link(const char *device)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET };
	int fd = socket(AF_PACKET, SOCK_RAW, 0), yes = 1;

	at.sll_ifindex = (int)if_nametoindex(device);
	if (fd < 0 || at.sll_ifindex == 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof(yes)) <
		    0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0) {
		perror(device);
		return -1;
	}
	return fd;
}

static int is_sound(const struct load *load)
{
	return load->length >= sizeof(struct frame) - sizeof(struct ethhdr) &&
	       load->length <= MAX_LENGTH && load->flows >= 1 &&
	       load->flows <= MAX_FLOWS / 2 && load->df <= 100 &&
	       load->sample >= 1 && load->rate <= SECOND;
}

int main(int argc, char **argv)
{
	struct in_addr source, destination;
	struct load load;
	uint8_t mac[ETH_ALEN];
	int fd;

	if (argc != 13 ||
	    sscanf(argv[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1],
		   &mac[2], &mac[3], &mac[4], &mac[5]) != ETH_ALEN ||
	    inet_pton(AF_INET, argv[3], &source) != 1 ||
	    inet_pton(AF_INET, argv[4], &destination) != 1) {
		fputs("usage: pour DEVICE MAC SOURCE DESTINATION LENGTH "
		      "SECONDS RATE FLOWS DF APART SAMPLE COUNT\n",
		      stderr);
		return 2;
	}
	load.source = ntohl(source.s_addr);
	load.length = strtoul(argv[5], NULL, 10);
	load.duration = (uint64_t)(atof(argv[6]) * SECOND);
	load.rate = strtoull(argv[7], NULL, 10);
	load.flows = (uint32_t)strtoul(argv[8], NULL, 10);
	load.df = (uint32_t)strtoul(argv[9], NULL, 10);
	load.apart = (uint32_t)strtoul(argv[10], NULL, 10);
	load.sample = strtoull(argv[11], NULL, 10);
	load.limit = strtoull(argv[12], NULL, 10);
	if (load.limit == 0)
		load.limit = UINT64_MAX;
	if (!is_sound(&load)) {
		fputs("pour: LENGTH, RATE, FLOWS, DF or SAMPLE is out of "
		      "range\n",
		      stderr);
		return 2;
	}
	fd = open_link(argv[1]);
	if (fd < 0)
		return 1;
	prepare(&load, mac, destination.s_addr);
	return pour(&load, fd);
}
