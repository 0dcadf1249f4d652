/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A queue's configuration: bind it to a socket, hold it, release it. */
#ifndef CDF_QUEUE_CONFIG_H
#define CDF_QUEUE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "setting.h"

/* What came while the kernel's answer to a setting was waited for. */
struct cdf_strays {
	uint32_t packets; /* accepted unchanged */
	uint32_t last;	  /* the number of the last one */
};

/* A queue's number and the socket that is to hold it. */
struct cdf_queue_config {
	struct mnl_socket *socket;
	uint16_t number;
	uint32_t sequence;
	bool resent; /* the last request: its first answer did not come */
	struct cdf_strays strays;
};

/**
 * Bind and configure, held: until cdf_queue_config_release() the kernel accepts what
 * comes, as if nobody were listening.
 * @param still_ours set to whether this socket had the queue before, in which case
 *        all stays as it is; may be NULL
 * @return 0, or -errno of the first required setting that was refused: -EBUSY
 *         when another socket holds the queue, -EPERM without CAP_NET_ADMIN,
 *         -ETIMEDOUT when the kernel's answer does not come
 */
int cdf_queue_config_bind(struct cdf_queue_config *config,
			  struct cdf_setting *settings, bool *still_ours);

/** Packets come from now on. */
void cdf_queue_config_release(struct cdf_queue_config *config,
			      struct cdf_setting *settings);

/**
 * What becomes of packets that find the receive buffer full: accepted unchanged,
 * or dropped and counted by the kernel as user_dropped.
 * @return 0 or -errno
 */
int cdf_queue_config_fail_open(struct cdf_queue_config *config, bool on);

/**
 * Let new packets pass the queue by, as if nobody were listening: none is
 * dropped. Packets that the kernel has already queued are in the receive buffer
 * when this returns.
 * @return 0 or -errno
 */
int cdf_queue_config_hold(struct cdf_queue_config *config);

#endif
