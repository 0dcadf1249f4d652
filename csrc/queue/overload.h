/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Overload told apart from a stall, and from a burst.
 *
 * Fail-open is for the program that does not answer: its packets had better go
 * on unchanged. A program that answers as fast as it can, and still not fast
 * enough, had better drop the excess, as any router does: a full-size packet
 * let through with DF set only dies at the tunnel, and the ICMP error sent back
 * spoils its sender's idea of the path for ten minutes. So fail-open is on until
 * a running worker sees its backlog grow too long, and on again as soon as it
 * has caught up.
 *
 * A burst may wait: that is what the receive buffer is for. A backlog that does
 * not go away is good for nothing: it delays every packet, and since the caches
 * do not hold it, it makes each of them a fifth to a third more expensive, so
 * that it stays even under a load that could be borne without it. The receive
 * buffer is then cut by a quarter of the backlog, and again for as long as that is
 * no help: TCP slows down at the first losses and should not have all of its
 * packets lost at once.
 */
#ifndef CDF_OVERLOAD_H
#define CDF_OVERLOAD_H

#include "loss.h"
#include "queue.h"

struct cdf_overload {
	bool fail_open; /* wanted at all */
	bool active;	/* excess is dropped for now */
	bool frozen;	/* the queue takes no more; all stays as it is */
	uint64_t since; /* the backlog has stood, or was cut; 0 for neither */
	uint32_t limit; /* bytes that it was cut to */
};

/**
 * After a full batch: begin when the backlog is too long.
 * @param mean bytes of the packets in the last batch, on average
 * @param now cdf_clock_now()
 */
void cdf_overload_check(struct cdf_overload *overload, struct cdf_queue *queue,
			uint32_t mean, uint64_t now);

/** Begin: the backlog was too long for the kernel, which let packets by. */
void cdf_overload_begin(struct cdf_overload *overload, struct cdf_queue *queue,
			uint32_t mean, uint64_t now);

/** The receive buffer is empty: fail-open is in force again, and bursts may
 * wait. */
void cdf_overload_end(struct cdf_overload *overload, struct cdf_queue *queue);

/** What becomes of a packet that the kernel cannot queue now. */
static inline enum cdf_full
cdf_overload_full(const struct cdf_overload *overload)
{
	if (overload->active)
		return CDF_FULL_OVERLOAD;
	return overload->fail_open ? CDF_FULL_PASSES : CDF_FULL_STALL;
}

#endif
