/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "identification.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define SETS 1024u
#define WAYS 8u
#define WINDOW_NS 1000000000u

/* One pair's place in the table. */
struct entry {
	struct cdf_pair pair;
	bool used;
	uint64_t touched; /* the set's clock, for eviction */
	uint64_t taken;	  /* identifications, ever */
	uint64_t marked;  /* taken at the start of the window */
	struct cdf_id_pool pool;
};

struct set {
	pthread_mutex_t lock;
	uint64_t clock;
	struct entry entry[WAYS];
};

struct cdf_identifier {
	_Atomic int policy;
	struct {
		struct cdf_secret hash, pools;
	} secret;
	_Atomic uint64_t pools; /* ever started */
	pthread_mutex_t window_lock;
	uint64_t window_start;
	bool window_found;
	struct cdf_busiest window_busiest;
	struct set set[SETS];
};

static void start_entry(struct cdf_identifier *identifier, struct entry *entry,
			const struct cdf_pair *pair)
{
	uint64_t number = atomic_fetch_add_explicit(&identifier->pools, 1,
						    memory_order_relaxed);

	*entry = (struct entry){ .used = true, .pair = *pair };
	cdf_id_pool_start(&entry->pool, &identifier->secret.pools, number);
}

/* The set's lock is held. A new pair takes the place of the longest idle. */
static struct entry *find_entry(struct cdf_identifier *identifier,
				struct set *set, const struct cdf_pair *pair)
{
	struct entry *idle = set->entry;

	set->clock++;
	for (unsigned int way = 0; way < WAYS; way++) {
		struct entry *entry = &set->entry[way];

		if (entry->used &&
		    entry->pair.destination == pair->destination &&
		    entry->pair.protocol == pair->protocol) {
			entry->touched = set->clock;
			return entry;
		}
		if (entry->touched < idle->touched)
			idle = entry;
	}
	start_entry(identifier, idle, pair);
	idle->touched = set->clock;
	return idle;
}

uint16_t cdf_identifier_take(struct cdf_identifier *identifier,
			     const struct cdf_pair *pair, unsigned int run)
{
	uint64_t hash =
		cdf_keyed(&identifier->secret.hash,
			  (uint64_t)pair->protocol << 32 | pair->destination);
	struct set *set = &identifier->set[hash % SETS];
	struct entry *entry;
	uint16_t first;

	pthread_mutex_lock(&set->lock);
	entry = find_entry(identifier, set, pair);
	if (cdf_identifier_policy(identifier) == CDF_IDENTIFICATION_SEQUENTIAL)
		first = cdf_id_pool_next(&entry->pool, run);
	else
		first = cdf_id_pool_draw(&entry->pool, run);
	entry->taken += run;
	pthread_mutex_unlock(&set->lock);
	return first;
}

static void measure_window(struct cdf_identifier *identifier, double seconds)
{
	uint64_t most = 0;

	for (unsigned int i = 0; i < SETS; i++) {
		struct set *set = &identifier->set[i];

		pthread_mutex_lock(&set->lock);
		for (unsigned int way = 0; way < WAYS; way++) {
			struct entry *entry = &set->entry[way];
			uint64_t taken = entry->taken - entry->marked;

			entry->marked = entry->taken;
			if (taken <= most)
				continue;
			most = taken;
			identifier->window_busiest.pair = entry->pair;
		}
		pthread_mutex_unlock(&set->lock);
	}
	identifier->window_found = most > 0;
	identifier->window_busiest.per_second = (double)most / seconds;
}

bool cdf_identifier_busiest(struct cdf_identifier *identifier, uint64_t now,
			    struct cdf_busiest *busiest)
{
	bool found;

	pthread_mutex_lock(&identifier->window_lock);
	if (now - identifier->window_start >= WINDOW_NS) {
		measure_window(identifier,
			       (double)(now - identifier->window_start) / 1e9);
		/* The first window has no start. */
		identifier->window_found &= identifier->window_start != 0;
		identifier->window_start = now;
	}
	found = identifier->window_found;
	*busiest = identifier->window_busiest;
	pthread_mutex_unlock(&identifier->window_lock);
	return found;
}

void cdf_identifier_set_policy(struct cdf_identifier *identifier,
			       enum cdf_identification_policy policy)
{
	atomic_store_explicit(&identifier->policy, (int)policy,
			      memory_order_relaxed);
}

enum cdf_identification_policy
cdf_identifier_policy(const struct cdf_identifier *identifier)
{
	return (enum cdf_identification_policy)atomic_load_explicit(
		&identifier->policy, memory_order_relaxed);
}

struct cdf_identifier *cdf_identifier_new(enum cdf_identification_policy policy)
{
	struct cdf_identifier *identifier = calloc(1, sizeof(*identifier));

	if (identifier == NULL)
		return NULL;
	if (getentropy(&identifier->secret, sizeof(identifier->secret)) != 0) {
		free(identifier);
		return NULL;
	}
	pthread_mutex_init(&identifier->window_lock, NULL);
	/* By a store, which sanitizers see. */
	for (unsigned int i = 0; i < SETS; i++)
		identifier->set[i].lock =
			(pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	cdf_identifier_set_policy(identifier, policy);
	return identifier;
}

void cdf_identifier_free(struct cdf_identifier *identifier)
{
	/* Mutexes that nobody holds need no end on Linux. */
	free(identifier);
}
