/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loss.h"

#include <stdio.h>
#include <stdlib.h>

#include "clock.h"

/* Of the calling thread's network namespace, which may not be the process's. */
#define KERNEL_QUEUES "/proc/thread-self/net/netfilter/nfnetlink_queue"

void cdf_loss_start(struct cdf_loss *loss, uint16_t queue)
{
	loss->queue = queue;
	loss->kernel_dropped = 0;
	loss->unseen = 0;
	loss->missing = 0;
	loss->looked = 0;
}

/* Nanoseconds between two looks. */
#define LOOK_INTERVAL (CDF_SECOND / 100)

/* Columns as seq_show() of nfnetlink_queue.c prints them: queue, port id,
 * waiting, copy mode, copy range, queue_dropped, user_dropped, … */
static uint32_t column(const char *line, int number)
{
	unsigned long value = 0;
	char *end;

	for (int i = 0; i <= number; i++, line = end)
		value = strtoul(line, &end, 10);
	return (uint32_t)value;
}

static bool read_dropped(uint16_t queue, uint32_t *dropped)
{
	FILE *file = fopen(KERNEL_QUEUES, "re");
	bool found = false;
	char line[256];

	if (file == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), file) != NULL) {
		found = column(line, 0) == queue;
		*dropped = column(line, 5) + column(line, 6);
	}
	fclose(file);
	return found;
}

bool cdf_loss_due(const struct cdf_loss *loss, uint64_t now)
{
	return loss->missing > 0 && now - loss->looked >= LOOK_INTERVAL;
}

uint32_t cdf_loss_explain(struct cdf_loss *loss, bool presumed, uint64_t now,
			  uint32_t *passed)
{
	uint32_t missing = loss->missing, dropped = missing, seen;

	loss->missing = 0;
	loss->looked = now;
	if (loss->unseen < missing) {
		if (!read_dropped(loss->queue, &seen)) {
			*passed = presumed ? 0 : missing;
			return missing - *passed;
		}
		/* The kernel's counters have 32 bits. */
		loss->unseen += (uint32_t)(seen - loss->kernel_dropped);
		loss->kernel_dropped = seen;
	}
	if (dropped > loss->unseen)
		dropped = (uint32_t)loss->unseen;
	loss->unseen -= dropped;
	*passed = missing - dropped;
	return dropped;
}
