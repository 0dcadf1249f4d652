/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Identifications in blocks of 256 that go round in a ring: a block leaves at
 * the head and, once used up, comes back at the tail, so that a number cannot
 * return before nearly all others have had their turn.
 *
 * Everything here is inline and calls nothing: the queue's id pool and the
 * program in the kernel are both made of it.
 */
#ifndef CDF_ID_BLOCKS_H
#define CDF_ID_BLOCKS_H

#include <stdint.h>

#include "inline.h"

#define CDF_BLOCKS 256u
#define CDF_BLOCK_SIZE 256u

struct cdf_blocks {
	uint8_t ring[CDF_BLOCKS]; /* the head is due next */
	uint16_t queued;
	uint8_t head;
	uint8_t pad;
};

/* The block that runs are cut from. */
struct cdf_open_block {
	uint8_t open;
	uint8_t block;
	uint16_t used; /* of CDF_BLOCK_SIZE */
};

CDF_INLINE uint8_t cdf_blocks_draw(struct cdf_blocks *blocks)
{
	uint8_t block = blocks->ring[blocks->head];

	blocks->head++;
	blocks->queued--;
	return block;
}

CDF_INLINE void cdf_blocks_return(struct cdf_blocks *blocks, uint8_t block)
{
	blocks->ring[(uint8_t)(blocks->head + blocks->queued)] = block;
	blocks->queued++;
}

/** Whether a run of contiguous numbers can still be cut from an open block. */
CDF_INLINE int cdf_open_block_fits(const struct cdf_open_block *open,
				   uint32_t run)
{
	return open->open && open->used + run <= CDF_BLOCK_SIZE;
}

/** Draw a block to cut runs from; the one in use goes back. */
CDF_INLINE void cdf_open_block_renew(struct cdf_open_block *open,
				     struct cdf_blocks *blocks)
{
	uint8_t block = cdf_blocks_draw(blocks);

	if (open->open)
		cdf_blocks_return(blocks, open->block);
	open->open = 1;
	open->block = block;
	open->used = block == 0; /* 0 itself is never given */
}

/** Cut a run that fits. @return its first number; the others follow upwards */
CDF_INLINE uint16_t cdf_open_block_cut(struct cdf_open_block *open,
				       uint32_t run)
{
	uint16_t first = (uint16_t)(open->block << 8 | open->used);

	open->used = (uint16_t)(open->used + run);
	return first;
}

/** The next run in plain sequence; the first is returned, never 0. */
CDF_INLINE uint16_t cdf_sequence_next(uint16_t *next, uint32_t run)
{
	uint32_t first = *next;

	if (first == 0 || first + run > 0x10000)
		first = 1;
	*next = (uint16_t)(first + run);
	return (uint16_t)first;
}

/** The finalizer of splitmix64: every bit of x moves every bit of the result. */
CDF_INLINE uint64_t cdf_mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

#endif
