/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What became of packets that never arrived: let through, or dropped. */
#ifndef CDF_LOSS_H
#define CDF_LOSS_H

#include <stdbool.h>
#include <stdint.h>

struct cdf_loss {
	uint16_t queue;
	uint32_t kernel_dropped; /* at the last look */
	uint64_t unseen;	 /* dropped, but their gap is still to come */
};

/** A queue newly bound: the kernel has dropped nothing of it yet. */
void cdf_loss_start(struct cdf_loss *loss, uint16_t queue);

/**
 * Of a gap in the packet numbers, how many packets the kernel dropped; the rest
 * passed by fail-open. The kernel counts drops (queue_dropped and user_dropped
 * in /proc/net/netfilter/nfnetlink_queue) when they happen, gaps are seen later,
 * so single gaps may be shared out wrongly; the sums come out right.
 * @param presumed whether to call them dropped when /proc does not tell
 */
uint32_t cdf_loss_dropped(struct cdf_loss *loss, uint32_t gap, bool presumed);

#endif
