/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GSO packets are taken a few at a time, and what they have filled is given
 * back once there are none. */
#include "queue/batch.h"

#include "tap.h"

#define SUPER 65000u
#define SMALL 100u

/* So many turns of small packets. @return how often memory was to be given back */
static int calm(struct cdf_batch *batch, int turns, uint32_t packets)
{
	int trims = 0;

	for (int i = 0; i < turns; i++)
		trims += cdf_batch_note(batch, packets,
					(uint64_t)packets * SMALL, 0);
	return trims;
}

/* One turn with small packets and GSO packets. */
static bool mixed(struct cdf_batch *batch, uint32_t small, uint32_t large)
{
	uint64_t bytes = (uint64_t)small * SMALL + (uint64_t)large * SUPER;

	return cdf_batch_note(batch, small + large, bytes, large);
}

int main(void)
{
	struct cdf_batch batch;

	cdf_batch_start(&batch, 64);
	ok(cdf_batch_size(&batch) == 4, "few until it is known what comes");
	mixed(&batch, 0, 4);
	ok(cdf_batch_size(&batch) == 4, "few while all are GSO packets");
	mixed(&batch, 60, 1);
	ok(cdf_batch_size(&batch) == 16, "some while one of them is");
	calm(&batch, 63, 16);
	ok(cdf_batch_size(&batch) == 16, "some until there was none for long");
	calm(&batch, 1000, 0);
	ok(cdf_batch_size(&batch) == 16, "turns without packets do not count");
	calm(&batch, 1, 16);
	ok(cdf_batch_size(&batch) == 64, "all after that");
	mixed(&batch, 63, 1);
	ok(cdf_batch_size(&batch) == 16, "some again with the first of them");

	cdf_batch_start(&batch, 2);
	ok(cdf_batch_size(&batch) == 2, "never more than was asked for: large");
	mixed(&batch, 2, 0);
	ok(cdf_batch_size(&batch) == 2, "mixed");
	calm(&batch, 100, 2);
	ok(cdf_batch_size(&batch) == 2, "small");

	cdf_batch_start(&batch, 64);
	for (int i = 0; i < 100; i++)
		mixed(&batch, 12, 4);
	ok(calm(&batch, 1000, 64) == 0, "what is filled by few is kept");
	ok(!mixed(&batch, 0, 64), "what a burst has filled is kept");
	ok(calm(&batch, 63, 16) == 0, "as long as more may come");
	ok(calm(&batch, 1000, 64) == 1, "and then given back, once");
	return done();
}
