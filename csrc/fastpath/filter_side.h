/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is at tc on one side of a device, and how our own place there is named. */
#ifndef CDF_FASTPATH_FILTER_SIDE_H
#define CDF_FASTPATH_FILTER_SIDE_H

#include <libmnl/libmnl.h>

#include "place.h"

#define CDF_FILTER_PREFIX "clear-df:"
#define CDF_FILTER_BROUGHT "+"

/* What is at tc on one side of a device. */
struct cdf_side {
	struct cdf_filter found; /* while it is read */
	const char *name; /* whose filter is looked for; NULL: anybody's */
	bool any;	  /* a filter, whoever's */
	bool ours;	  /* of that name; it is in mine */
	bool brought;	  /* one that says that clear-df brought the qdisc */
	bool foreign;	  /* at our place, and not of that name */
	struct cdf_filter mine;
	void (*each)(const struct cdf_filter *filter, void *data);
	void *data;
};

/** Read it; what is asked for stands in side before. @return 0 or -errno */
int cdf_side_read(struct cdf_side *side, struct cdf_place place);

/** Whether a message is of a qdisc or filter of this kind: "clsact", "bpf". */
bool cdf_has_kind(const struct nlmsghdr *header, const char *kind);

/** Parent, preference and protocol, and handle of our place. */
uint32_t cdf_filter_parent(enum cdf_direction direction);
uint32_t cdf_filter_info(void);
uint32_t cdf_filter_handle(const char *name);

#endif
