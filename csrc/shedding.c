/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shedding.h"

#include "clock.h"

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
/* More than this for longer than that is no burst. */
#define STANDING_PACKETS (4 * CDF_BATCH)
#define STANDING_TIME (CDF_SECOND / 20)

void cdf_shedding_check(struct cdf_shedding *shedding, struct cdf_queue *queue,
			uint32_t mean, uint64_t now)
{
	uint32_t taken, room, packets;

	if (shedding->active || shedding->held ||
	    cdf_queue_backlog(queue, &taken, &room) < 0)
		return;
	packets = taken / (PACKET_OVERHEAD + mean);
	if (packets < STANDING_PACKETS)
		shedding->since = 0;
	else if (shedding->since == 0)
		shedding->since = now;
	if (taken >= room / BUFFER_SHARE || packets >= BACKLOG_PACKETS ||
	    (shedding->since != 0 && now - shedding->since >= STANDING_TIME))
		cdf_shedding_begin(shedding, queue, mean);
}

void cdf_shedding_begin(struct cdf_shedding *shedding, struct cdf_queue *queue,
			uint32_t mean)
{
	if (shedding->active || shedding->held ||
	    (shedding->fail_open && cdf_queue_fail_open(queue, false) < 0))
		return;
	shedding->active = true;
	cdf_queue_shorten(queue, STANDING_PACKETS * (PACKET_OVERHEAD + mean));
}

void cdf_shedding_end(struct cdf_shedding *shedding, struct cdf_queue *queue)
{
	shedding->since = 0;
	if (!shedding->active || shedding->held ||
	    (shedding->fail_open && cdf_queue_fail_open(queue, true) < 0))
		return;
	shedding->active = false;
	cdf_queue_lengthen(queue);
}
