/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a program is attached: a filter of cls_bpf in a device's clsact qdisc,
 * by rtnetlink, in the network namespace of the calling thread.
 *
 * Our place is preference CDF_FILTER_PREFERENCE with a handle made of the
 * instance's name; the filter's own name says whose it is. `clear-df:NAME+` says
 * besides that clear-df brought the qdisc, which therefore goes with the last of
 * its filters.
 */
#ifndef CDF_FASTPATH_FILTER_H
#define CDF_FASTPATH_FILTER_H

#include "place.h"

/**
 * Every filter of clear-df in this namespace.
 * @param each called for each of them
 * @return 0 or -errno
 */
int cdf_filter_list(void (*each)(const struct cdf_filter *filter, void *data),
		    void *data);

/**
 * What is at a place.
 * @param mine receives the instance's filter
 * @return -ENOENT when the instance has none there, and could; -EEXIST and
 *         -EADDRINUSE as of cdf_filter_attach(); 0 or -errno
 */
int cdf_filter_look(struct cdf_place place, const char *name,
		    struct cdf_filter *mine);

/**
 * Attach a program, or put it in the place of the instance's own: no packet
 * passes without one meanwhile.
 * @return -EEXIST when another program's filter is at our place; -EADDRINUSE
 *         when another qdisc is where clsact would be; 0 or -errno
 */
int cdf_filter_attach(struct cdf_place place, const char *name, int program);

/**
 * Take the instance's filter away, and the qdisc if clear-df brought it and
 * nobody has a filter in it.
 * @return -ENOENT when there is none of this instance; 0 or -errno
 */
int cdf_filter_detach(struct cdf_place place, const char *name);

#endif
