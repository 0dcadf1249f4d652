/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One thread, one queue, and the loop that it turns. */
#ifndef CDF_WORKER_H
#define CDF_WORKER_H

#include "loop.h"

struct cdf_worker_options {
	uint16_t number;
	struct cdf_queue_options queue;
	struct cdf_loop_rules rules;
};

struct cdf_worker;

/**
 * Bind the queue; until cdf_worker_start() packets pass it by.
 * @param settings CDF_SETTING_COUNT rows, filled in whatever the outcome
 * @return 0 or -errno, see cdf_queue_open()
 */
int cdf_worker_open(struct cdf_worker **worker,
		    const struct cdf_worker_options *options,
		    struct cdf_setting *settings);

/** Start the thread. @return 0 or -errno */
int cdf_worker_start(struct cdf_worker *worker);

/** Tell the thread to let new packets by, answer what is queued and end. */
void cdf_worker_stop(struct cdf_worker *worker);

/** Wait for the thread's end and close the queue; counters remain readable. It
 * may be called again. */
void cdf_worker_join(struct cdf_worker *worker);

void cdf_worker_free(struct cdf_worker *worker);

/** A reading of the counters, from any thread. */
void cdf_worker_counters(const struct cdf_worker *worker,
			 struct cdf_counters *counters);

/** The queue's netlink port id, host byte order. */
uint32_t cdf_worker_port(const struct cdf_worker *worker);
/** The kernel's id of the thread, 0 before it runs. */
int cdf_worker_thread(const struct cdf_worker *worker);

#endif
