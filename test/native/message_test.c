/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nfnetlink_queue messages: read as the kernel writes them, answered in place. */
#include "queue/message.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <string.h>
#include <sys/socket.h>

#include "queue/loss.h"
#include "tap.h"

static _Alignas(8) char buffer[4096];

static struct nlmsghdr *start(uint8_t family, uint8_t hook)
{
	struct nfqnl_msg_packet_hdr header = { htonl(0xfffffffe), htons(0x0800),
					       hook };
	struct nlmsghdr *nlh;
	struct nfgenmsg *general;

	memset(buffer, 0xee, sizeof(buffer));
	nlh = mnl_nlmsg_put_header(buffer);
	nlh->nlmsg_type = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET;
	general = mnl_nlmsg_put_extra_header(nlh, sizeof(*general));
	general->nfgen_family = family;
	general->res_id = htons(7);
	mnl_attr_put(nlh, NFQA_PACKET_HDR, sizeof(header), &header);
	return nlh;
}

static void read_one(const struct nlmsghdr *nlh, struct cdf_message *message)
{
	struct cdf_datagram datagram = { buffer, nlh->nlmsg_len };

	ok(cdf_message_next(&datagram, message) && datagram.length == 0,
	   "one whole message is taken off");
}

static void put_payload(struct nlmsghdr *nlh, size_t length)
{
	char bytes[2000];

	for (size_t i = 0; i < length; i++)
		bytes[i] = (char)(i + 1);
	mnl_attr_put(nlh, NFQA_PAYLOAD, length, bytes);
}

static void reading(void)
{
	struct nlmsghdr *nlh = start(AF_INET, NF_INET_FORWARD);
	struct cdf_message message;

	mnl_attr_put_u32(nlh, NFQA_SKB_INFO,
			 htonl(NFQA_SKB_GSO | NFQA_SKB_CSUM_NOTVERIFIED));
	mnl_attr_put_u32(nlh, NFQA_CAP_LEN, htonl(101));
	put_payload(nlh, 100);
	read_one(nlh, &message);
	ok(message.kind == CDF_MESSAGE_PACKET &&
		   message.packet_id == 0xfffffffe &&
		   message.packet.length == 100 &&
		   message.packet.original_length == 101 &&
		   message.packet.skb_flags == CDF_GSO &&
		   message.packet.place == CDF_LEAVES,
	   "id, lengths, flags and place are read");

	read_one(start(AF_INET, NF_INET_PRE_ROUTING), &message);
	ok(message.kind == CDF_MESSAGE_PACKET && message.packet.length == 0 &&
		   message.packet.place == CDF_MAY_STAY,
	   "a packet at PREROUTING may stay, one without payload is empty");
	read_one(start(AF_BRIDGE, NF_INET_FORWARD), &message);
	ok(message.packet.place == CDF_BRIDGE_LEAVES,
	   "the bridge family is told apart");
	read_one(start(AF_BRIDGE, NF_INET_LOCAL_IN), &message);
	ok(message.packet.place == CDF_BRIDGE_MAY_STAY,
	   "... with its own place to stay");
}

static void refusing(void)
{
	struct nlmsghdr *nlh = start(AF_INET, NF_INET_FORWARD);
	struct cdf_message message;

	nlh->nlmsg_len = MNL_NLMSG_HDRLEN;
	read_one(nlh, &message);
	ok(message.kind == CDF_MESSAGE_BAD, "a header alone is bad");
	nlh->nlmsg_len = MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg);
	read_one(nlh, &message);
	ok(message.kind == CDF_MESSAGE_BAD, "a packet without id is bad");
	nlh->nlmsg_type = NLMSG_ERROR;
	read_one(nlh, &message);
	ok(message.kind == CDF_MESSAGE_BAD, "a cut error is bad");
	nlh->nlmsg_type = NLMSG_DONE;
	read_one(nlh, &message);
	ok(message.kind == CDF_MESSAGE_OTHER, "others are let be");
}

static void kernel_errors(void)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct nlmsgerr *error;
	struct cdf_message message;

	nlh->nlmsg_type = NLMSG_ERROR;
	error = mnl_nlmsg_put_extra_header(nlh, sizeof(*error));
	error->error = -2;
	error->msg.nlmsg_seq = 42;
	read_one(nlh, &message);
	ok(message.kind == CDF_MESSAGE_ERROR && message.error == -2 &&
		   message.sequence == 42,
	   "the kernel's refusal is read");
}

/* The verdict has to be what the kernel's own parser expects: checked field by
 * field by libmnl, which did not write it. */
