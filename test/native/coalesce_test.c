/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pauses are made while packets come fast enough, and only then. Time is given,
 * not waited for. */
#include "queue/coalesce.h"

#include <sys/prctl.h>

#include "tap.h"

#define MICROSECOND 1000u
#define START 5000000000u

static uint64_t now;

/* Looks at the queue, one every so many microseconds, each of which brings so many
 * packets. @return whether the last of them says to pause */
static bool looks(struct cdf_coalesce *coalesce, int count, uint32_t packets,
		  uint64_t every)
{
	bool pause = false;

	for (int i = 0; i < count; i++) {
		now += every * MICROSECOND;
		pause = cdf_coalesce_note(coalesce, packets, now);
	}
	return pause;
}

int main(void)
{
	struct cdf_coalesce coalesce;

	now = START;
	cdf_coalesce_start(&coalesce, 0);
	ok(!looks(&coalesce, 100, 60, 50), "0 is off, whatever the load");
	cdf_coalesce_thread(&coalesce);
	ok(prctl(PR_GET_TIMERSLACK) > 1000, "and leaves the thread's timers");

	cdf_coalesce_start(&coalesce, 50);
	ok(!looks(&coalesce, 1, 60, 100), "a single burst is no load");
	cdf_coalesce_start(&coalesce, 50);
	/* 3 packets in 100 us are 1.5 in 50. */
	ok(looks(&coalesce, 30, 3, 100), "1.5 packets a pause are worth it");
	/* 2 packets in 100 us are 1 in 50. */
	ok(!looks(&coalesce, 30, 2, 100), "1 packet a pause is not");
	ok(looks(&coalesce, 30, 1, 33), "woken for each, 1.5 are seen as well");
	ok(!looks(&coalesce, 1, 1, 1000000),
	   "a second without packets ends it");
	ok(looks(&coalesce, 30, 8, 100), "it begins again");
	ok(!looks(&coalesce, 12, 0, 100), "looks in vain end it");
	looks(&coalesce, 100, 64, 1);
	ok(!looks(&coalesce, 20, 0, 100),
	   "however fast they came, 20 looks in vain do");

	cdf_coalesce_thread(&coalesce);
	ok(prctl(PR_GET_TIMERSLACK) == 1000, "a pause is not made longer");
	return done();
}
