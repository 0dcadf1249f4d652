/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What became of packets that never arrived: let through, or dropped, and why. */
#ifndef CDF_LOSS_H
#define CDF_LOSS_H

#include <stdbool.h>
#include <stdint.h>

#include "fault.h"
#include "packet/packet.h"

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

/* Packets that were lost, by cause. */
struct cdf_lost {
	/* The worker answered, but more slowly than packets came. */
	uint64_t overload;
	/* A stall or a burst filled the receive buffer, with fail-open off. */
	uint64_t full_buffer;
	/* Too many waited for a verdict. */
	uint64_t full_queue;
	/* Not lost: fail-open let them through unchanged. */
	uint64_t passed;
};

/* What a packet that finds the receive buffer full stands for. */
enum cdf_full {
	CDF_FULL_PASSES,   /* fail-open is on: it passes, none is dropped */
	CDF_FULL_OVERLOAD, /* dropped, since the worker is too slow */
	CDF_FULL_STALL,	   /* dropped, since fail-open is off */
};

struct cdf_loss {
	uint16_t queue;
	uint32_t port; /* of the socket that holds it */
	int kernel;    /* cdf_kernel_queue_open() */
	/* The kernel's counters at the last look. */
	uint32_t queue_dropped;
	uint32_t user_dropped;
	struct cdf_lost unseen; /* dropped, but their gap is still to come */
	uint32_t missing;	/* in gaps that are still to be explained */
	uint64_t looked;	/* when, cdf_clock_now() */
};

/** A queue newly bound: the kernel has dropped nothing of it yet. */
void cdf_loss_start(struct cdf_loss *loss, uint16_t queue, uint32_t port,
		    int kernel);

/** So many packet numbers were missing. */
static inline void cdf_loss_note(struct cdf_loss *loss, uint32_t gap)
{
	loss->missing += gap;
}

/** Whether there is something to explain, and the last look at the kernel's
 * counters, which costs as much as some packets do, is long enough ago. */
bool cdf_loss_due(const struct cdf_loss *loss, uint64_t now);

/**
 * Look at what the kernel has dropped since the last look.
 * @param full what a full receive buffer meant in that time
 * @return false when it does not tell
 */
bool cdf_loss_look(struct cdf_loss *loss, enum cdf_full full, uint64_t now);

/**
 * Explain what was missing: how many of them the kernel dropped; the others
 * passed by fail-open. The kernel counts drops when they happen, gaps are seen
 * later, so single gaps may be shared out wrongly; the sums come out right.
 * @param full see cdf_loss_look(); presumed of all when the kernel does not tell
 */
void cdf_loss_explain(struct cdf_loss *loss, enum cdf_full full, uint64_t now,
		      struct cdf_lost *lost);

/**
 * The last word on a queue that gets no more packets: what came after the last
 * one that arrived, and what was dropped without a number.
 * @param last the number of the last packet that arrived
 * @return packets that still wait for a verdict
 */
uint32_t cdf_loss_end(struct cdf_loss *loss, uint32_t last, enum cdf_full full,
		      uint64_t now, struct cdf_lost *lost);

/** Count what was lost, and note it as faults. */
void cdf_lost_count(const struct cdf_lost *lost, struct cdf_counters *counters,
		    struct cdf_faults *faults);

#endif
