/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one pool of identifications is made of: blocks, windows, and the keys of
 * a window's order. */
#include "packet/id_pool.h"

#include <string.h>

#include "tap.h"

/* The numbers of one window by position, with these keys; block 0, which would
 * lose the number 0, is not in it. */
static void order_of(struct cdf_id_pool *pool, uint16_t *order)
{
	for (unsigned int i = 0; i < CDF_WINDOW_BLOCKS; i++)
		pool->window[i] = (uint8_t)(i + 1);
	pool->used = 0;
	for (unsigned int i = 0; i < CDF_WINDOW_BLOCKS * 256; i++)
		order[i] = cdf_id_pool_draw(pool, 1);
}

/* In how many places two orders differ. */
static unsigned int differing(const uint16_t *one, const uint16_t *other)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < CDF_WINDOW_BLOCKS * 256; i++)
		count += one[i] != other[i];
	return count;
}

/* Distances between what neighbours become: one, were it no more than a shift;
 * 3,223 of the 8,192 there are, were each of the 4,096 pairs independent. */
static unsigned int distances(const uint16_t *order, unsigned int step)
{
	static bool seen[65536];
	unsigned int count = 0;

	memset(seen, 0, sizeof(seen));
	for (unsigned int i = 0; i < CDF_WINDOW_BLOCKS * 256; i++) {
		uint16_t distance = (order[i] - 256) ^ (order[i ^ step] - 256);

		count += !seen[distance];
		seen[distance] = true;
	}
	return count;
}

/* The next window gives all of its numbers, but for 0; and then every block is
 * in it or in the ring. */
static bool next_is_whole(struct cdf_id_pool *pool)
{
	const struct cdf_blocks *blocks = &pool->blocks;
	unsigned int drawn = 1, there = 0;
	bool zero = false, seen[CDF_BLOCKS] = { false };

	pool->used = 8192;
	cdf_id_pool_draw(pool, 1);
	for (unsigned int i = 0; i < CDF_WINDOW_BLOCKS; i++) {
		zero |= pool->window[i] == 0;
		seen[pool->window[i]] = true;
	}
	for (unsigned int i = 0; i < blocks->queued; i++)
		seen[blocks->ring[(uint8_t)(blocks->head + i)]] = true;
	for (unsigned int i = 0; i < CDF_BLOCKS; i++)
		there += seen[i];
	for (; pool->used < 8191; drawn++)
		cdf_id_pool_draw(pool, 1);
	return there == CDF_BLOCKS && drawn <= 8191 && drawn + zero >= 8191;
}

static void windows(void)
{
	static uint16_t order[8192], other[8192];
	static const struct cdf_secret secret = { { 1, 2 } },
				       changed = { { 1, 3 } };
	struct cdf_id_pool pool, next;
	unsigned int count = 0;
	bool seen[256] = { false }, good = true, once[65536] = { false };

	cdf_id_pool_start(&pool, &secret, 1);
	cdf_id_pool_start(&next, &secret, 2);
	good = pool.used == 0 && pool.run.open == 0 && pool.next != next.next;
	for (unsigned int i = 0; i < CDF_ROUNDS; i++)
		good = good && pool.key[i] != 0 && pool.key[i] != next.key[i];
	ok(good, "two pools of a secret have nothing in common");
	for (unsigned int i = 0; i < CDF_BLOCKS; i++) {
		seen[pool.blocks.ring[i]] = true;
		count += pool.blocks.ring[i] == next.blocks.ring[i];
	}
	for (unsigned int i = 0; i < CDF_BLOCKS; i++)
		good = good && seen[i];
	ok(good && count < 20, "all blocks are in the ring, in another order");
	cdf_id_pool_start(&next, &changed, 1);
	ok(next.key[0] != pool.key[0], "nor has one of another secret");

	order_of(&pool, order);
	for (unsigned int i = 0; i < 8192; i++) {
		good = good && order[i] >= 256 && !once[order[i]];
		once[order[i]] = true;
	}
	ok(good && pool.used == 8192,
	   "a window gives each of its numbers once");
	cdf_id_pool_start(&next, &secret, 3);
	for (unsigned int i = 0; i < 300; i++)
		good = good && next_is_whole(&next);
	ok(good, "so do the next 300, and no block is lost");
	for (unsigned int i = 0; i < CDF_ROUNDS; i++) {
		memset(pool.key, 0xff, sizeof(pool.key));
		order_of(&pool, order);
		pool.key[i] ^= 1u << 20;
		order_of(&pool, other);
		ok(differing(order, other) > 7000,
		   "the key of round %u changes %u places", i,
		   differing(order, other));
	}
	memset(pool.key, 0xff, sizeof(pool.key));
	order_of(&pool, order);
	ok(distances(order, 1) > 3000 && distances(order, 128) > 3000,
	   "neighbours in time are none in number: %u and %u distances",
	   distances(order, 1), distances(order, 128));
}

int main(void)
{
	windows();
	return done();
}
