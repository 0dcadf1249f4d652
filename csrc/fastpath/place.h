/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a filter is, and whose. */
#ifndef CDF_FASTPATH_PLACE_H
#define CDF_FASTPATH_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#define CDF_FILTER_PREFERENCE 0xcdf0u
#define CDF_FILTER_NAME_MAX 64u

enum cdf_direction {
	CDF_INGRESS,
	CDF_EGRESS,
};

struct cdf_place {
	int device; /* interface index */
	enum cdf_direction direction;
};

/* A filter of some instance of clear-df. */
struct cdf_filter {
	struct cdf_place place;
	char name[CDF_FILTER_NAME_MAX]; /* the instance's */
	bool brought_qdisc;
	uint32_t program_id;
};

#endif
