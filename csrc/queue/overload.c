/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "overload.h"

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

static void cut(struct cdf_overload *overload, struct cdf_queue *queue,
		uint32_t from, uint32_t least, uint64_t now)
{
	overload->since = now;
	overload->limit = from - from / 4;
	if (overload->limit < least)
		overload->limit = least;
	cdf_queue_shorten(queue, overload->limit);
}

static bool is_too_long(const struct cdf_overload *overload, uint32_t taken,
			uint32_t room, uint32_t packets, uint64_t now)
{
	return taken >= room / BUFFER_SHARE || packets >= BACKLOG_PACKETS ||
	       (overload->since != 0 && now - overload->since >= STANDING_TIME);
}

void cdf_overload_check(struct cdf_overload *overload, struct cdf_queue *queue,
			uint32_t mean, uint64_t now)
{
	uint32_t least = least_of(mean), taken, room;

	if (overload->frozen)
		return;
	if (overload->active) {
		if (now - overload->since >= STANDING_TIME &&
		    overload->limit > least)
			cut(overload, queue, overload->limit, least, now);
		return;
	}
	if (cdf_queue_backlog(queue, &taken, &room) < 0)
		return;
	/* GSO packets fit no cache anyway, and are TCP's, which ends by
	 * itself. */
	if (taken < least || mean > CDF_LARGE)
		overload->since = 0;
	else if (overload->since == 0)
		overload->since = now;
	if (is_too_long(overload, taken, room, taken / (PACKET_OVERHEAD + mean),
			now))
		cdf_overload_begin(overload, queue, mean, now);
}

void cdf_overload_begin(struct cdf_overload *overload, struct cdf_queue *queue,
			uint32_t mean, uint64_t now)
{
	uint32_t taken, room;

	if (overload->active || overload->frozen ||
	    (overload->fail_open && cdf_queue_fail_open(queue, false) < 0))
		return;
	overload->active = true;
	if (cdf_queue_backlog(queue, &taken, &room) == 0)
		cut(overload, queue, taken, least_of(mean), now);
}

void cdf_overload_end(struct cdf_overload *overload, struct cdf_queue *queue)
{
	overload->since = 0;
	if (!overload->active || overload->frozen ||
	    (overload->fail_open && cdf_queue_fail_open(queue, true) < 0))
		return;
	overload->active = false;
	cdf_queue_lengthen(queue);
}
