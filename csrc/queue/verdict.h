/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verdicts on a batch of packets, gathered in order and sent in few calls. */
#ifndef CDF_VERDICT_H
#define CDF_VERDICT_H

#include "companion.h"

/*
 * A batch is answered at once, unless it holds GSO packets, which go alone:
 * 64 messages a send cost 2 to 4 % less than 32 or 16, at 64 and at 1,400 bytes.
 */
#define CDF_SEND_MESSAGES CDF_BATCH
#define CDF_SEND_BYTES (128u * 1024)

struct cdf_verdicts {
	struct cdf_queue *queue;
	struct cdf_counters *counters;
	int error;     /* of the last send that failed, 0 or -errno */
	uint32_t lost; /* packets that were to go on to the companion */

	size_t count;
	size_t bytes;
	struct iovec iov[CDF_SEND_MESSAGES];
	uint32_t packet_id[CDF_SEND_MESSAGES];
	bool edited[CDF_SEND_MESSAGES];
	_Alignas(4) uint8_t small[CDF_SEND_MESSAGES][CDF_VERDICT_SIZE];

	/* Packets accepted unchanged that no message covers yet. */
	unsigned int passed;
	uint32_t last_passed;
	/* Edited ones that could not even be accepted: they wait, until the next
	 * message that covers all before it. */
	unsigned int unanswered;
};

void cdf_verdicts_start(struct cdf_verdicts *verdicts, struct cdf_queue *queue,
			struct cdf_counters *counters);

/**
 * Answer a packet. Packets have to be answered in the order of arrival: a run
 * of unchanged ones shares a verdict that covers all before it, and kernels
 * without a table look each packet up from the oldest on. The message's buffer has
 * to stay until cdf_verdicts_flush().
 * @param companion where CDF_REQUEUE sends it on to
 */
void cdf_verdicts_add(struct cdf_verdicts *verdicts,
		      struct cdf_message *message, enum cdf_action action,
		      struct cdf_companion *companion);

/**
 * Send what is gathered. What cannot be sent as it is, is sent one by one; an
 * edited packet that cannot be sent is accepted unchanged and, once it is,
 * counted as leaked.
 */
void cdf_verdicts_flush(struct cdf_verdicts *verdicts);

/** All that waited have been accepted. */
void cdf_verdicts_all_accepted(struct cdf_verdicts *verdicts);

#endif
