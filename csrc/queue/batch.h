/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many packets a turn takes.
 *
 * Each packet of a turn lands in a buffer of its own, and a buffer that a
 * GSO packet has reached keeps its 64 KiB resident. GSO packets bring as much
 * in fewer messages, so a few at a time are as fast as many.
 */
#ifndef CDF_BATCH_H
#define CDF_BATCH_H

#include <stdbool.h>
#include <stdint.h>

struct cdf_batch {
	uint32_t most; /* what a turn may take, CDF_BATCH at most */
	uint32_t mean; /* bytes of a packet, in the last turn with any */
	uint32_t calm; /* turns without a GSO packet, up to a limit */
	bool filled;   /* GSO packets have come to more buffers than usual */
};

void cdf_batch_start(struct cdf_batch *batch, uint32_t most);

/** @return packets to take in this turn */
uint32_t cdf_batch_size(const struct cdf_batch *batch);

/**
 * Note what a turn has brought: packets, their bytes, and how many of them were
 * GSO packets.
 * @return whether the buffers hold more memory than what comes needs
 */
bool cdf_batch_note(struct cdf_batch *batch, uint64_t packets, uint64_t bytes,
		    uint64_t large);

#endif
