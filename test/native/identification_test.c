/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The identification promise: never 0, and none repeated for a destination within
 * 30,000 consecutive datagrams, from 1 to 8 threads, runs included; and hard
 * enough to guess. */
#include "packet/identification.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define PROMISE 30000
#define THREADS_MAX 8
#define DATAGRAMS 400000

static struct cdf_identifier *identifier;
static const struct cdf_pair pair = { 0x0200020a, 47 };

/* What one thread took: the run was taken after the clock stood at begin and
 * before it stood at end. The clock counts datagrams. */
struct taking {
	uint32_t begin, end;
	uint16_t first, run;
};

struct taker {
	pthread_t thread;
	unsigned int seed;
	unsigned int longest;
	size_t count;
	struct taking *takings;
};

static _Atomic uint32_t datagrams;

static void *take_many(void *argument)
{
	struct taker *taker = argument;

	for (;;) {
		struct taking *taking = &taker->takings[taker->count];
		unsigned int draw = (unsigned int)rand_r(&taker->seed);

		taking->run =
			(uint16_t)(draw % 3 ? 1
					    : 1 + draw / 3 % taker->longest);
		taking->begin = atomic_load(&datagrams);
		if (taking->begin >= DATAGRAMS)
			return NULL;
		taking->first =
			cdf_identifier_take(identifier, &pair, taking->run);
		taking->end =
			atomic_fetch_add(&datagrams, taking->run) + taking->run;
		taker->count++;
	}
}

static int by_begin(const void *a, const void *b)
{
	const struct taking *left = a, *right = b;

	return left->begin < right->begin ? -1 : left->begin > right->begin;
}

/* @return the shortest distance between two uses of a number; 0 when a number
 * was 0. When a number was taken is only known to lie between begin and end, so
 * each distance is the longest that it can have been. */
static uint32_t shortest_distance(struct taker *takers, unsigned int threads)
{
	static uint32_t last_begin[65536], last_end[65536];
	static bool seen[65536];
	struct taking *all = NULL;
	uint32_t shortest = UINT32_MAX;
	size_t count = 0;

	for (unsigned int i = 0; i < threads; i++) {
		/* Others were through before it ran, on a busy machine. */
		if (takers[i].count == 0)
			continue;
		all = realloc(all, (count + takers[i].count) * sizeof(*all));
		memcpy(all + count, takers[i].takings,
		       takers[i].count * sizeof(*all));
		count += takers[i].count;
	}
	qsort(all, count, sizeof(*all), by_begin);
	memset(seen, 0, sizeof(seen));
	for (size_t i = 0; i < count; i++) {
		for (unsigned int j = 0; j < all[i].run; j++) {
			uint16_t id = (uint16_t)(all[i].first + j);
			uint32_t end = all[i].end;

			if (id == 0)
				shortest = 0;
			if (seen[id] && last_end[id] > end)
				end = last_end[id];
			if (seen[id] && end - last_begin[id] < shortest)
				shortest = end - last_begin[id];
			seen[id] = true;
			last_begin[id] = all[i].begin;
			last_end[id] = all[i].end;
		}
	}
	free(all);
	return shortest;
}

static void promise(enum cdf_identification_policy policy, const char *name,
		    unsigned int threads, unsigned int longest)
{
	struct taker takers[THREADS_MAX] = { 0 };
	uint32_t shortest;

	identifier = cdf_identifier_new(policy);
	atomic_store(&datagrams, 0);
	for (unsigned int i = 0; i < threads; i++) {
		takers[i].seed = threads * 100 + longest * 10 + i;
		takers[i].longest = longest;
		takers[i].takings =
			calloc(DATAGRAMS + 1, sizeof(struct taking));
		pthread_create(&takers[i].thread, NULL, take_many, &takers[i]);
	}
	for (unsigned int i = 0; i < threads; i++)
		pthread_join(takers[i].thread, NULL);
	shortest = shortest_distance(takers, threads);
	ok(shortest >= PROMISE,
	   "%s, %u threads, runs up to %u: shortest distance %u", name, threads,
	   longest, shortest);
	for (unsigned int i = 0; i < threads; i++)
		free(takers[i].takings);
	cdf_identifier_free(identifier);
}

/*
 * Blocks given up early are the worst case: 3 * 56 + 33 = 201 leave 55, which
 * the next run of 56 does not fit; singles come between so that both streams of
 * blocks run.
 */
static void worst_case(void)
{
	static uint32_t last[65536];
	uint32_t clock = 0, shortest = UINT32_MAX;
	static const unsigned int runs[] = { 56, 56, 56, 1, 33, 56, 2, 55, 56 };

	identifier = cdf_identifier_new(CDF_IDENTIFICATION_RANDOM);
	memset(last, 0, sizeof(last));
	for (size_t i = 0; clock < 2000000; i++) {
		unsigned int run = runs[i % (sizeof(runs) / sizeof(*runs))];
		uint16_t first = cdf_identifier_take(identifier, &pair, run);

		for (unsigned int j = 0; j < run; j++) {
			uint16_t id = (uint16_t)(first + j);

			clock++;
			if (last[id] != 0 && clock - last[id] < shortest)
				shortest = clock - last[id];
			last[id] = clock;
		}
	}
	ok(last[0] == 0 && shortest >= PROMISE,
	   "adversarial runs: shortest distance %u", shortest);
	cdf_identifier_free(identifier);
}

/* Chi-squared of counts against the uniform, as standard deviations away. */
static double deviation(const unsigned int *counts, unsigned int bins,
			unsigned int samples)
{
	double expected = (double)samples / bins, chi = 0;

	for (unsigned int i = 0; i < bins; i++)
		chi += (counts[i] - expected) * (counts[i] - expected) /
		       expected;
	return (chi - (bins - 1)) / sqrt(2.0 * (bins - 1));
}

