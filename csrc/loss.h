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
	uint32_t missing;	 /* in gaps that are still to be explained */
	uint64_t looked;	 /* when, cdf_clock_now() */
};

/** A queue newly bound: the kernel has dropped nothing of it yet. */
void cdf_loss_start(struct cdf_loss *loss, uint16_t queue);

/** So many packet numbers were missing. */
static inline void cdf_loss_note(struct cdf_loss *loss, uint32_t gap)
{
	loss->missing += gap;
}

/** Whether there is something to explain, and the last look at the kernel's
 * counters, which costs as much as some packets do, is long enough ago. */
bool cdf_loss_due(const struct cdf_loss *loss, uint64_t now);

/**
 * Explain what was missing: how many of them the kernel dropped; the others
 * passed by fail-open. The kernel counts drops (queue_dropped and user_dropped
 * in /proc/net/netfilter/nfnetlink_queue) when they happen, gaps are seen later,
 * so single gaps may be shared out wrongly; the sums come out right.
 * @param presumed whether to call them dropped when /proc does not tell
 * @param passed set to the number of the others
 * @return the number of those that were dropped
 */
uint32_t cdf_loss_explain(struct cdf_loss *loss, bool presumed, uint64_t now,
			  uint32_t *passed);

#endif
