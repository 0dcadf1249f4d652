/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel counts of a queue: its line in
 * /proc/net/netfilter/nfnetlink_queue. */
#ifndef CDF_KERNEL_QUEUE_H
#define CDF_KERNEL_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

/* The kernel's counters have 32 bits. */
struct cdf_kernel_queue {
	uint32_t port;	  /* netlink port id of the socket that holds it */
	uint32_t waiting; /* packets without a verdict */
	uint32_t queue_dropped; /* too many waited */
	uint32_t user_dropped;	/* the receive buffer was full */
	uint32_t sequence;	/* the last packet number that was given */
};

/**
 * The file, for the network namespace of the calling thread. Held open, a look
 * costs one read, and needs no free descriptor.
 * @return a descriptor, or -errno
 */
int cdf_kernel_queue_open(void);

/**
 * @param fd of cdf_kernel_queue_open(); less than 0: nothing is known
 * @return false when the file does not tell, or nobody holds the queue
 */
bool cdf_kernel_queue_read(int fd, uint16_t number,
			   struct cdf_kernel_queue *row);

#endif
