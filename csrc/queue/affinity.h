/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps a thread on one CPU, nearly always, on kernels where that matters.
 *
 * A packet leaves from the CPU that hands it back. Behind a software device
 * (veth, a tunnel over one) it then waits in that CPU's backlog, and while
 * ksoftirqd works it off, kernels before 6.5 leave it to ksoftirqd alone
 * (ksoftirqd_running() in kernel/softirq.c). A thread that the scheduler moves
 * away meanwhile overtakes its own packets, and TCP takes the disorder for
 * loss. So the thread stays; once a second, for a moment, the scheduler may move
 * it, in case that CPU is wanted for other work. A thread with a real-time
 * policy is left alone: whoever gave it one has decided where it runs.
 */
#ifndef CDF_AFFINITY_H
#define CDF_AFFINITY_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#define CDF_AFFINITY_HOLD 1000000000u /* nanoseconds on one CPU */
#define CDF_AFFINITY_FREE 10000000u   /* nanoseconds in between */

struct cdf_affinity {
	cpu_set_t allowed; /* where the thread may go */
	cpu_set_t held;	   /* the one CPU that it was put on */
	bool holds;
	bool off;      /* of no use here, or the kernel does not let us */
	uint64_t next; /* when that changes, nanoseconds; 0 at the start */
};

/**
 * Find out whether holding is of use.
 * @param release the kernel's, as uname(2) gives it: "6.1.0-50-amd64"
 */
void cdf_affinity_start(struct cdf_affinity *affinity, const char *release);

/**
 * Hold or free the calling thread when it is time to: one comparison, mostly. A
 * mask that someone else gives the thread is respected from then on.
 * @param now cdf_clock_now()
 */
void cdf_affinity_turn(struct cdf_affinity *affinity, uint64_t now);

#endif
