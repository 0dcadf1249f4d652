/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counters that one thread keeps and any thread may read. */
#ifndef CDF_PUBLISHED_H
#define CDF_PUBLISHED_H

#include <stdatomic.h>

#include "packet.h"

struct cdf_published {
	_Atomic uint64_t value[CDF_COUNTER_COUNT];
};

/* Each value is whole; they need not be of the same instant. */
static inline void cdf_publish(struct cdf_published *published,
			       const struct cdf_counters *counters)
{
	for (int i = 0; i < CDF_COUNTER_COUNT; i++)
		atomic_store_explicit(&published->value[i], counters->value[i],
				      memory_order_relaxed);
}

static inline void cdf_published_read(const struct cdf_published *published,
				      struct cdf_counters *counters)
{
	for (int i = 0; i < CDF_COUNTER_COUNT; i++)
		counters->value[i] = atomic_load_explicit(&published->value[i],
							  memory_order_relaxed);
}

#endif
