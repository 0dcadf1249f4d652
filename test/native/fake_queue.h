/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A netfilter queue without a kernel, in place of csrc/queue/queue.c: packets
 * that wait, what was decided of each, and the kernel's line on both queues. It
 * refuses and fails when it is told to. */
#ifndef FAKE_QUEUE_H
#define FAKE_QUEUE_H

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "packets.h"
#include "queue/queue.h"

#define QUEUE 7
#define COMPANION 8
#define PORT 4242
#define PACKETS_MAX 4096

enum fate { NOWHERE, WAITS, ACCEPTED, CLEARED, SENT_ON };

/* SEGMENTED: by the kernel, and nobody here can finish it. */
enum kind { WITH_DF, WITHOUT_DF, SEGMENTED };

/* What the kernel does with what is sent on. */
enum fake_companion { TAKES, DROPS, IS_FULL, IS_UNBOUND };

static struct {
	enum fate fate[PACKETS_MAX + 1]; /* by number; the first is 1 */
	enum kind kind[PACKETS_MAX + 1];
	unsigned int verdicts[PACKETS_MAX + 1];
	uint32_t decided; /* the last one */
	bool unordered;
	uint32_t numbers, next; /* given so far; to be received */
	unsigned int sends, rebinds;
	/* Of the next calls of cdf_queue_send(): refused with this. */
	unsigned int refused;
	int refusal;
	size_t longest; /* more messages at once are refused with -EMSGSIZE */
	int received;	/* 0, or an error that the next receive has */
	unsigned int failing; /* times that it has it */
	bool held, mute;      /* mute: no line about this queue */
	enum fake_companion companion;
	uint32_t sent_on, dropped; /* the companion's counters */
	uint32_t user_dropped;	   /* this queue's */
	int rebound; /* 0, or an error that cdf_queue_rebind() has */
	bool taken;  /* and the queue was not ours meanwhile */
	struct cdf_strays strays;
	_Alignas(8) char buffer[CDF_BATCH][256];
	int table; /* the kernel's lines */
} fake;

static unsigned int count_of(enum fate fate)
{
	unsigned int count = 0;

	for (uint32_t i = 1; i <= fake.numbers; i++)
		count += fake.fate[i] == fate;
	return count;
}

static void write_table(void)
{
	char text[256];
	int length = 0;

	if (!fake.mute)
		length += snprintf(text, sizeof(text),
				   "%5u %6u %5u 2 65531 0 %5u %8u  1\n", QUEUE,
				   PORT, count_of(WAITS), fake.user_dropped,
				   fake.numbers);
	if (fake.companion != IS_UNBOUND)
		length += snprintf(text + length, sizeof(text) - (size_t)length,
				   "%5u %6u %5u 2 65531 %5u 0 %8u  1\n",
				   COMPANION, PORT, 0, fake.dropped,
				   fake.sent_on);
	if (ftruncate(fake.table, 0) < 0 ||
	    pwrite(fake.table, text, (size_t)length, 0) != length)
		abort();
}

/* So many more packets wait. */
static void arrive(unsigned int count, enum kind kind)
{
	while (count-- > 0) {
		fake.fate[++fake.numbers] = WAITS;
		fake.kind[fake.numbers] = kind;
	}
	write_table();
}

/* So many calls of cdf_queue_send() fail. */
static inline void refuse(unsigned int calls, int error)
{
	fake.refused = calls;
	fake.refusal = error;
}

/* So many of cdf_queue_receive() do. */
static inline void fail_receiving(unsigned int calls, int error)
{
	fake.failing = calls;
	fake.received = error;
}

static void fake_start(void)
{
	if (fake.table > 0)
		close(fake.table);
	memset(&fake, 0, sizeof(fake));
	fake.next = 1;
	fake.longest = CDF_BATCH;
	fake.table = memfd_create("nfnetlink_queue", 0);
	write_table();
}

static void decide(uint32_t number, enum fate fate)
{
	fake.unordered |= number < fake.decided;
	fake.decided = number;
	fake.verdicts[number]++;
	fake.fate[number] = fate;
}

static void send_on(uint32_t number)
{
	decide(number, SENT_ON);
	if (fake.companion == TAKES)
		fake.sent_on++;
	if (fake.companion == IS_FULL)
		fake.dropped++;
	if (fake.companion == IS_UNBOUND)
		fake.fate[number] = ACCEPTED;
}