static void answering_in_place(void)
{
	for (size_t length = 97; length <= 100; length++) {
		struct nlmsghdr *nlh = start(AF_INET, NF_INET_FORWARD);
		const struct nfqnl_msg_verdict_hdr *verdict;
		const struct nlattr *attr, *payload;
		struct cdf_message message;
		size_t bytes,
			expected = CDF_VERDICT_HEADROOM + (length + 3) / 4 * 4;
		char *end;

		put_payload(nlh, length);
		read_one(nlh, &message);
		end = (char *)message.packet.data + length;
		nlh = cdf_message_write_edited(&message, 7, &bytes);
		attr = mnl_nlmsg_get_payload_offset(nlh,
						    sizeof(struct nfgenmsg));
		verdict = mnl_attr_get_payload(attr);
		payload = mnl_attr_next(attr);
		ok(bytes == expected && nlh->nlmsg_len == expected &&
			   nlh->nlmsg_type == (NFNL_SUBSYS_QUEUE << 8 |
					       NFQNL_MSG_VERDICT) &&
			   mnl_attr_get_type(attr) == NFQA_VERDICT_HDR &&
			   ntohl(verdict->id) == 0xfffffffe &&
			   ntohl(verdict->verdict) == NF_ACCEPT &&
			   mnl_attr_get_type(payload) == NFQA_PAYLOAD &&
			   mnl_attr_get_payload_len(payload) == length &&
			   mnl_attr_get_payload(payload) ==
				   (void *)message.packet.data &&
			   (char *)message.packet.data + length == end &&
			   message.packet.data[0] == 1 &&
			   message.packet.data[length - 1] == (uint8_t)length,
		   "%zu bytes go back as %zu, unmoved", length, length);
	}
}

static void no_headroom(void)
{
	struct cdf_message message = { .headroom = CDF_VERDICT_HEADROOM - 1 };
	size_t bytes;

	ok(cdf_message_write_edited(&message, 0, &bytes) == NULL,
	   "no verdict is written where there is no room");
}

static void verdicts(void)
{
	_Alignas(4) uint8_t room[CDF_VERDICT_SIZE + 4];
	const struct nfqnl_msg_verdict_hdr *verdict =
		(const void *)(room + CDF_VERDICT_SIZE - sizeof(*verdict));
	const struct nlmsghdr *nlh = (const void *)room;
	const struct nfgenmsg *general =
		(const void *)(room + MNL_NLMSG_HDRLEN);

	memset(room, 0x5a, sizeof(room));
	cdf_message_write_verdict(room, 0x1234, 99, cdf_verdict_to_queue(513));
	ok(nlh->nlmsg_len == CDF_VERDICT_SIZE &&
		   room[CDF_VERDICT_SIZE] == 0x5a &&
		   ntohs(general->res_id) == 0x1234 &&
		   ntohl(verdict->verdict) ==
			   (513u << 16 | 0x8000 | NF_QUEUE) &&
		   ntohl(verdict->id) == 99,
	   "to another queue, by-passing it when nobody listens");
	cdf_message_write_accept_all(room, 1, 100);
	ok(nlh->nlmsg_type ==
			   (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_VERDICT_BATCH) &&
		   ntohl(verdict->verdict) == NF_ACCEPT &&
		   ntohl(verdict->id) == 100,
	   "one verdict for all up to an id");
}

static void sequences(void)
{
	struct cdf_sequence sequence = { 0 };

	ok(cdf_sequence_gap(&sequence, 1000) == 0, "the first id has no gap");
	ok(cdf_sequence_gap(&sequence, 1001) == 0, "the next has none");
	ok(cdf_sequence_gap(&sequence, 1005) == 3, "1002 to 1004 are missing");
	ok(cdf_sequence_gap(&sequence, 900) == 0, "an older id is no gap");
	sequence.last = 0xfffffffe;
	ok(cdf_sequence_gap(&sequence, 1) == 2, "ids wrap");
}

static void datagrams(void)
{
	struct nlmsghdr *nlh = start(AF_INET, NF_INET_FORWARD);
	uint32_t length = nlh->nlmsg_len;
	struct cdf_datagram datagram = { buffer, 2 * length };
	struct cdf_message message;

	memcpy(buffer + length, buffer, length);
	ok(cdf_message_next(&datagram, &message) && datagram.length == length &&
		   datagram.data == buffer + length,
	   "the first of two messages is taken off");
	datagram.length--;
	ok(!cdf_message_next(&datagram, &message), "a cut one is not");
	/* libmnl's own check lets these through and stands still. */
	nlh->nlmsg_len = 0xfffffffd;
	datagram = (struct cdf_datagram){ buffer, 2 * length };
	ok(!cdf_message_next(&datagram, &message), "nor one of 4 GiB");
	nlh->nlmsg_len = 15;
	ok(!cdf_message_next(&datagram, &message),
	   "nor one shorter than its header");
}

int main(void)
{
	datagrams();
	reading();
	refusing();
	kernel_errors();
	answering_in_place();
	no_headroom();
	verdicts();
	sequences();
	return done();
}
