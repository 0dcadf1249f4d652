/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "id_pool.h"

#include <string.h>
#include <unistd.h>

#define WINDOW_SIZE (CDF_WINDOW_BLOCKS * CDF_BLOCK_SIZE)

/*
 * A keyed permutation of 0..8191: a Feistel network over halves of 6 and 7
 * bits, with a key for each round.
 */
static uint16_t permute(const uint64_t key[CDF_ROUNDS], uint16_t position)
{
	uint32_t left = position >> 7, right = position & 0x7f;

	for (unsigned int round = 0; round < CDF_ROUNDS; round += 2) {
		left ^= cdf_mix(key[round] ^ right) & 0x3f;
		right ^= cdf_mix(key[round + 1] ^ left) & 0x7f;
	}
	return (uint16_t)(left << 7 | right);
}

static void next_window(struct cdf_id_pool *pool)
{
	/* Drawn before the old ones go back, which so wait the longest. */
	uint8_t fresh[CDF_WINDOW_BLOCKS];

	for (size_t i = 0; i < CDF_WINDOW_BLOCKS; i++)
		fresh[i] = cdf_blocks_draw(&pool->blocks);
	for (size_t i = 0; i < CDF_WINDOW_BLOCKS; i++)
		cdf_blocks_return(&pool->blocks, pool->window[i]);
	memcpy(pool->window, fresh, sizeof(fresh));
	pool->used = 0;
	/* So few bytes never fail nor come short once seeded (getentropy(3)), and
	 * the allocator's maker has waited for the seed. */
	while (getentropy(pool->key, sizeof(pool->key)) != 0)
		continue;
}

void cdf_id_pool_start(struct cdf_id_pool *pool,
		       const struct cdf_secret *secret, uint64_t number)
{
	/* Of the secret's numbers, those of no other pool. */
	uint64_t next = number * CDF_POOL_NUMBERS;

	memset(pool, 0, sizeof(*pool));
	/* A shuffle that fills what it shuffles. */
	for (unsigned int i = 0; i < CDF_BLOCKS; i++) {
		unsigned int j = (uint32_t)cdf_keyed(secret, next++) % (i + 1);

		pool->blocks.ring[i] = pool->blocks.ring[j];
		pool->blocks.ring[j] = (uint8_t)i;
	}
	pool->blocks.queued = CDF_BLOCKS;
	for (size_t i = 0; i < CDF_WINDOW_BLOCKS; i++)
		pool->window[i] = cdf_blocks_draw(&pool->blocks);
	for (size_t i = 0; i < CDF_ROUNDS; i++)
		pool->key[i] = cdf_keyed(secret, next++);
	pool->next = (uint16_t)cdf_keyed(secret, next);
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
			(uint16_t)(pool->window[position / CDF_BLOCK_SIZE]
					   << 8 |
				   position % CDF_BLOCK_SIZE);
	} while (identification == 0);
	return identification;
}

static uint16_t take_run(struct cdf_id_pool *pool, unsigned int run)
{
	if (!cdf_open_block_fits(&pool->run, run))
		cdf_open_block_renew(&pool->run, &pool->blocks);
	return cdf_open_block_cut(&pool->run, run);
}

uint16_t cdf_id_pool_next(struct cdf_id_pool *pool, unsigned int run)
{
	return cdf_sequence_next(&pool->next, run);
}

uint16_t cdf_id_pool_draw(struct cdf_id_pool *pool, unsigned int run)
{
	return run == 1 ? take_single(pool) : take_run(pool, run);
}
