/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells a network namespace from every other one of this boot, also from dead
 * ones: the inode of /proc/self/ns/net is given out again. */
#ifndef CDF_NETNS_H
#define CDF_NETNS_H

#include <stdint.h>

/* Numbers of different kinds do not compare. */
enum cdf_netns_kind {
	/* SO_NETNS_COOKIE (sock_net(sk)->net_cookie), kernel 5.14; no rights
	 * needed */
	CDF_NETNS_COOKIE,
	/* inode of class/net/lo in the namespace's own sysfs: 64 bits of kernfs
	 * that are never given out again (kernfs_new_node()), kernel 5.5; needs
	 * CAP_SYS_ADMIN over the namespace */
	CDF_NETNS_LO,
};

/**
 * The identity of the calling thread's network namespace.
 * @return 0 or -errno: EPERM without the rights for the second kind, ENOSYS where
 *         the kernel has neither, ENOENT where the loopback device has another
 *         name
 */
int cdf_netns_id(enum cdf_netns_kind *kind, uint64_t *id);

#endif
