/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loss.h"

#include <string.h>

#include "clock.h"
#include "kernel_queue.h"

/* Nanoseconds between two looks. */
#define LOOK_INTERVAL (CDF_SECOND / 100)

void cdf_loss_start(struct cdf_loss *loss, uint16_t queue, uint32_t port,
		    int kernel)
{
	memset(loss, 0, sizeof(*loss));
	loss->queue = queue;
	loss->port = port;
	loss->kernel = kernel;
}

bool cdf_loss_due(const struct cdf_loss *loss, uint64_t now)
{
	return loss->missing > 0 && now - loss->looked >= LOOK_INTERVAL;
}

/* The queue's line, while it is ours. */
static bool look(struct cdf_loss *loss, enum cdf_full full,
		 struct cdf_kernel_queue *row)
{
	uint32_t user;

	if (!cdf_kernel_queue_read(loss->kernel, loss->queue, row) ||
	    row->port != loss->port)
		return false;
	user = row->user_dropped - loss->user_dropped;
	*(full == CDF_FULL_STALL ? &loss->unseen.full_buffer
				 : &loss->unseen.overload) += user;
	loss->unseen.full_queue +=
		(uint32_t)(row->queue_dropped - loss->queue_dropped);
	loss->user_dropped = row->user_dropped;
	loss->queue_dropped = row->queue_dropped;
	return true;
}

bool cdf_loss_look(struct cdf_loss *loss, enum cdf_full full, uint64_t now)
{
	struct cdf_kernel_queue row;

	loss->looked = now;
	return look(loss, full, &row);
}

static uint64_t take(uint64_t *unseen, uint32_t *missing)
{
	uint32_t taken = *unseen < *missing ? (uint32_t)*unseen : *missing;

	*unseen -= taken;
	*missing -= taken;
	return taken;
}

void cdf_loss_explain(struct cdf_loss *loss, enum cdf_full full, uint64_t now,
		      struct cdf_lost *lost)
{
	struct cdf_lost *unseen = &loss->unseen;
	uint32_t missing = loss->missing;
	bool known = true;

	memset(lost, 0, sizeof(*lost));
	loss->missing = 0;
	if (unseen->overload + unseen->full_buffer + unseen->full_queue <
	    missing)
		known = cdf_loss_look(loss, full, now);
	loss->looked = now;
	/* The oldest cause first. */
	lost->full_buffer = take(&unseen->full_buffer, &missing);
	lost->overload = take(&unseen->overload, &missing);
	lost->full_queue = take(&unseen->full_queue, &missing);
	if (known || full == CDF_FULL_PASSES)
		lost->passed = missing;
	else if (full == CDF_FULL_OVERLOAD)
		lost->overload += missing;
	else
		lost->full_buffer += missing;
}

uint32_t cdf_loss_end(struct cdf_loss *loss, uint32_t last, enum cdf_full full,
		      uint64_t now, struct cdf_lost *lost)
{
	struct cdf_kernel_queue row;
	bool known = look(loss, full, &row);

	if (known && row.sequence - last < 0x80000000)
		cdf_loss_note(loss, row.sequence - last);
	cdf_loss_explain(loss, full, now, lost);
	/* Dropped without a number: a full queue gives none. */
	lost->overload += loss->unseen.overload;
	lost->full_buffer += loss->unseen.full_buffer;
	lost->full_queue += loss->unseen.full_queue;
	memset(&loss->unseen, 0, sizeof(loss->unseen));
	return known ? row.waiting : 0;
}

void cdf_lost_count(const struct cdf_lost *lost, struct cdf_counters *counters,
		    struct cdf_faults *faults)
{
	uint64_t *value = counters->value;

	value[CDF_overrun] +=
		lost->overload + lost->full_buffer + lost->full_queue;
	value[CDF_overload] += lost->overload;
	value[CDF_queue_full] += lost->full_queue;
	value[CDF_leaked] += lost->passed;
	cdf_fault_note(faults, CDF_FAULT_OVERLOAD, lost->overload, 0);
	cdf_fault_note(faults, CDF_FAULT_OVERRUN, lost->full_buffer, 0);
	cdf_fault_note(faults, CDF_FAULT_QUEUE_FULL, lost->full_queue, 0);
	cdf_fault_note(faults, CDF_FAULT_LEAKING, lost->passed, 0);
}
