/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shedding.h"

/*
 * Half of what there is room for: the receive buffer, and, on kernels that look
 * packets up in a table, the 65,536 packets that the table takes from all queues
 * together (the insertion fails with E2BIG; seen on 6.18.44).
 */
#define BUFFER_SHARE 2
#define BACKLOG_PACKETS 32768
/* What a waiting packet takes of the receive buffer besides its bytes, at
 * least: 832 were seen for one of 64 bytes, 2,304 for one of 1,400. */
#define PACKET_OVERHEAD 768

void cdf_shedding_check(struct cdf_shedding *shedding, struct cdf_queue *queue,
			uint32_t mean)
{
	uint32_t taken, room;

	if (cdf_shedding_drops(shedding) || shedding->held ||
	    cdf_queue_backlog(queue, &taken, &room) < 0)
		return;
	if (taken >= room / BUFFER_SHARE ||
	    taken / (PACKET_OVERHEAD + mean) >= BACKLOG_PACKETS)
		cdf_shedding_begin(shedding, queue);
}

void cdf_shedding_begin(struct cdf_shedding *shedding, struct cdf_queue *queue)
{
	if (!cdf_shedding_drops(shedding) && !shedding->held)
		shedding->active = cdf_queue_fail_open(queue, false) == 0;
}

void cdf_shedding_end(struct cdf_shedding *shedding, struct cdf_queue *queue)
{
	if (shedding->active && !shedding->held)
		shedding->active = cdf_queue_fail_open(queue, true) != 0;
}
