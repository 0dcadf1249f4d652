/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nfnetlink_queue messages: what comes in becomes a packet, what goes out is
 * written in front of its payload, in the buffer that it came in. */
#ifndef CDF_MESSAGE_H
#define CDF_MESSAGE_H

#include "packet/packet.h"

enum cdf_message_kind {
	CDF_MESSAGE_PACKET,
	CDF_MESSAGE_ERROR, /* the kernel's answer to something sent */
	CDF_MESSAGE_OTHER, /* nothing to do */
	CDF_MESSAGE_BAD,   /* cannot be read */
};

struct cdf_message {
	enum cdf_message_kind kind;
	int error;	    /* of CDF_MESSAGE_ERROR: 0 or -errno */
	uint32_t sequence;  /* of what it answers */
	uint32_t packet_id; /* host byte order */
	size_t headroom;    /* bytes of the message before the payload */
	struct cdf_packet packet;
};

/* Bytes of a verdict message before its payload. */
#define CDF_VERDICT_HEADROOM 36u
/* Bytes of a verdict message without payload. */
#define CDF_VERDICT_SIZE 32u

/* What is left of a received datagram; the bytes may be written to. */
struct cdf_datagram {
	void *data;
	size_t length;
};

/**
 * Read the datagram's first message and take it off. packet.data points into
 * the message; packet.can_requeue is left false. A verdict may be written over
 * a message that was taken off.
 * @return false when no whole message is left
 */
bool cdf_message_next(struct cdf_datagram *datagram,
		      struct cdf_message *message);

/**
 * Write a verdict with the packet's edited bytes in front of those bytes, over
 * what the message held before them.
 * @param queue the queue's number, host byte order
 * @param bytes set to the message's length, padding included
 * @return the message's first byte, or NULL when there is no room in front
 */
void *cdf_message_write_edited(const struct cdf_message *message,
			       uint16_t queue, size_t *bytes);

/** Write a payload-free verdict for one packet into CDF_VERDICT_SIZE bytes. */
void cdf_message_write_verdict(void *into, uint16_t queue, uint32_t packet_id,
			       uint32_t verdict);

/**
 * Write one verdict for every packet of the queue up to packet_id into
 * CDF_VERDICT_SIZE bytes: accept them unchanged.
 */
void cdf_message_write_accept_all(void *into, uint16_t queue,
				  uint32_t packet_id);

/** The verdict that sends a packet on to another queue, or accepts it when
 * nobody listens there. */
uint32_t cdf_verdict_to_queue(uint16_t queue);

#endif
