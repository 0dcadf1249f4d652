/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Workers over a range of queues, the companion queue that segments what they
 * cannot, and the identifications that all of them share. */
#ifndef CDF_MANGLER_H
#define CDF_MANGLER_H

#include "fault.h"
#include "packet/identification.h"
#include "packet/packet.h"
#include "setting.h"

#define CDF_QUEUES_MAX 256u
/* Numbers that are tried for a companion: more than a range can cover. */
#define CDF_COMPANION_TRIES (CDF_QUEUES_MAX + 64u)

struct cdf_mangler_options {
	uint16_t first_queue;
	uint16_t last_queue;
	struct cdf_queue_options queue;
	enum cdf_identification_policy identification;
	bool never_local;
	uint32_t batch;	   /* packets taken and answered at once, 1 to 64 */
	uint32_t coalesce; /* longest pause, microseconds; 0 for none */
	int companion;	   /* a number, or -1 to take the first free one */
	void (*on_fault)(void *context, const struct cdf_fault *fault);
	void *context;
};

/* Which step failed, on which queue. */
struct cdf_mangler_failure {
	const char *operation;
	uint16_t queue;
	int error; /* -errno */
};

/* What is known of one queue. */
struct cdf_mangler_queue {
	uint16_t number;
	bool companion;
	uint32_t port;
	int thread;
	struct cdf_setting settings[CDF_SETTING_COUNT];
	struct cdf_counters counters;
};

struct cdf_mangler;

/**
 * Bind all queues, the companion first, and start their threads. Where GSO is
 * off the kernel segments and finishes checksums itself, so there is no
 * companion.
 * @return 0, or -errno with failure filled in and nothing left bound
 */
int cdf_mangler_open(struct cdf_mangler **mangler,
		     const struct cdf_mangler_options *options,
		     struct cdf_mangler_failure *failure);

/** Number of queues, the companion, which comes last, included. */
size_t cdf_mangler_queues(const struct cdf_mangler *mangler);

/** A reading of one of them. */
void cdf_mangler_read(const struct cdf_mangler *mangler, size_t index,
		      struct cdf_mangler_queue *queue);

/** The companion's number, or -1. */
int cdf_mangler_companion(const struct cdf_mangler *mangler);

/** See cdf_identifier_busiest(); nothing is busy after cdf_mangler_close(). */
bool cdf_mangler_busiest(struct cdf_mangler *mangler, uint64_t now,
			 struct cdf_busiest *busiest);

/** See cdf_identifier_set_policy(). */
void cdf_mangler_set_policy(struct cdf_mangler *mangler,
			    enum cdf_identification_policy policy);

/**
 * Stop all threads, each after it has answered what is queued; the companion
 * last, since the others feed it. Counters stay readable. Call it once, and
 * not while another thread calls in.
 */
void cdf_mangler_close(struct cdf_mangler *mangler);

/** After cdf_mangler_close(). */
void cdf_mangler_free(struct cdf_mangler *mangler);

#endif
