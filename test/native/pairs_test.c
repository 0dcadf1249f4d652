/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of pairs that the identifications belong to: whose sequence is kept,
 * whose is forgotten, and which takes most. */
#include "packet/identification.h"

#include "tap.h"

static struct cdf_identifier *identifier;

/* Pairs that differ in address and protocol, as many as a quarter of the table
 * holds; counting up shows which of them are still known. */
#define TAKERS 2048

static struct cdf_pair pair_of(unsigned int i)
{
	/* Bytes as they lie in memory: neighbours differ in the last one. */
	return (struct cdf_pair){ (i % 128) << 24 | 0x0a, (uint8_t)(i / 128) };
}

/* Of the pairs from..to that were taken once: how many go on counting. */
static unsigned int known(unsigned int from, unsigned int to,
			  const uint16_t *before)
{
	unsigned int count = 0;

	for (unsigned int i = from; i < to; i++) {
		struct cdf_pair one = pair_of(i);
		uint16_t next = before[i] == 0xffff ? 1 : before[i] + 1;

		count += cdf_identifier_take(identifier, &one, 1) == next;
	}
	return count;
}

static void table(void)
{
	static uint16_t first[10 * TAKERS];
	unsigned int kept;

	identifier = cdf_identifier_new(CDF_IDENTIFICATION_SEQUENTIAL);
	for (unsigned int i = 0; i < TAKERS; i++) {
		struct cdf_pair one = pair_of(i);

		first[i] = cdf_identifier_take(identifier, &one, 1);
	}
	/* Two of them in a set on average: that a set has more than its eight
	 * places is 1 in 4,000, and then all of them are lost, as one after the
	 * other is asked for. Of a thousand sets six have it once in 10^7 runs. */
	kept = known(0, TAKERS, first);
	ok(kept > TAKERS * 97 / 100, "%u of %u pairs keep their sequence", kept,
	   TAKERS);
	for (unsigned int i = TAKERS; i < 10 * TAKERS; i++) {
		struct cdf_pair one = pair_of(i);

		first[i] = cdf_identifier_take(identifier, &one, 1);
	}
	kept = known(9 * TAKERS, 10 * TAKERS, first);
	ok(kept > TAKERS * 97 / 100,
	   "in a full table %u of the latest %u are known", kept, TAKERS);
	cdf_identifier_free(identifier);
}

/* Each pair once, alone in its window, wherever in the table it lies: twelve
 * for each of its sets, so that one is left out once in 150,000 runs. */
#define MEASURED 12288

static void every_place_is_measured(void)
{
	const uint64_t second = 1000000000u;
	struct cdf_busiest found;
	unsigned int seen = 0;

	identifier = cdf_identifier_new(CDF_IDENTIFICATION_RANDOM);
	cdf_identifier_busiest(identifier, second, &found);
	for (unsigned int i = 0; i < MEASURED; i++) {
		struct cdf_pair one = pair_of(i);

		cdf_identifier_take(identifier, &one, 1);
		seen += cdf_identifier_busiest(identifier, (i + 2) * second,
					       &found) &&
			found.pair.destination == one.destination &&
			found.pair.protocol == one.protocol &&
			found.per_second == 1;
	}
	ok(seen == MEASURED, "one identification is enough to be the busiest");
	cdf_identifier_free(identifier);
}

static void busiest(void)
{
	const uint64_t second = 1000000000u;
	struct cdf_pair pair = { 1, 47 }, idle = { 2, 6 };
	struct cdf_busiest found;
	bool any;

	identifier = cdf_identifier_new(CDF_IDENTIFICATION_RANDOM);
	cdf_identifier_take(identifier, &pair, 1);
	ok(!cdf_identifier_busiest(identifier, 5 * second, &found),
	   "no window yet, no busiest pair");
	for (int i = 0; i < 1000; i++)
		cdf_identifier_take(identifier, &pair, 2);
	cdf_identifier_take(identifier, &idle, 1);
	any = cdf_identifier_busiest(identifier, 7 * second, &found);
	ok(any && found.pair.destination == pair.destination &&
		   found.per_second == 1000,
	   "2,000 identifications in 2 s: %.0f per second", found.per_second);
	ok(cdf_identifier_busiest(identifier, 7 * second + 1, &found) &&
		   found.per_second == 1000,
	   "within a second the last window stands");
	ok(cdf_identifier_busiest(identifier, 8 * second - 1, &found),
	   "to its end");
	ok(!cdf_identifier_busiest(identifier, 8 * second, &found),
	   "a quiet window has none");
	cdf_identifier_free(identifier);
}

int main(void)
{
	table();
	busiest();
	every_place_is_measured();
	return done();
}
