/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The queue loop: receive, apply the rules, answer, count; take a lost queue
 * back. It belongs to one thread, which turns it. */
#ifndef CDF_LOOP_H
#define CDF_LOOP_H

#include "batch.h"
#include "coalesce.h"
#include "counters.h"
#include "fault.h"
#include "loss.h"
#include "overload.h"
#include "packet/clear.h"
#include "verdict.h"

/* What is done with packets, and where faults go. */
struct cdf_loop_rules {
	bool never_local; /* no packet of this queue is delivered here */
	/* Where GSO packets go on to, or NULL. */
	struct cdf_companion *companion;
	uint32_t
		batch; /* packets taken and answered at once, CDF_BATCH at most */
	uint32_t coalesce; /* longest pause, microseconds, see coalesce.h */
	struct cdf_identifier *identifier;
	/* Called from the loop's thread; must not block. */
	void (*on_fault)(void *context, const struct cdf_fault *fault);
	void *context;
};

struct cdf_loop {
	struct cdf_queue *queue;
	struct cdf_loop_rules rules;
	struct cdf_faults faults;
	struct cdf_verdicts verdicts;
	bool lost;	/* the queue is not ours any more */
	bool forbidden; /* CAP_NET_ADMIN was given up; it will never be */
	uint64_t tried; /* to have it back, nanoseconds */
	struct cdf_sequence sequence;
	struct cdf_overload overload;
	struct cdf_batch batch;
	bool full;    /* the last batch was */
	bool drained; /* nothing was left at the last look */
	struct cdf_loss loss;
	struct cdf_coalesce coalesce;
	uint32_t taken;		      /* packets, in the last turn */
	uint32_t large;		      /* GSO packets among them */
	struct cdf_counters counters; /* the thread's own */
	struct cdf_shared_counters shared;
};

/**
 * @param kernel cdf_kernel_queue_open(), for what the kernel counts of the queue
 */
void cdf_loop_start(struct cdf_loop *loop, struct cdf_queue *queue, int kernel,
		    const struct cdf_loop_rules *rules, bool fail_open);

/** Take one batch. @return whether there may be more */
bool cdf_loop_turn(struct cdf_loop *loop);

/** Wait until there is something to take, or wake (an fd) is readable; or pause,
 * where packets come fast enough. */
void cdf_loop_wait(struct cdf_loop *loop, int wake);

/** Report faults that are due; cheap when there are none. */
static inline void cdf_loop_report(struct cdf_loop *loop)
{
	cdf_faults_report(&loop->faults, false);
}

#endif
