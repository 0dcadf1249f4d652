/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Identifications out of a lease (layout.h): no lock, no call. */
#ifndef CDF_FASTPATH_LEASE_H
#define CDF_FASTPATH_LEASE_H

#include "layout.h"

/*
 * The number at a position of a block: a Feistel network over halves of 4 bits.
 * Its round functions are tables of 16 random values each, one key a table.
 */
CDF_INLINE uint32_t cdf_lease_permute(const __u64 key[3], uint32_t position)
{
	uint32_t left = position >> 4 & 15, right = position & 15;

	left ^= key[0] >> (4 * right) & 15;
	right ^= key[1] >> (4 * left) & 15;
	left ^= key[2] >> (4 * right) & 15;
	return left << 4 | right;
}

/** Whether a lease has numbers left for a run. */
CDF_INLINE int cdf_lease_fits(const struct cdf_fast_lease *lease, uint32_t run)
{
	if (run > 1)
		return cdf_open_block_fits(&lease->run, run);
	return lease->open && lease->used < CDF_BLOCK_SIZE;
}

/**
 * Draw the block that a run needs; the one in use goes back.
 * @param key random, of this block alone
 */
CDF_INLINE void cdf_lease_renew(struct cdf_fast_lease *lease,
				struct cdf_blocks *blocks, uint32_t run,
				const __u64 key[3])
{
	uint8_t block;

	if (run > 1) {
		cdf_open_block_renew(&lease->run, blocks);
		return;
	}
	block = cdf_blocks_draw(blocks);
	if (lease->open)
		cdf_blocks_return(blocks, lease->block);
	lease->open = 1;
	lease->block = block;
	lease->used = 0;
	lease->key[0] = key[0];
	lease->key[1] = key[1];
	lease->key[2] = key[2];
}

/** Give out a run that fits. @return its first number, never 0 */
CDF_INLINE uint32_t cdf_lease_draw(struct cdf_fast_lease *lease, uint32_t run)
{
	if (run > 1)
		return cdf_open_block_cut(&lease->run, run);
	return (uint32_t)lease->block << 8 |
	       cdf_lease_permute(lease->key, lease->used++);
}

/**
 * Take a run from a slot whose lock is held: by the lease, which gets a block if
 * there are enough, or else from the blocks that such CPUs share.
 * @return its first number
 */
CDF_INLINE uint32_t cdf_slot_take(struct cdf_fast_slot *slot,
				  struct cdf_fast_lease *lease, uint32_t run,
				  const __u64 key[3])
{
	int held = run > 1 ? lease->run.open : lease->open;

	if (held || slot->blocks.queued > CDF_FAST_RESERVE) {
		cdf_lease_renew(lease, &slot->blocks, run, key);
		return cdf_lease_draw(lease, run);
	}
	if (!cdf_lease_fits(&slot->shared, run))
		cdf_lease_renew(&slot->shared, &slot->blocks, run, key);
	return cdf_lease_draw(&slot->shared, run);
}

#endif
