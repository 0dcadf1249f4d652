/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any answers from netlink, through binding, queue, loop, answer and drain. The
 * socket calls are this file's own, which link before those of libc: what is
 * received comes from the input, what is sent is checked.
 *
 * The input is a row of records: a byte that says what happens, and for a
 * datagram its length (two bytes) and its bytes.
 */
#include <assert.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "known_packets.h"
#include "no_socket.h"
#include "queue/drain.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

/* What a record's first byte says. */
enum { FAILS = 2, SEND_FAILS = 4, PAUSE = 8, YES = 16 };

static const uint8_t *input;
static size_t left;
static bool refuse_sends;
static uint32_t asked; /* sequence number of the last request */
static uint64_t sends;

static uint8_t next_byte(void)
{
	if (left == 0)
		return PAUSE;
	left--;
	return *input++;
}

/* @return a datagram's length, or -1 with errno set */
static ssize_t receive(uint8_t *into, size_t room)
{
	static const int errors[] = { EAGAIN, ENOBUFS, EINTR, EAGAIN };
	uint8_t what = next_byte();
	size_t length;

	refuse_sends = (what & SEND_FAILS) != 0;
	if (what & (FAILS | PAUSE) || left < 2) {
		errno = what & FAILS ? errors[what >> 6] : EAGAIN;
		return -1;
	}
	length = input[0] | (size_t)input[1] << 8;
	input += 2;
	left -= 2;
	if (length > left)
		length = left;
	if (length > room)
		length = room;
	memcpy(into, input, length);
	input += length;
	left -= length;
	return (ssize_t)length;
}

int recvmmsg(int fd, struct mmsghdr *message, unsigned int count, int flags,
	     struct timespec *timeout)
{
	unsigned int i;

	(void)fd, (void)flags, (void)timeout;
	known_count = 0;
	for (i = 0; i < count; i++) {
		struct msghdr *header = &message[i].msg_hdr;
		ssize_t length = receive(header->msg_iov->iov_base,
					 header->msg_iov->iov_len);

		if (length < 0)
			break;
		message[i].msg_len = (unsigned int)length;
		note_packets(header->msg_iov->iov_base, (size_t)length);
	}
	return i == 0 ? -1 : (int)i;
}

/* Once the input is used up the kernel says yes, so that nothing is waited for. */
static ssize_t say_yes(uint8_t *into)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(into);
	struct nlmsgerr *error =
		mnl_nlmsg_put_extra_header(nlh, sizeof(*error));

	nlh->nlmsg_type = NLMSG_ERROR;
	error->error = 0;
	error->msg.nlmsg_seq = asked;
	return (ssize_t)nlh->nlmsg_len;
}

ssize_t recvfrom(int fd, void *into, size_t room, int flags,
		 struct sockaddr *from, socklen_t *size)
{
	(void)fd, (void)flags, (void)from, (void)size;
	if (left > 0 && !(*input & YES))
		return receive(into, room);
	next_byte();
	return say_yes(into);
}

/* Whatever was received: what goes out are whole verdicts and settings. */
static void check(const struct iovec *iov, bool taken)
{
	const struct nlmsghdr *nlh = iov->iov_base;
	const struct nlattr *attribute;
	const struct nfqnl_msg_verdict_hdr *verdict;
	uint32_t id = 0;

	assert(iov->iov_len <= INT32_MAX);
	assert(mnl_nlmsg_ok(nlh, (int)iov->iov_len));
	assert(nlh->nlmsg_len == iov->iov_len);
	/* The next message of the same send begins behind it. */
	assert(iov->iov_len % MNL_ALIGNTO == 0);
	assert(nlh->nlmsg_type >> 8 == NFNL_SUBSYS_QUEUE);
	if ((nlh->nlmsg_type & 0xff) == NFQNL_MSG_CONFIG)
		asked = nlh->nlmsg_seq;
	if ((nlh->nlmsg_type & 0xff) != NFQNL_MSG_VERDICT)
		return;
	mnl_attr_for_each(attribute, nlh, sizeof(struct nfgenmsg))
	{
		verdict = mnl_attr_get_payload(attribute);
		if (mnl_attr_get_type(attribute) == NFQA_VERDICT_HDR)
			id = verdict->id;
	}
	mnl_attr_for_each(attribute, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attribute) == NFQA_PAYLOAD)
			check_packet(attribute, id);
	}
	check_waiting(id, taken);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	ssize_t sent = 0;

	(void)fd, (void)flags;
	assert(message->msg_iovlen > 0);
	for (size_t i = 0; i < message->msg_iovlen; i++) {
		check(&message->msg_iov[i], !refuse_sends);
		sent += (ssize_t)message->msg_iov[i].iov_len;
	}
	sends++;
	errno = ENOBUFS;
	return refuse_sends ? -1 : sent;
}

ssize_t sendto(int fd, const void *data, size_t length, int flags,
	       const struct sockaddr *to, socklen_t size)
{
	const struct iovec iov = { (void *)data, length };

	(void)fd, (void)flags, (void)to, (void)size;
	check(&iov, true);
	return (ssize_t)length;
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	(void)fds, (void)count, (void)timeout;
	return 0;
}

int nanosleep(const struct timespec *pause, struct timespec *rest)
{
	(void)pause, (void)rest;
	refuse_sends = false;
	return 0;
}

static void ignore(void *context, const struct cdf_fault *fault)
{
	(void)context;
	assert(fault->count > 0 && fault->kind < CDF_FAULT_COUNT);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const struct cdf_queue_options options = { 65531, 1u << 20,
							  65536, true, true };
	static struct cdf_identifier *identifier;
	static struct cdf_companion companion;
	static struct cdf_loop loop;
	struct cdf_setting settings[CDF_SETTING_COUNT];
	struct cdf_loop_rules rules = { .companion = &companion,
					.batch = CDF_BATCH,
					.on_fault = ignore };
	const uint64_t *value = loop.counters.value;
	struct cdf_queue *queue;

	if (identifier == NULL) {
		identifier = cdf_identifier_new(CDF_IDENTIFICATION_RANDOM);
		cdf_companion_start(&companion, 9);
		companion.kernel = -1;
	}
	rules.identifier = identifier;
	input = bytes;
	left = size;
	refuse_sends = false;
	waiting_count = 0;
	too_many = false;
	if (cdf_queue_open(&queue, 1, &options, settings) < 0)
		return 0;
	cdf_queue_release(queue);
	cdf_loop_start(&loop, queue, -1, &rules, true);
	while (left > 0)
		cdf_loop_turn(&loop);
	cdf_loop_drain(&loop);
	assert(value[CDF_verdicts] == value[CDF_packets]);
	assert(value[CDF_packets] == 0 || sends > 0);
	cdf_queue_close(queue);
	return 0;
}
