/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "id_pool.h"

#include <string.h>
#include <sys/random.h>

#define BLOCK_SIZE 256u
#define WINDOW_SIZE (CDF_WINDOW_BLOCKS * BLOCK_SIZE)

uint64_t cdf_mix(uint64_t x)
{
	/* The finalizer of splitmix64. */
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static void randomize(void *into, size_t size)
{
	/* Up to 256 bytes never fail nor come short once seeded (getrandom(2)),
	 * and the allocator's maker has waited for the seed. */
	uint8_t *at = into;

	while (size > 0) {
		size_t part = size < 256 ? size : 256;

		if (getrandom(at, part, 0) != (ssize_t)part)
			continue;
		at += part;
		size -= part;
	}
}

/*
 * A keyed permutation of 0..8191: a Feistel network over halves of 6 and 7
 * bits that trade places each round.
 */
static uint16_t permute(const uint64_t key[2], uint16_t position)
{
	uint32_t left = position >> 7, right = position & 0x7f;

	for (unsigned int round = 0; round < 3; round++) {
		left ^= cdf_mix(key[0] ^ (right << 8) ^ (2 * round)) & 0x3f;
		right ^= cdf_mix(key[1] ^ (left << 8) ^ (2 * round + 1)) & 0x7f;
	}
	return (uint16_t)(left << 7 | right);
}

static uint8_t draw_block(struct cdf_id_pool *pool)
{
	pool->queued--;
	return pool->queue[pool->head++];
}

static void return_block(struct cdf_id_pool *pool, uint8_t block)
{
	pool->queue[(uint8_t)(pool->head + pool->queued)] = block;
	pool->queued++;
}

static void next_window(struct cdf_id_pool *pool)
{
	/* Drawn before the old ones go back, which so wait the longest. */
	uint8_t fresh[CDF_WINDOW_BLOCKS];

	for (size_t i = 0; i < CDF_WINDOW_BLOCKS; i++)
		fresh[i] = draw_block(pool);
	for (size_t i = 0; i < CDF_WINDOW_BLOCKS; i++)
		return_block(pool, pool->window[i]);
	memcpy(pool->window, fresh, sizeof(fresh));
	pool->used = 0;
	randomize(pool->key, sizeof(pool->key));
}

void cdf_id_pool_start(struct cdf_id_pool *pool, const uint64_t seed[2])
{
	uint64_t random = 0;

	memset(pool, 0, sizeof(*pool));
	for (unsigned int i = 0; i < CDF_BLOCKS; i++)
		pool->queue[i] = (uint8_t)i;
	for (unsigned int i = CDF_BLOCKS - 1; i > 0; i--) {
		uint8_t block = pool->queue[i];
		unsigned int j;

		/* Two draws of 32 bits from each word. */
		random = i % 2 ? cdf_mix(seed[0] ^ cdf_mix(seed[1] + i))
			       : random >> 32;
		j = (uint32_t)random % (i + 1);
		pool->queue[i] = pool->queue[j];
		pool->queue[j] = block;
	}
	pool->queued = CDF_BLOCKS;
	for (size_t i = 0; i < CDF_WINDOW_BLOCKS; i++)
		pool->window[i] = draw_block(pool);
	pool->key[0] = cdf_mix(seed[0] ^ cdf_mix(seed[1] + CDF_BLOCKS));
	pool->key[1] = cdf_mix(seed[1] ^ cdf_mix(seed[0] + CDF_BLOCKS));
	pool->next = (uint16_t)cdf_mix(pool->key[0] + pool->key[1]);
}

static uint16_t take_single(struct cdf_id_pool *pool)
{
	uint16_t identification;

	do {
		uint16_t position;

		if (pool->used == WINDOW_SIZE)
			next_window(pool);
		position = permute(pool->key, pool->used++);
		identification =
			(uint16_t)(pool->window[position / BLOCK_SIZE] << 8 |
				   position % BLOCK_SIZE);
	} while (identification == 0);
	return identification;
}

static uint16_t take_run(struct cdf_id_pool *pool, unsigned int run)
{
	uint16_t first;

	if (!pool->run_open || pool->run_used + run > BLOCK_SIZE) {
		uint8_t block = draw_block(pool);

		if (pool->run_open)
			return_block(pool, pool->run_block);
		pool->run_open = true;
		pool->run_block = block;
		pool->run_used = block == 0; /* 0 itself is never given */
	}
	first = (uint16_t)(pool->run_block << 8 | pool->run_used);
	pool->run_used = (uint16_t)(pool->run_used + run);
	return first;
}

uint16_t cdf_id_pool_next(struct cdf_id_pool *pool, unsigned int run)
{
	uint16_t first = pool->next;

	if (first == 0 || first + run > 0x10000)
		first = 1;
	pool->next = (uint16_t)(first + run);
	return first;
}

uint16_t cdf_id_pool_draw(struct cdf_id_pool *pool, unsigned int run)
{
	return run == 1 ? take_single(pool) : take_run(pool, run);
}
