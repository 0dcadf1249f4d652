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

int main(void)
{
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
