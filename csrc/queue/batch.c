/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "batch.h"

#include "packet/packet.h"

/* Where most are GSO packets, and where some are. */
#define LARGE_BATCH 4u
#define MIXED_BATCH 16u
/* Turns after the last GSO packet until none are expected. */
#define CALM_TURNS 64u

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

void cdf_batch_start(struct cdf_batch *batch, uint32_t most)
{
	batch->most = most;
	/* Until it is known what comes. */
	batch->mean = CDF_LARGE + 1;
	batch->calm = 0;
	batch->filled = false;
}

uint32_t cdf_batch_size(const struct cdf_batch *batch)
{
	if (batch->mean > CDF_LARGE)
		return smaller(LARGE_BATCH, batch->most);
	if (batch->calm < CALM_TURNS)
		return smaller(MIXED_BATCH, batch->most);
	return batch->most;
}

bool cdf_batch_note(struct cdf_batch *batch, uint64_t packets, uint64_t bytes,
		    uint64_t large)
{
	if (packets == 0)
		return false;
	batch->mean = (uint32_t)(bytes / packets);
	if (large > 0) {
		batch->calm = 0;
		batch->filled |= packets > MIXED_BATCH;
		return false;
	}
	batch->calm = smaller(batch->calm + 1, CALM_TURNS);
	if (batch->calm < CALM_TURNS || !batch->filled)
		return false;
	batch->filled = false;
	return true;
}
