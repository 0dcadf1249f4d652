/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end of a queue: what waits is answered, and what was lost is known. */
#ifndef CDF_DRAIN_H
#define CDF_DRAIN_H

#include "loop.h"

/**
 * Let new packets pass the queue by and answer all that wait; after that the
 * counters account for every packet that the queue was offered.
 */
void cdf_loop_drain(struct cdf_loop *loop);

#endif
