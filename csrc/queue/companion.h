/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The queue that GSO packets go on to, where the kernel hands them over
 * segment by segment. All workers send to it.
 *
 * A verdict that sends a packet on is carried out before sendmsg() returns, and
 * what fails then is told nobody (nf_reinject()). Stable kernels of 2024 to 2026
 * refuse to queue the segments of a packet that begins a tracked connection
 * (nf_ct_drop_unconfirmed()), and the packet is gone. So each is sent by itself,
 * and the companion's packet numbers tell whether it came through.
 */
#ifndef CDF_COMPANION_H
#define CDF_COMPANION_H

#include <pthread.h>

#include "queue.h"

/* Flows that are remembered, since their last packet was lost. */
#define CDF_LOST_FLOWS 64u

struct cdf_companion {
	uint16_t number;
	int kernel; /* cdf_kernel_queue_open() */
	pthread_mutex_t lock;
	uint32_t lost_flow[CDF_LOST_FLOWS]; /* 0: none */
};

/* What became of a packet that was to be sent on. */
enum cdf_sent_on {
	CDF_SENT_ON,	    /* as far as one can tell */
	CDF_SENT_ON_LOST,   /* the kernel dropped it */
	CDF_SENT_ON_PASSED, /* accepted unchanged: nobody holds the companion */
	CDF_SENT_ON_FAILED, /* it waits still: the verdict could not be sent */
};

void cdf_companion_start(struct cdf_companion *companion, uint16_t number);
void cdf_companion_end(struct cdf_companion *companion);

/**
 * Send a packet of the queue on.
 * @param error set when the verdict could not be sent
 */
enum cdf_sent_on cdf_companion_send(struct cdf_companion *companion,
				    struct cdf_queue *queue,
				    const struct cdf_message *message,
				    int *error);

/**
 * Whether this packet should pass unchanged instead: the last one of its flow
 * was lost, and so would this one be, and the next, for the connection stays
 * unconfirmed until one packet is through. True once for each that was lost.
 */
bool cdf_companion_spares(struct cdf_companion *companion,
			  const struct cdf_packet *packet);

#endif