static void hard_to_guess(void)
{
	unsigned int first[256] = { 0 }, low_pair[256] = { 0 };
	unsigned int step[256] = { 0 }, same = 0;
	const unsigned int samples = 262144;
	uint16_t previous;

	identifier = cdf_identifier_new(CDF_IDENTIFICATION_RANDOM);
	for (uint32_t i = 0; i < samples; i++) {
		struct cdf_pair other = { i, 47 };

		first[cdf_identifier_take(identifier, &other, 1) >> 8]++;
	}
	ok(deviation(first, 256, samples) < 5,
	   "the first of 262,144 destinations: %.1f deviations from even",
	   deviation(first, 256, samples));

	previous = cdf_identifier_take(identifier, &pair, 1);
	for (uint32_t i = 0; i < samples; i++) {
		uint16_t next = cdf_identifier_take(identifier, &pair, 1);

		low_pair[(previous & 0xf) << 4 | (next & 0xf)]++;
		step[(uint8_t)(next - previous)]++;
		same += previous >> 8 == next >> 8;
		previous = next;
	}
	ok(deviation(low_pair, 256, samples) < 5,
	   "the last digit says nothing of the next: %.1f deviations",
	   deviation(low_pair, 256, samples));
	ok(deviation(step, 256, samples) < 5,
	   "nor does the step: %.1f deviations", deviation(step, 256, samples));
	/* A hand has 32 blocks, so 1 in 32 falls into its predecessor's. */
	ok(same < samples / 32 * 11 / 10,
	   "1 in %.1f shares its upper byte with the last",
	   (double)samples / same);
	cdf_identifier_free(identifier);
}

/* A plain counter would pass the promise, so show that the tests above fail it. */
static void sequential_is_guessable(void)
{
	unsigned int step[256] = { 0 };
	uint16_t previous, next;

	identifier = cdf_identifier_new(CDF_IDENTIFICATION_SEQUENTIAL);
	previous = cdf_identifier_take(identifier, &pair, 1);
	for (uint32_t i = 0; i < 65536; i++, previous = next) {
		next = cdf_identifier_take(identifier, &pair, 1);
		step[(uint8_t)(next - previous)]++;
	}
	ok(deviation(step, 256, 65536) > 100,
	   "the same measure finds sequential ones out: %.0f deviations",
	   deviation(step, 256, 65536));
	cdf_identifier_free(identifier);
}

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
	 * places is 1 in 4,000. */
	kept = known(0, TAKERS, first);
	ok(kept > TAKERS * 99 / 100, "%u of %u pairs keep their sequence", kept,
	   TAKERS);
	for (unsigned int i = TAKERS; i < 10 * TAKERS; i++) {
		struct cdf_pair one = pair_of(i);

		first[i] = cdf_identifier_take(identifier, &one, 1);
	}
	kept = known(9 * TAKERS, 10 * TAKERS, first);
	ok(kept > TAKERS * 99 / 100,
	   "in a full table %u of the latest %u are known", kept, TAKERS);
	cdf_identifier_free(identifier);
}

/* Each pair once, alone in its window, wherever in the table it lies. */
static void every_place_is_measured(void)
{
	const uint64_t second = 1000000000u;
	struct cdf_busiest found;
	unsigned int seen = 0;

	identifier = cdf_identifier_new(CDF_IDENTIFICATION_RANDOM);
	cdf_identifier_busiest(identifier, second, &found);
	for (unsigned int i = 0; i < TAKERS; i++) {
		struct cdf_pair one = pair_of(i);

		cdf_identifier_take(identifier, &one, 1);
		seen += cdf_identifier_busiest(identifier, (i + 2) * second,
					       &found) &&
			found.pair.destination == one.destination &&
			found.pair.protocol == one.protocol &&
			found.per_second == 1;
	}
	ok(seen == TAKERS, "one identification is enough to be the busiest");
	cdf_identifier_free(identifier);
}

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

static void windows(void)
{
	static uint16_t order[8192], other[8192];
	static const uint64_t secret[2] = { 1, 2 }, changed[2] = { 1, 3 };
	struct cdf_id_pool pool, next;
	unsigned int count = 0;
	bool seen[256] = { false }, good = true, once[65536] = { false };

	cdf_id_pool_start(&pool, secret, 1);
	cdf_id_pool_start(&next, secret, 2);
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
	cdf_id_pool_start(&next, changed, 1);
	ok(next.key[0] != pool.key[0], "nor has one of another secret");

	order_of(&pool, order);
	for (unsigned int i = 0; i < 8192; i++) {
		good = good && order[i] >= 256 && !once[order[i]];
		once[order[i]] = true;
	}
	ok(good && pool.used == 8192,
	   "a window gives each of its numbers once");
	cdf_id_pool_draw(&pool, 1);
	count = 1;
	while (pool.used != 8192 && count < 8192) {
		cdf_id_pool_draw(&pool, 1);
		count++;
	}
	/* Unless block 0 is in it. */
	ok(count >= 8191, "and so does the next: %u", count);
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

static void busiest(void)
{
	const uint64_t second = 1000000000u;
	struct cdf_pair idle = { 2, 6 };
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
	windows();
	busiest();
	every_place_is_measured();
	for (unsigned int threads = 1; threads <= THREADS_MAX; threads++) {
		promise(CDF_IDENTIFICATION_RANDOM, "random", threads, 1);
		promise(CDF_IDENTIFICATION_RANDOM, "random", threads,
			CDF_RUN_MAX);
		promise(CDF_IDENTIFICATION_SEQUENTIAL, "sequential", threads,
			CDF_RUN_MAX);
	}
	worst_case();
	hard_to_guess();
	sequential_is_guessable();
	return done();
}
