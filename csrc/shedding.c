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
/* More than this for longer than that is no burst. The kernel's own queues are as
 * long; TCP loses packets by the thousand with a quarter of it. */
#define STANDING_PACKETS 1024
#define STANDING_TIME (CDF_SECOND / 20)

/* Bytes that may always wait. */
static uint32_t least_of(uint32_t mean)
{
	return STANDING_PACKETS * (PACKET_OVERHEAD + mean);
}

static void cut(struct cdf_shedding *shedding, struct cdf_queue *queue,
		uint32_t from, uint32_t least, uint64_t now)
{
	shedding->since = now;
	shedding->limit = from - from / 4;
	if (shedding->limit < least)
		shedding->limit = least;
	cdf_queue_shorten(queue, shedding->limit);
}

static bool is_too_long(const struct cdf_shedding *shedding, uint32_t taken,
			uint32_t room, uint32_t packets, uint64_t now)
{
	return taken >= room / BUFFER_SHARE || packets >= BACKLOG_PACKETS ||
	       (shedding->since != 0 && now - shedding->since >= STANDING_TIME);
}

void cdf_shedding_check(struct cdf_shedding *shedding, struct cdf_queue *queue,
			uint32_t mean, uint64_t now)
{
	uint32_t least = least_of(mean), taken, room;

	if (shedding->held)
		return;
	if (shedding->active) {
		if (now - shedding->since >= STANDING_TIME &&
		    shedding->limit > least)
			cut(shedding, queue, shedding->limit, least, now);
		return;
	}
	if (cdf_queue_backlog(queue, &taken, &room) < 0)
		return;
	/* Super-packets fit no cache anyway, and are TCP's, which ends by
	 * itself. */
	if (taken < least || mean > CDF_LARGE)
		shedding->since = 0;
	else if (shedding->since == 0)
		shedding->since = now;
	if (is_too_long(shedding, taken, room, taken / (PACKET_OVERHEAD + mean),
			now))
		cdf_shedding_begin(shedding, queue, mean, now);
}

void cdf_shedding_begin(struct cdf_shedding *shedding, struct cdf_queue *queue,
			uint32_t mean, uint64_t now)
{
	uint32_t taken, room;

	if (shedding->active || shedding->held ||
	    (shedding->fail_open && cdf_queue_fail_open(queue, false) < 0))
		return;
	shedding->active = true;
	if (cdf_queue_backlog(queue, &taken, &room) == 0)
		cut(shedding, queue, taken, least_of(mean), now);
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
