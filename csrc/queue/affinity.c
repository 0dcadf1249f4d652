/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "affinity.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* "Let ksoftirqd do its job" was taken back in 6.5. */
static bool leaves_backlog_to_ksoftirqd(const char *release)
{
	char *end;
	unsigned long major = strtoul(release, &end, 10);
	unsigned long minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;

	return end != release && (major < 6 || (major == 6 && minor < 5));
}

void cdf_affinity_start(struct cdf_affinity *affinity, const char *release)
{
	/* Of the thread; musl's function of that name only fails, since POSIX
	 * asks for a process. */
	long policy = syscall(SYS_sched_getscheduler, 0);

	memset(affinity, 0, sizeof(*affinity));
	affinity->off = !leaves_backlog_to_ksoftirqd(release) ||
			(policy != SCHED_OTHER && policy != SCHED_BATCH);
}

static bool put(struct cdf_affinity *affinity, const cpu_set_t *mask)
{
	affinity->off = sched_setaffinity(0, sizeof(*mask), mask) < 0;
	return !affinity->off;
}

/* Where the thread may go: what it was given, unless that was our doing. */
static bool learn(struct cdf_affinity *affinity)
{
	cpu_set_t now;

	if (sched_getaffinity(0, sizeof(now), &now) < 0)
		return false;
	if (!affinity->holds || !CPU_EQUAL(&now, &affinity->held))
		affinity->allowed = now;
	return true;
}

static void hold(struct cdf_affinity *affinity)
{
	int cpu = sched_getcpu();

	if (cpu < 0 || !learn(affinity)) {
		affinity->off = true;
		return;
	}
	if (CPU_COUNT(&affinity->allowed) < 2)
		return;
	CPU_ZERO(&affinity->held);
	CPU_SET(cpu, &affinity->held);
	affinity->holds = put(affinity, &affinity->held);
}

static void let_go(struct cdf_affinity *affinity)
{
	if (!learn(affinity))
		affinity->off = true;
	else
		put(affinity, &affinity->allowed);
	affinity->holds = false;
}

void cdf_affinity_turn(struct cdf_affinity *affinity, uint64_t now)
{
	if (now < affinity->next || affinity->off)
		return;
	if (affinity->holds) {
		let_go(affinity);
		affinity->next = now + CDF_AFFINITY_FREE;
	} else {
		hold(affinity);
		affinity->next = now + CDF_AFFINITY_HOLD;
	}
}
