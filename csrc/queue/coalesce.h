/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets gathered for a moment, as network cards moderate interrupts.
 *
 * A worker that sleeps until there is a packet is woken for every few of them
 * under a moderate load, which costs more than the packets do. So as long as
 * packets come fast enough that a pause of the given length is likely to bring
 * several, it pauses instead of waiting for the first. No packet waits longer for
 * it than the pause; where they are few nothing changes.
 */
#ifndef CDF_COALESCE_H
#define CDF_COALESCE_H

#include <stdbool.h>
#include <stdint.h>

struct cdf_coalesce {
	uint64_t pause;	   /* nanoseconds; 0 is off */
	uint64_t looked;   /* when, cdf_clock_now(); 0 before the first look */
	uint64_t expected; /* packets in a pause, of the last ones, times 256 */
};

/** @param microseconds longest pause, 0 for none */
void cdf_coalesce_start(struct cdf_coalesce *coalesce, uint32_t microseconds);

/**
 * Note that a look at the queue has brought so many packets, fewer than a batch.
 * @return whether to pause before the next look instead of waiting for a packet
 */
bool cdf_coalesce_note(struct cdf_coalesce *coalesce, uint32_t packets,
		       uint64_t now);

/** Pause. */
void cdf_coalesce_pause(const struct cdf_coalesce *coalesce);

/** Make the calling thread's pauses as short as they are asked for: the kernel
 * adds 50 microseconds otherwise (PR_SET_TIMERSLACK, prctl(2)). */
void cdf_coalesce_thread(const struct cdf_coalesce *coalesce);

#endif
