/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A queue's binding to a socket: taken, held, let go, configured. */
#ifndef CDF_BINDING_H
#define CDF_BINDING_H

#include "setting.h"

/* A queue's number and the socket that is to hold it. */
struct cdf_binding {
	struct mnl_socket *socket;
	uint16_t number;
	uint32_t sequence;
};

/**
 * Bind and configure, held: until cdf_binding_release() the kernel accepts what
 * comes, as if nobody were listening.
 * @return 0, or -errno of the first required setting that was refused: -EBUSY
 *         when another socket holds the queue, -EPERM without CAP_NET_ADMIN
 */
int cdf_binding_take(struct cdf_binding *binding, struct cdf_setting *settings);

/** Packets come from now on. */
void cdf_binding_release(struct cdf_binding *binding,
			 struct cdf_setting *settings);

/**
 * What becomes of packets that find the receive buffer full: accepted unchanged,
 * or dropped and counted by the kernel as user_dropped.
 * @return 0 or -errno
 */
int cdf_binding_fail_open(struct cdf_binding *binding, bool on);

/**
 * Let new packets pass the queue by, as if nobody were listening. Packets that
 * the kernel has already queued are in the receive buffer when this returns.
 * @return 0 or -errno
 */
int cdf_binding_hold(struct cdf_binding *binding);

#endif
