/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time that only goes forward. */
#ifndef CDF_CLOCK_H
#define CDF_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CDF_SECOND 1000000000u /* nanoseconds */

/** Nanoseconds of CLOCK_MONOTONIC. */
static inline uint64_t cdf_clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * CDF_SECOND + (uint64_t)now.tv_nsec;
}

#endif
