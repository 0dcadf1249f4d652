/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A burst may wait, a backlog that stands is cut down. The queue is a stand-in
 * that notes what it is told; time is given, not waited for. */
#include "queue/overload.h"

#include "tap.h"

#define MILLISECOND 1000000u
#define START 5000000000u
#define MEAN 1400u
/* What a packet of MEAN bytes counts for in overload.c. */
#define TRUESIZE (768u + MEAN)
#define ROOM (128u << 20)

static uint32_t taken, room = ROOM, shortened;
static int fail_open = -1, lengthened, refusal;

int cdf_queue_backlog(const struct cdf_queue *queue, uint32_t *in_use,
		      uint32_t *all)
{
	(void)queue;
	*in_use = taken;
	*all = room;
	return 0;
}

int cdf_queue_fail_open(struct cdf_queue *queue, bool on)
{
	(void)queue;
	if (refusal < 0)
		return refusal;
	fail_open = on;
	return 0;
}

void cdf_queue_shorten(struct cdf_queue *queue, uint32_t bytes)
{
	(void)queue;
	shortened = bytes;
}

void cdf_queue_lengthen(struct cdf_queue *queue)
{
	(void)queue;
	lengthened++;
}

static struct cdf_overload begin(bool wanted)
{
	struct cdf_overload overload = { .fail_open = wanted };

	fail_open = -1;
	shortened = 0;
	lengthened = 0;
	refusal = 0;
	return overload;
}

/* Checks once every millisecond, from first to last. */
static void check(struct cdf_overload *overload, uint32_t packets, int first,
		  int last)
{
	taken = packets * TRUESIZE;
	for (int i = first; i <= last; i++)
		cdf_overload_check(overload, NULL, MEAN,
				   START + (uint64_t)i * MILLISECOND);
}

int main(void)
{
	struct cdf_overload overload = begin(true);

	check(&overload, 2000, 0, 49);
	ok(!overload.active && fail_open == -1, "49 ms of 2000 packets: no");
	check(&overload, 1023, 50, 50);
	check(&overload, 2000, 51, 100);
	ok(!overload.active, "nor twice, with less than 1024 between");
	check(&overload, 2000, 101, 101);
	ok(overload.active && fail_open == 0, "50 ms of it: shed");
	ok(cdf_overload_full(&overload) == CDF_FULL_OVERLOAD,
	   "what finds no room is dropped");
	ok(shortened == 1500 * TRUESIZE, "a quarter of them may not wait");
	check(&overload, 1500, 102, 150);
	ok(shortened == 1500 * TRUESIZE, "TCP has 50 ms to slow down");
	check(&overload, 1500, 151, 151);
	ok(shortened == 1125 * TRUESIZE, "then another quarter goes");
	check(&overload, 1125, 152, 400);
	ok(shortened == 1024 * TRUESIZE, "but 1024 packets may always wait");
	cdf_overload_end(&overload, NULL);
	ok(!overload.active && fail_open == 1 && lengthened == 1,
	   "all is as before once the buffer is empty");
	check(&overload, 2000, 401, 450);
	ok(!overload.active, "and the time counts anew");

	overload = begin(true);
	for (int i = 0; i <= 60; i++)
		cdf_overload_check(&overload, NULL, 60000,
				   START + (uint64_t)i * MILLISECOND);
	ok(!overload.active, "GSO packets may stand");

	overload = begin(true);
	check(&overload, ROOM / 2 / TRUESIZE + 1, 0, 0);
	ok(overload.active, "half of the receive buffer: at once");
	overload = begin(true);
	room = UINT32_MAX;
	check(&overload, 32768, 0, 0);
	ok(overload.active, "half of the kernel's table: at once");
	room = ROOM;

	overload = begin(false);
	check(&overload, 1100, 0, 50);
	ok(overload.active && shortened > 0 && fail_open == -1,
	   "without fail-open the backlog is cut all the same");
	cdf_overload_end(&overload, NULL);
	ok(lengthened == 1 && fail_open == -1 &&
		   cdf_overload_full(&overload) == CDF_FULL_STALL,
	   "and given back, with fail-open still off");

	overload = begin(true);
	refusal = -1;
	check(&overload, 1100, 0, 60);
	ok(!overload.active && shortened == 0,
	   "nothing is cut while fail-open cannot be turned off");
	overload = begin(true);
	overload.frozen = true;
	check(&overload, 40000, 0, 60);
	ok(!overload.active && fail_open == -1, "a held queue stays as it is");
	return done();
}
