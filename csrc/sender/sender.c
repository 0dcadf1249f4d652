/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sender.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test_header.h"

#ifndef PACKET_QDISC_BYPASS
#define PACKET_QDISC_BYPASS 20
#endif

enum { BATCH = 64, SECOND = 1000000000 };
/* A sender that was held up longer than this does not catch up. */
enum { PATIENCE = 200000 };

struct sender {
	const struct cdf_sender *request;
	uint8_t room[BATCH][sizeof(struct ethhdr) + MAX_LENGTH];
	struct mmsghdr batch[BATCH];
	struct iovec iov[BATCH];
	uint64_t sequence[MAX_FLOWS];
	uint32_t df_share;
};

static void prepare(struct sender *sender)
{
	const struct cdf_sender *request = sender->request;

	for (int i = 0; i < BATCH; i++) {
		struct frame *frame = (struct frame *)sender->room[i];

		memcpy(frame->ethernet.h_dest, request->mac, ETH_ALEN);
		memset(frame->ethernet.h_source, 2, ETH_ALEN);
		frame->ethernet.h_proto = htons(ETH_P_IP);
		frame->ip.version = 4;
		frame->ip.ihl = 5;
		frame->ip.ttl = 64;
		frame->ip.protocol = IPPROTO_UDP;
		frame->ip.tot_len = htons((uint16_t)request->length);
		frame->ip.daddr = request->destination;
		frame->udp.source = htons(TEST_PORT);
		frame->udp.dest = htons(TEST_PORT);
		frame->udp.len = htons(
			(uint16_t)(request->length - sizeof(struct iphdr)));
		frame->test.magic = htonl(TEST_MAGIC);
		sender->iov[i].iov_base = frame;
		sender->iov[i].iov_len =
			sizeof(struct ethhdr) + request->length;
		sender->batch[i].msg_hdr.msg_iov = &sender->iov[i];
		sender->batch[i].msg_hdr.msg_iovlen = 1;
	}
}

/* The bytes behind the test header are 0 and add nothing to the checksum. */
static void finish(struct frame *frame)
{
	size_t length = sizeof(frame->udp) + sizeof(frame->test);
	uint64_t sum = IPPROTO_UDP + ntohs(frame->udp.len);

	frame->ip.check = 0;
	frame->ip.check = htons(test_header_fold(
		test_header_sum(&frame->ip, sizeof(frame->ip))));
	frame->udp.check = 0;
	sum += test_header_sum(&frame->ip.saddr, 8);
	sum += test_header_sum(&frame->udp, length);
	frame->udp.check = htons(test_header_fold(sum));
	if (frame->udp.check == 0)
		frame->udp.check = 0xffff;
}

static void fill(struct sender *sender, int slot, uint64_t number)
{
	const struct cdf_sender *request = sender->request;
	struct frame *frame = (struct frame *)sender->room[slot];
	uint32_t flow = (uint32_t)(number % request->flows);

	sender->df_share += request->df;
	if (sender->df_share >= 100) {
		sender->df_share -= 100;
		frame->ip.frag_off = htons(IP_DF);
		/* An atomic datagram needs no identification (RFC 6864). */
		frame->ip.id = 0;
	} else {
		frame->ip.frag_off = 0;
		frame->ip.id = htons((uint16_t)(number | 1));
		if (request->apart)
			flow += MAX_FLOWS / 2;
	}
	frame->ip.saddr = htonl(ntohl(request->source) + flow);
	frame->test.flow = flow;
	frame->test.sequence = sender->sequence[flow]++;
	frame->test.sampled = htonl(number % request->sample == 0);
	frame->test.sent = test_header_now(CLOCK_REALTIME);
	finish(frame);
}

/* How many packets are due; waits, turning, until it is one at least. */
static unsigned int due(uint64_t rate, uint64_t *next, uint64_t *held)
{
	uint64_t gap, now;

	if (rate == 0)
		return BATCH;
	gap = SECOND / rate;
	do
		now = test_header_now(CLOCK_MONOTONIC);
	while (now < *next);
	if (now - *next > PATIENCE) {
		*held += now - *next;
		*next = now;
	}
	*next += gap;
	return 1;
}

/* All of them, whatever becomes of each. */
static int send_all(struct sender *sender, int fd, unsigned int want,
		    uint64_t *refused)
{
	unsigned int done = 0;

	while (done < want) {
		int took = sendmmsg(fd, sender->batch + done, want - done, 0);

		if (took > 0) {
			done += (unsigned int)took;
		} else if (errno == ENOBUFS || errno == EAGAIN) {
			(*refused)++;
			done++;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

static int send_until_end(struct sender *sender, int fd,
			  struct cdf_sender_result *result)
{
	const struct cdf_sender *request = sender->request;
	uint64_t start = test_header_now(CLOCK_MONOTONIC), next = start;
	uint64_t end = start + request->duration;
	int error = 0;

	while (error == 0 && result->sent < request->limit &&
	       test_header_now(CLOCK_MONOTONIC) < end) {
		unsigned int want = due(request->rate, &next, &result->held);

		if (request->limit - result->sent < want)
			want = (unsigned int)(request->limit - result->sent);
		for (unsigned int i = 0; i < want; i++)
			fill(sender, (int)i, result->sent + i);
		error = send_all(sender, fd, want, &result->refused);
		result->sent += want;
	}
	result->elapsed = test_header_now(CLOCK_MONOTONIC) - start;
	return error;
}

static int open_link(const char *device, const char **operation)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET };
	int fd, yes = 1, error;

	*operation = "find device";
	at.sll_ifindex = (int)if_nametoindex(device);
	if (at.sll_ifindex == 0)
		return -errno;
	*operation = "open packet socket";
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof(yes)) <
		    0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0) {
		error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

bool cdf_sender_is_valid(const struct cdf_sender *request)
{
	return request->length >=
		       sizeof(struct frame) - sizeof(struct ethhdr) &&
	       request->length <= MAX_LENGTH && request->flows >= 1 &&
	       request->flows <= MAX_FLOWS / 2 && request->df <= 100 &&
	       request->sample >= 1 && request->rate <= SECOND;
}

int cdf_sender_run(const struct cdf_sender *request,
		   struct cdf_sender_result *result, const char **operation)
{
	struct sender *sender;
	int fd, error;

	memset(result, 0, sizeof(*result));
	fd = open_link(request->device, operation);
	if (fd < 0)
		return fd;
	*operation = "send";
	sender = calloc(1, sizeof(*sender));
	if (sender == NULL) {
		close(fd);
		return -ENOMEM;
	}
	sender->request = request;
	prepare(sender);
	error = send_until_end(sender, fd, result);
	free(sender);
	close(fd);
	return error;
}
