/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets that the kernel numbered but could not hand over. */
#ifndef CDF_SEQUENCE_H
#define CDF_SEQUENCE_H

#include <stdbool.h>
#include <stdint.h>

struct cdf_sequence {
	bool known; /* last is one of this queue's */
	uint32_t last;
};

/**
 * The kernel numbers packets without gaps, before it tries to hand them over
 * (__nfqnl_enqueue_packet()). A gap is a packet that found the receive buffer
 * full: accepted unchanged with fail-open, dropped without. A full queue would
 * leave no gap, so queues are made longer than the receive buffer can fill.
 * @return how many numbers are missing before id
 */
static inline uint32_t cdf_sequence_gap(struct cdf_sequence *sequence,
					uint32_t id)
{
	uint32_t gap = id - sequence->last - 1;

	if (!sequence->known || gap >= 0x80000000)
		gap = 0;
	sequence->known = true;
	sequence->last = id;
	return gap;
}

#endif
