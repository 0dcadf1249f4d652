/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coalesce.h"

#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "clock.h"

#define ONE 256u
/* A pause is worth its timer when it brings more than the next packet. */
#define WORTH (5 * ONE / 4)
/* How much of the mean one look makes up: a quarter. */
#define SHARE 4
/* What one look may claim at most: a burst is no rate. */
#define MOST (64 * ONE)
#define SLACK 1000 /* nanoseconds */

void cdf_coalesce_start(struct cdf_coalesce *coalesce, uint32_t microseconds)
{
	memset(coalesce, 0, sizeof(*coalesce));
	coalesce->pause = (uint64_t)microseconds * (CDF_SECOND / 1000000);
}

bool cdf_coalesce_note(struct cdf_coalesce *coalesce, uint32_t packets,
		       uint64_t now)
{
	uint64_t elapsed = now - coalesce->looked, seen;

	if (coalesce->pause == 0)
		return false;
	coalesce->looked = now;
	seen = packets * ONE * coalesce->pause / (elapsed + 1);
	if (seen > MOST)
		seen = MOST;
	coalesce->expected -= coalesce->expected / SHARE;
	coalesce->expected += seen / SHARE;
	return coalesce->expected >= WORTH;
}

void cdf_coalesce_pause(const struct cdf_coalesce *coalesce)
{
	struct timespec pause = { 0, (long)coalesce->pause };

	/* A signal or two may cut it short. */
	nanosleep(&pause, NULL);
}

void cdf_coalesce_thread(const struct cdf_coalesce *coalesce)
{
	if (coalesce->pause != 0)
		prctl(PR_SET_TIMERSLACK, SLACK, 0, 0, 0);
}
