/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rare events, gathered so that a storm of them is one report. */
#ifndef CDF_FAULT_H
#define CDF_FAULT_H

#include <stdbool.h>
#include <stdint.h>

enum cdf_fault_kind {
	CDF_FAULT_LEAKING,	   /* fail-open let packets through */
	CDF_FAULT_OVERLOAD,	   /* dropped: the worker is too slow */
	CDF_FAULT_OVERRUN,	   /* dropped: buffer full, fail-open off */
	CDF_FAULT_QUEUE_FULL,	   /* dropped: too many waited */
	CDF_FAULT_REQUEUE_LOST,	   /* on the way to the companion queue */
	CDF_FAULT_RECEIVE_FAILED,  /* the loop goes on */
	CDF_FAULT_VERDICT_REFUSED, /* the packet had left the queue */
	CDF_FAULT_SEND_FAILED,	   /* packets were accepted unchanged */
	CDF_FAULT_QUEUE_LOST,	   /* tried again every second */
	CDF_FAULT_QUEUE_REGAINED,
	CDF_FAULT_COUNT
};

/* A rare event; each kind is reported once a second at most. */
struct cdf_fault {
	uint16_t queue;
	enum cdf_fault_kind kind;
	int error;	/* 0 or -errno */
	uint64_t count; /* events since the last report */
};

struct cdf_faults {
	uint16_t queue;
	void (*report)(void *context, const struct cdf_fault *fault);
	void *context;
	bool pending;
	uint64_t count[CDF_FAULT_COUNT];
	int error[CDF_FAULT_COUNT];
	uint64_t reported[CDF_FAULT_COUNT]; /* nanoseconds, CLOCK_MONOTONIC */
};

/** Note count events of a kind; the last error is the one reported. */
void cdf_fault_note(struct cdf_faults *faults, enum cdf_fault_kind kind,
		    uint64_t count, int error);

/** Report what is due: a kind not reported within the last second, or all. */
void cdf_faults_report(struct cdf_faults *faults, bool all);

#endif