static void take_verdict(const struct iovec *iov)
{
	const struct nlmsghdr *nlh = iov->iov_base;
	const uint8_t *data = iov->iov_base;
	uint32_t verdict, number;

	memcpy(&verdict, data + 24, 4);
	memcpy(&number, data + 28, 4);
	verdict = ntohl(verdict);
	number = ntohl(number);
	if ((nlh->nlmsg_type & 0xff) == NFQNL_MSG_VERDICT_BATCH) {
		for (uint32_t i = 1; i <= number && i <= fake.numbers; i++) {
			if (fake.fate[i] == WAITS)
				decide(i, ACCEPTED);
		}
	} else if ((verdict & NF_VERDICT_MASK) == NF_QUEUE) {
		send_on(number);
	} else {
		decide(number,
		       iov->iov_len > CDF_VERDICT_SIZE ? CLEARED : ACCEPTED);
	}
}

int cdf_queue_send(struct cdf_queue *queue, const struct iovec *iov,
		   size_t count)
{
	(void)queue;
	fake.sends++;
	if (fake.refused > 0) {
		fake.refused--;
		return fake.refusal;
	}
	if (count > fake.longest)
		return -EMSGSIZE;
	for (size_t i = 0; i < count; i++)
		take_verdict(&iov[i]);
	write_table();
	return 0;
}

/* As the kernel hands it over. */
static size_t put_message(char *into, uint32_t number)
{
	enum kind kind = fake.kind[number];
	struct nfqnl_msg_packet_hdr header = { htonl(number), htons(0x0800),
					       NF_INET_FORWARD };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(into);
	struct nfgenmsg *general;
	uint8_t packet[40] = { 0 };

	put_ipv4(packet, 40, 9, kind == WITHOUT_DF ? 0 : DF,
		 kind == SEGMENTED ? 132 : 17);
	nlh->nlmsg_type = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET;
	general = mnl_nlmsg_put_extra_header(nlh, sizeof(*general));
	general->nfgen_family = AF_INET;
	general->res_id = htons(QUEUE);
	mnl_attr_put(nlh, NFQA_PACKET_HDR, sizeof(header), &header);
	if (kind == SEGMENTED)
		mnl_attr_put_u32(nlh, NFQA_SKB_INFO, htonl(NFQA_SKB_GSO));
	mnl_attr_put(nlh, NFQA_PAYLOAD, sizeof(packet), packet);
	return nlh->nlmsg_len;
}

int cdf_queue_receive(struct cdf_queue *queue, struct cdf_datagram *datagram,
		      unsigned int want)
{
	int count = 0;

	(void)queue;
	if (fake.failing > 0) {
		fake.failing--;
		return fake.received;
	}
	for (; count < (int)want && fake.next <= fake.numbers; count++) {
		datagram[count].data = fake.buffer[count];
		datagram[count].length =
			put_message(fake.buffer[count], fake.next);
		fake.next++;
	}
	return count > 0 ? count : -EAGAIN;
}

uint16_t cdf_queue_number(const struct cdf_queue *queue)
{
	(void)queue;
	return QUEUE;
}

uint32_t cdf_queue_port(const struct cdf_queue *queue)
{
	(void)queue;
	return PORT;
}

int cdf_queue_fd(const struct cdf_queue *queue)
{
	(void)queue;
	return -1;
}

int cdf_queue_hold(struct cdf_queue *queue)
{
	(void)queue;
	fake.held = true;
	return 0;
}

struct cdf_strays cdf_queue_strays(struct cdf_queue *queue)
{
	struct cdf_strays strays = fake.strays;

	(void)queue;
	fake.strays = (struct cdf_strays){ 0 };
	return strays;
}

int cdf_queue_rebind(struct cdf_queue *queue, bool *still_ours)
{
	(void)queue;
	fake.rebinds++;
	*still_ours = !fake.taken;
	return fake.rebound;
}

int cdf_queue_backlog(const struct cdf_queue *queue, uint32_t *taken,
		      uint32_t *room)
{
	(void)queue;
	*taken = 0;
	*room = 1u << 20;
	return 0;
}

void cdf_queue_trim(struct cdf_queue *queue)
{
	(void)queue;
}

void cdf_queue_shorten(struct cdf_queue *queue, uint32_t bytes)
{
	(void)queue, (void)bytes;
}

void cdf_queue_lengthen(struct cdf_queue *queue)
{
	(void)queue;
}

int cdf_queue_fail_open(struct cdf_queue *queue, bool on)
{
	(void)queue, (void)on;
	return 0;
}

#endif
