/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The identifications of one destination and protocol: a pool of 256 blocks of 256 numbers.
 *
 * Blocks leave the queue at its head and, once used up, come back at its tail,
 * so that a number cannot return before nearly all others have had their turn.
 * Single datagrams draw from a window of 32 blocks, in the order of a permutation
 * with a fresh random key for each window. Runs, which have to be contiguous, are
 * cut from one open block at a time.
 *
 * The promise, in numbers: a block that has come back waits behind at least
 * 256 - 2 * 32 - 2 = 190 others (the current window and the next, the open block
 * and itself aside). A window gives 8,191 numbers or more, and an open block is
 * given up only when the next run, 56 at most, does not fit, so after 201
 * numbers at least: 190 * 201 = 38,190 between two uses of a number. In
 * datagrams that is 31,300 when every one comes from a GSO packet that takes
 * 1,200 bytes for a segment and has segments of 1,460.
 */
#ifndef CDF_ID_POOL_H
#define CDF_ID_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "id_blocks.h"

#define CDF_WINDOW_BLOCKS 32u
/* Longest run; a block fits four of them. */
#define CDF_RUN_MAX 56u
/* Of the permutation of a window. */
#define CDF_ROUNDS 6u
/* What a pool takes of a secret's numbers at most: one for each block, one for
 * each round, one for where a sequence begins. */
#define CDF_POOL_NUMBERS (2 * CDF_BLOCKS)

struct cdf_id_pool {
	struct cdf_blocks blocks;

	uint8_t window[CDF_WINDOW_BLOCKS];
	uint16_t used; /* of WINDOW_SIZE */
	uint64_t key[CDF_ROUNDS];

	struct cdf_open_block run;

	uint16_t next; /* sequential */
};

/* What random numbers are made of. */
struct cdf_secret {
	uint64_t word[2];
};

/** The random number of a secret that has this number. */
static inline uint64_t cdf_keyed(const struct cdf_secret *secret,
				 uint64_t number)
{
	return cdf_mix(secret->word[0] ^ cdf_mix(secret->word[1] ^ number));
}

/**
 * Shuffle a new pool.
 * @param secret that it is made of; later windows ask the kernel for theirs
 *        (getentropy(3)), which would be slow for each new pair
 * @param number of the pool among those made of this secret
 */
void cdf_id_pool_start(struct cdf_id_pool *pool,
		       const struct cdf_secret *secret, uint64_t number);

/** Draw a run of 1 to CDF_RUN_MAX numbers; the first is returned, never 0. */
uint16_t cdf_id_pool_draw(struct cdf_id_pool *pool, unsigned int run);

/** The next run in plain sequence; the first is returned, never 0. */
uint16_t cdf_id_pool_next(struct cdf_id_pool *pool, unsigned int run);

#endif
