/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loss.h"

#include <stdio.h>
#include <stdlib.h>

/* Of the calling thread's network namespace, which may not be the process's. */
#define KERNEL_QUEUES "/proc/thread-self/net/netfilter/nfnetlink_queue"

void cdf_loss_start(struct cdf_loss *loss, uint16_t queue)
{
	loss->queue = queue;
	loss->kernel_dropped = 0;
	loss->unseen = 0;
}

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

uint32_t cdf_loss_dropped(struct cdf_loss *loss, uint32_t gap, bool presumed)
{
	uint32_t now;

	if (loss->unseen < gap) {
		if (!read_dropped(loss->queue, &now))
			return presumed ? gap : 0;
		/* The kernel's counters have 32 bits. */
		loss->unseen += (uint32_t)(now - loss->kernel_dropped);
		loss->kernel_dropped = now;
	}
	if (gap > loss->unseen)
		gap = (uint32_t)loss->unseen;
	loss->unseen -= gap;
	return gap;
}
