/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "deck.h"

#include <string.h>
#include <sys/random.h>

#define BLOCK_SIZE 256u
#define HAND_SIZE (CDF_HAND_BLOCKS * BLOCK_SIZE)

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

static uint8_t draw_block(struct cdf_deck *deck)
{
	deck->queued--;
	return deck->queue[deck->head++];
}

static void return_block(struct cdf_deck *deck, uint8_t block)
{
	deck->queue[(uint8_t)(deck->head + deck->queued)] = block;
	deck->queued++;
}

static void deal_hand(struct cdf_deck *deck)
{
	/* Drawn before the old ones go back, which so wait the longest. */
	uint8_t fresh[CDF_HAND_BLOCKS];

	for (size_t i = 0; i < CDF_HAND_BLOCKS; i++)
		fresh[i] = draw_block(deck);
	for (size_t i = 0; i < CDF_HAND_BLOCKS; i++)
		return_block(deck, deck->hand[i]);
	memcpy(deck->hand, fresh, sizeof(fresh));
	deck->dealt = 0;
	randomize(deck->key, sizeof(deck->key));
}

void cdf_deck_start(struct cdf_deck *deck, const uint64_t seed[2])
{
	uint64_t random = 0;

	memset(deck, 0, sizeof(*deck));
	for (unsigned int i = 0; i < CDF_BLOCKS; i++)
		deck->queue[i] = (uint8_t)i;
	for (unsigned int i = CDF_BLOCKS - 1; i > 0; i--) {
		uint8_t block = deck->queue[i];
		unsigned int j;

		/* Two draws of 32 bits from each word. */
		random = i % 2 ? cdf_mix(seed[0] ^ cdf_mix(seed[1] + i))
			       : random >> 32;
		j = (uint32_t)random % (i + 1);
		deck->queue[i] = deck->queue[j];
		deck->queue[j] = block;
	}
	deck->queued = CDF_BLOCKS;
	for (size_t i = 0; i < CDF_HAND_BLOCKS; i++)
		deck->hand[i] = draw_block(deck);
	deck->key[0] = cdf_mix(seed[0] ^ cdf_mix(seed[1] + CDF_BLOCKS));
	deck->key[1] = cdf_mix(seed[1] ^ cdf_mix(seed[0] + CDF_BLOCKS));
	deck->next = (uint16_t)cdf_mix(deck->key[0] + deck->key[1]);
}

static uint16_t take_single(struct cdf_deck *deck)
{
	uint16_t identification;

	do {
		uint16_t card;

		if (deck->dealt == HAND_SIZE)
			deal_hand(deck);
		card = permute(deck->key, deck->dealt++);
		identification = (uint16_t)(deck->hand[card / BLOCK_SIZE] << 8 |
					    card % BLOCK_SIZE);
	} while (identification == 0);
	return identification;
}

static uint16_t take_run(struct cdf_deck *deck, unsigned int run)
{
	uint16_t first;

	if (!deck->run_open || deck->run_used + run > BLOCK_SIZE) {
		uint8_t block = draw_block(deck);

		if (deck->run_open)
			return_block(deck, deck->run_block);
		deck->run_open = true;
		deck->run_block = block;
		deck->run_used = block == 0; /* 0 itself is never given */
	}
	first = (uint16_t)(deck->run_block << 8 | deck->run_used);
	deck->run_used = (uint16_t)(deck->run_used + run);
	return first;
}

uint16_t cdf_deck_next(struct cdf_deck *deck, unsigned int run)
{
	uint16_t first = deck->next;

	if (first == 0 || first + run > 0x10000)
		first = 1;
	deck->next = (uint16_t)(first + run);
	return first;
}

uint16_t cdf_deck_draw(struct cdf_deck *deck, unsigned int run)
{
	return run == 1 ? take_single(deck) : take_run(deck, run);
}
