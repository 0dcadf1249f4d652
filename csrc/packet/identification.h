/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Identifications for packets that have become fragmentable.
 *
 * RFC 6864, section 4.3: once DF is clear, an identification must not repeat
 * for its source, destination and protocol while fragments of its namesake may
 * still be under way. The promise here: never 0, and none repeated for a
 * destination and protocol within 30,000 consecutive ones, from all threads
 * together, as long as the table has room for the pairs in use (8,192 of them,
 * less where their hashes crowd). Beyond that the longest idle is forgotten.
 *
 * The source is no part of the key: every hook comes before source NAT, which
 * gives the packets of many senders one source on the wire.
 */
#ifndef CDF_IDENTIFICATION_H
#define CDF_IDENTIFICATION_H

#include <stdbool.h>
#include <stdint.h>

#include "id_pool.h"

enum cdf_identification_policy {
	CDF_IDENTIFICATION_RANDOM,
	CDF_IDENTIFICATION_KEEP, /* as random, where there is none to keep */
	CDF_IDENTIFICATION_SEQUENTIAL,
};

struct cdf_identifier;

/* What shares one sequence of identifications. The address is as it lies in the
 * header; it is compared, never read. */
struct cdf_pair {
	uint32_t destination;
	uint8_t protocol;
};

/* The pair that uses identifications up fastest. */
struct cdf_busiest {
	struct cdf_pair pair;
	double per_second;
};

/** @return NULL when memory or the kernel's random numbers are not to be had */
struct cdf_identifier *
cdf_identifier_new(enum cdf_identification_policy policy);

void cdf_identifier_free(struct cdf_identifier *identifier);

/** Change the policy from the next call of cdf_identifier_take() on. */
void cdf_identifier_set_policy(struct cdf_identifier *identifier,
			       enum cdf_identification_policy policy);

enum cdf_identification_policy
cdf_identifier_policy(const struct cdf_identifier *identifier);

/**
 * Take a run of identifications (1 to CDF_RUN_MAX) for a pair. Safe from any
 * number of threads.
 * @return the first of the run, host byte order; the rest follow upwards, and
 *         none of them is 0
 */
uint16_t cdf_identifier_take(struct cdf_identifier *identifier,
			     const struct cdf_pair *pair, unsigned int run);

/**
 * Measure since the last call that was at least a second ago.
 * @param now nanoseconds, CLOCK_MONOTONIC
 * @return false when no identification was taken in that window
 */
bool cdf_identifier_busiest(struct cdf_identifier *identifier, uint64_t now,
			    struct cdf_busiest *busiest);

#endif
