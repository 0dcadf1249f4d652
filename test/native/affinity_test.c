/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread stays on one CPU, is free for a moment between, and a mask that
 * someone else gives it counts; only on kernels before 6.5. Time is given, not
 * waited for. */
#include "queue/affinity.h"

#include <stdbool.h>

#include "tap.h"

#define START 5000000000u

static cpu_set_t mask(void)
{
	cpu_set_t now;

	CPU_ZERO(&now);
	sched_getaffinity(0, sizeof(now), &now);
	return now;
}

static bool is_free(const cpu_set_t *allowed)
{
	cpu_set_t now = mask();

	return CPU_EQUAL(&now, allowed);
}

static bool is_held(int cpu)
{
	cpu_set_t now = mask();

	return CPU_COUNT(&now) == 1 && CPU_ISSET(cpu, &now);
}

int main(void)
{
	struct cdf_affinity affinity;
	cpu_set_t allowed = mask(), single;
	uint64_t now = START;
	bool several = CPU_COUNT(&allowed) > 1;
	int cpu;

	cdf_affinity_start(&affinity, "6.5.0");
	cdf_affinity_turn(&affinity, now);
	ok(is_free(&allowed), "leaves a thread alone on kernel 6.5");
	cdf_affinity_start(&affinity, "6.12.107+deb13-cloud-amd64");
	cdf_affinity_turn(&affinity, now);
	ok(is_free(&allowed), "and on 6.12");

	cdf_affinity_start(&affinity, "6.1.0-50-cloud-amd64");
	cdf_affinity_turn(&affinity, now);
	cpu = sched_getcpu();
	ok(is_held(cpu) || !several, "holds the CPU that it runs on");

	now += CDF_AFFINITY_HOLD - 1;
	cdf_affinity_turn(&affinity, now);
	ok(is_held(cpu) || !several, "still, until the second is over");

	cdf_affinity_turn(&affinity, ++now);
	ok(is_free(&allowed), "then may go wherever it could before");

	now += CDF_AFFINITY_FREE;
	cdf_affinity_turn(&affinity, now);
	ok(is_held(sched_getcpu()) || !several, "and holds again");

	/* Another CPU than the one that is held, if there is one. */
	CPU_ZERO(&single);
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (CPU_ISSET(i, &allowed) && !CPU_ISSET(i, &affinity.held))
			cpu = i;
	}
	CPU_SET(cpu, &single);
	sched_setaffinity(0, sizeof(single), &single);
	now += CDF_AFFINITY_HOLD;
	cdf_affinity_turn(&affinity, now);
	now += CDF_AFFINITY_FREE;
	cdf_affinity_turn(&affinity, now);
	ok(is_free(&single), "respects a CPU that someone else put it on");

	sched_setaffinity(0, sizeof(allowed), &allowed);
	now += CDF_AFFINITY_HOLD;
	cdf_affinity_turn(&affinity, now);
	now += CDF_AFFINITY_FREE;
	cdf_affinity_turn(&affinity, now);
	now += CDF_AFFINITY_HOLD;
	cdf_affinity_turn(&affinity, now);
	ok(is_free(&allowed), "and all that someone else allows later");
	return done();
}
