/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packets that came, as libmnl alone reads them: what verdicts are held
 * against. */
#ifndef CDF_KNOWN_PACKETS_H
#define CDF_KNOWN_PACKETS_H

#include <assert.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <stdbool.h>
#include <string.h>

/* Where packets lie that came in the datagrams of one receive call, how long
 * they are and which numbers they have, read here by libmnl alone. */
enum { KNOWN = 4096 };
static struct {
	const void *packet;
	uint16_t length;
	uint32_t id;
} known[KNOWN];
static size_t known_count;

/* Numbers of packets that came and have had no verdict; some may be of messages
 * that nobody takes for packets. */
static uint32_t waiting[KNOWN];
static size_t waiting_count;
static bool too_many;

/* As the kernel writes it: of several attributes of a kind the last counts. */
static uint32_t packet_id(const struct nlmsghdr *nlh)
{
	const struct nlattr *attribute;
	uint32_t id = 0;

	mnl_attr_for_each(attribute, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attribute) == NFQA_PACKET_HDR &&
		    mnl_attr_get_payload_len(attribute) >= sizeof(id))
			memcpy(&id, mnl_attr_get_payload(attribute),
			       sizeof(id));
	}
	return id;
}

static void note_waiting(uint32_t id)
{
	if (waiting_count == KNOWN)
		too_many = true;
	else
		waiting[waiting_count++] = id;
}

/* A verdict of its own goes to a packet that waits for it, and to no other. */
static void check_waiting(uint32_t id, bool taken)
{
	size_t i = 0;

	while (i < waiting_count && waiting[i] != id)
		i++;
	assert(i < waiting_count || too_many);
	if (taken && i < waiting_count)
		waiting[i] = waiting[--waiting_count];
}

static void note_message(const struct nlmsghdr *nlh)
{
	const struct nlattr *attribute;
	uint32_t id = packet_id(nlh);

	note_waiting(id);
	mnl_attr_for_each(attribute, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attribute) != NFQA_PAYLOAD ||
		    known_count == KNOWN)
			continue;
		known[known_count].id = id;
		known[known_count].packet = mnl_attr_get_payload(attribute);
		known[known_count++].length =
			mnl_attr_get_payload_len(attribute);
	}
}

static void note_packets(const uint8_t *datagram, size_t length)
{
	const struct nlmsghdr *nlh = (const void *)datagram;
	const size_t least = MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg);

	while (length >= least && nlh->nlmsg_len >= MNL_NLMSG_HDRLEN &&
	       nlh->nlmsg_len <= length) {
		size_t step = MNL_ALIGN((size_t)nlh->nlmsg_len);

		if (nlh->nlmsg_len >= least)
			note_message(nlh);
		if (step >= length)
			break;
		nlh = (const void *)((const uint8_t *)nlh + step);
		length -= step;
	}
}

/* The length of a verdict's payload becomes the packet's: it is the one that
 * the packet itself tells, no more than came, without padding. It is the
 * payload that came with that number. */
static void check_packet(const struct nlattr *payload, uint32_t id)
{
	const uint8_t *packet = mnl_attr_get_payload(payload);
	size_t length = mnl_attr_get_payload_len(payload);

	for (size_t i = 0; i < known_count; i++) {
		if (known[i].packet != packet)
			continue;
		assert(length <= known[i].length && length >= 20);
		assert(length == ((size_t)packet[2] << 8 | packet[3]));
		assert(known[i].id == id);
		return;
	}
	assert(known_count == KNOWN);
}

#endif
