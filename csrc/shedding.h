/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Overload told apart from a stall.
 *
 * Fail-open is for the program that does not answer: its packets had better go
 * on unchanged. A program that answers as fast as it can, and still not fast
 * enough, had better drop the excess, as any router does: a full-size packet
 * let through with DF set only dies at the tunnel, and the ICMP error sent back
 * spoils its sender's idea of the path for ten minutes. So fail-open is on until
 * a running worker sees its backlog grow too long, and on again as soon as it
 * has caught up.
 */
#ifndef CDF_SHEDDING_H
#define CDF_SHEDDING_H

#include "queue.h"

struct cdf_shedding {
	bool fail_open; /* wanted at all */
	bool active;	/* excess is dropped for now */
	bool held;	/* the queue takes no more; all stays as it is */
};

/**
 * Before each batch: begin when the backlog is too long.
 * @param mean bytes of the packets in the last batch, on average
 */
void cdf_shedding_check(struct cdf_shedding *shedding, struct cdf_queue *queue,
			uint32_t mean);

/** Begin: the backlog was too long for the kernel, which let packets by. */
void cdf_shedding_begin(struct cdf_shedding *shedding, struct cdf_queue *queue);

/** The receive buffer is empty: fail-open is in force again. */
void cdf_shedding_end(struct cdf_shedding *shedding, struct cdf_queue *queue);

/** Whether what the kernel cannot queue now is dropped. */
static inline bool cdf_shedding_drops(const struct cdf_shedding *shedding)
{
	return !shedding->fail_open || shedding->active;
}

#endif
