/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counters that one thread keeps and any thread may read. */
#ifndef CDF_COUNTERS_H
#define CDF_COUNTERS_H

#include <stdatomic.h>

#include "packet/packet.h"

struct cdf_shared_counters {
	_Atomic uint64_t value[CDF_COUNTER_COUNT];
};

/* Each value is whole; they need not be of the same instant. */
static inline void cdf_counters_publish(struct cdf_shared_counters *shared,
					const struct cdf_counters *counters)
{
	for (int i = 0; i < CDF_COUNTER_COUNT; i++)
		atomic_store_explicit(&shared->value[i], counters->value[i],
				      memory_order_relaxed);
}

static inline void cdf_counters_read(const struct cdf_shared_counters *shared,
				     struct cdf_counters *counters)
{
	for (int i = 0; i < CDF_COUNTER_COUNT; i++)
		counters->value[i] = atomic_load_explicit(&shared->value[i],
							  memory_order_relaxed);
}

#endif
