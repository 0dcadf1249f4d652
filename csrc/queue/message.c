/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "message.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink.h"

_Static_assert(CDF_VERDICT_SIZE == MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg) +
					   MNL_ATTR_HDRLEN +
					   sizeof(struct nfqnl_msg_verdict_hdr),
	       "a verdict message is longer than its room");

static enum cdf_place place_of(uint8_t family, uint8_t hook)
{
	/* NF_INET_* and NF_BR_* share the numbers that matter here. */
	bool stays = hook == NF_INET_PRE_ROUTING || hook == NF_INET_LOCAL_IN;

	if (family == AF_BRIDGE)
		return stays ? CDF_BRIDGE_MAY_STAY : CDF_BRIDGE_LEAVES;
	return stays ? CDF_MAY_STAY : CDF_LEAVES;
}

static uint32_t skb_flags_of(uint32_t info)
{
	return (info & NFQA_SKB_CSUMNOTREADY ? CDF_CSUM_NOT_READY : 0u) |
	       (info & NFQA_SKB_GSO ? CDF_GSO : 0u);
}

static void read_packet(const struct nlmsghdr *nlh, struct cdf_message *message)
{
	struct nlattr *attr[NFQA_MAX + 1] = { NULL };
	const struct nfgenmsg *general;
	struct nfqnl_msg_packet_hdr header;
	struct cdf_packet *packet = &message->packet;

	message->kind = CDF_MESSAGE_BAD;
	if (nlh->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg) ||
	    nfq_nlmsg_parse(nlh, attr) < 0 || attr[NFQA_PACKET_HDR] == NULL ||
	    mnl_attr_get_payload_len(attr[NFQA_PACKET_HDR]) < sizeof(header))
		return;
	general = mnl_nlmsg_get_payload(nlh);
	memcpy(&header, mnl_attr_get_payload(attr[NFQA_PACKET_HDR]),
	       sizeof(header));
	message->kind = CDF_MESSAGE_PACKET;
	message->packet_id = ntohl(header.packet_id);
	packet->place = place_of(general->nfgen_family, header.hook);
	if (attr[NFQA_PAYLOAD] != NULL) {
		packet->data = mnl_attr_get_payload(attr[NFQA_PAYLOAD]);
		packet->length = mnl_attr_get_payload_len(attr[NFQA_PAYLOAD]);
		message->headroom = (size_t)((const char *)packet->data -
					     (const char *)nlh);
	}
	packet->original_length = packet->length;
	if (attr[NFQA_CAP_LEN] != NULL &&
	    mnl_attr_get_payload_len(attr[NFQA_CAP_LEN]) >= sizeof(uint32_t))
		packet->original_length =
			ntohl(mnl_attr_get_u32(attr[NFQA_CAP_LEN]));
	/* Never less than what is held: the rules rely on it. */
	if (packet->original_length < packet->length)
		packet->original_length = packet->length;
	if (attr[NFQA_SKB_INFO] != NULL &&
	    mnl_attr_get_payload_len(attr[NFQA_SKB_INFO]) >= sizeof(uint32_t))
		packet->skb_flags = skb_flags_of(
			ntohl(mnl_attr_get_u32(attr[NFQA_SKB_INFO])));
}

static void read_message(const struct nlmsghdr *nlh,
			 struct cdf_message *message)
{
	memset(message, 0, sizeof(*message));
	message->sequence = nlh->nlmsg_seq;
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *error = mnl_nlmsg_get_payload(nlh);

		if (nlh->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(*error)) {
			message->kind = CDF_MESSAGE_BAD;
			return;
		}
		message->kind = CDF_MESSAGE_ERROR;
		message->error = error->error;
		message->sequence = error->msg.nlmsg_seq;
		return;
	}
	if (nlh->nlmsg_type == (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET)) {
		read_packet(nlh, message);
		return;
	}
	message->kind = CDF_MESSAGE_OTHER;
}

bool cdf_message_next(struct cdf_datagram *datagram,
		      struct cdf_message *message)
{
	const struct nlmsghdr *nlh = datagram->data;
	size_t step;

	if (!cdf_netlink_ok(nlh, datagram->length))
		return false;
	step = cdf_netlink_step(nlh, datagram->length);
	datagram->data = (char *)datagram->data + step;
	datagram->length -= step;
	read_message(nlh, message);
	return true;
}

void *cdf_message_write_edited(const struct cdf_message *message,
			       uint16_t queue, size_t *bytes)
{
	const struct cdf_packet *packet = &message->packet;
	struct nlmsghdr *nlh;
	struct nlattr *payload;
	char *start;

	if (message->headroom < CDF_VERDICT_HEADROOM)
		return NULL;
	start = (char *)packet->data - CDF_VERDICT_HEADROOM;
	nlh = nfq_nlmsg_put(start, NFQNL_MSG_VERDICT, queue);
	nfq_nlmsg_verdict_put(nlh, (int)message->packet_id, NF_ACCEPT);
	/* The payload already lies where its attribute puts it. nla_len leaves
	 * the padding out: it becomes the packet's length. */
	payload = mnl_nlmsg_get_payload_tail(nlh);
	payload->nla_type = NFQA_PAYLOAD;
	payload->nla_len = (uint16_t)(MNL_ATTR_HDRLEN + packet->length);
	nlh->nlmsg_len += (uint32_t)MNL_ALIGN(payload->nla_len);
	*bytes = nlh->nlmsg_len;
	return start;
}

void cdf_message_write_verdict(void *into, uint16_t queue, uint32_t packet_id,
			       uint32_t verdict)
{
	struct nlmsghdr *nlh = nfq_nlmsg_put(into, NFQNL_MSG_VERDICT, queue);

	nfq_nlmsg_verdict_put(nlh, (int)packet_id, (int)verdict);
}

void cdf_message_write_accept_all(void *into, uint16_t queue,
				  uint32_t packet_id)
{
	struct nlmsghdr *nlh =
		nfq_nlmsg_put(into, NFQNL_MSG_VERDICT_BATCH, queue);

	nfq_nlmsg_verdict_put(nlh, (int)packet_id, NF_ACCEPT);
}

uint32_t cdf_verdict_to_queue(uint16_t queue)
{
	return NF_QUEUE_NR(queue) | NF_VERDICT_FLAG_QUEUE_BYPASS;
}
