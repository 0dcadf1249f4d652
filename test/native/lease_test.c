/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Identifications of the fast path by many CPUs at once: what csrc/fastpath/
 * layout.h promises, played through with CPUs that take turns at random, some
 * of which hardly ever come.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fastpath/lease.h"
#include "tap.h"

#define CPUS_MAX 256
#define TAKEN 2000000u
#define PROMISED 30000u

static uint64_t state;

static uint64_t draw(void)
{
	return cdf_mix(state += 0x9e3779b97f4a7c15u);
}

static void start(struct cdf_fast_slot *slot)
{
	memset(slot, 0, sizeof(*slot));
	for (unsigned int i = 0; i < CDF_FAST_BLOCKS; i++)
		slot->blocks.ring[i] = (uint8_t)(i + 1);
	slot->blocks.queued = CDF_FAST_BLOCKS;
	slot->secret = draw();
}

/* As the program in the kernel takes them. */
static uint32_t take(struct cdf_fast_slot *slot, struct cdf_fast_lease *lease,
		     uint32_t run)
{
	__u64 key[3] = { draw(), draw(), draw() };

	if (cdf_lease_fits(lease, run))
		return cdf_lease_draw(lease, run);
	return cdf_slot_take(slot, lease, run, key);
}

/* Half of the CPUs do nearly all of the work: the others keep their blocks. */
static unsigned int which_cpu(unsigned int cpus)
{
	unsigned int busy = (cpus + 1) / 2;

	return (unsigned int)(draw() % (draw() % 4096 == 0 ? cpus : busy));
}

/* @param runs longest run, 1: singles only. @return least distance; 0: a 0 */
static uint32_t play(unsigned int cpus, uint32_t runs)
{
	static struct cdf_fast_lease lease[CPUS_MAX];
	static uint32_t last[65536];
	struct cdf_fast_slot slot;
	uint32_t taken = 0, least = UINT32_MAX;

	memset(lease, 0, sizeof(lease));
	memset(last, 0, sizeof(last));
	start(&slot);
	while (taken < TAKEN) {
		uint32_t run = 1 + (uint32_t)(draw() % runs);
		uint32_t first = take(&slot, &lease[which_cpu(cpus)], run);

		if (first == 0 || first + run > 65536)
			return 0;
		for (uint32_t id = first; id < first + run; id++) {
			taken++;
			if (last[id] != 0 && taken - last[id] < least)
				least = taken - last[id];
			last[id] = taken;
		}
	}
	return least;
}

static void check_promise(void)
{
	static const unsigned int cpus[] = { 1, 2, 8, 19, 20, 64, 256 };
	static const uint32_t runs[] = { 1, 45, CDF_FAST_RUN_MAX };

	for (size_t i = 0; i < sizeof(cpus) / sizeof(cpus[0]); i++)
		for (size_t j = 0; j < sizeof(runs) / sizeof(runs[0]); j++) {
			uint32_t least = play(cpus[i], runs[j]);

			ok(least >= PROMISED,
			   "%u CPUs, runs of up to %u: none is 0, none repeats "
			   "within %u",
			   cpus[i], runs[j], PROMISED);
			printf("# least distance %u\n", least);
		}
}

/* Whatever the keys: every number of a block, and none twice. */
static void check_permutation(void)
{
	bool whole = true;

	for (int i = 0; i < 1000; i++) {
		__u64 key[3] = { draw(), draw(), draw() };
		bool seen[CDF_BLOCK_SIZE] = { false };

		for (uint32_t at = 0; at < CDF_BLOCK_SIZE; at++)
			seen[cdf_lease_permute(key, at)] = true;
		for (uint32_t at = 0; at < CDF_BLOCK_SIZE; at++)
			whole &= seen[at];
	}
	ok(whole, "a block gives each of its numbers once, in any order");
}

int main(void)
{
	state = 1;
	check_promise();
	check_permutation();
	return done();
}
