/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A network device by its name, in the namespace of the calling thread. */
#ifndef CDF_FASTPATH_DEVICE_H
#define CDF_FASTPATH_DEVICE_H

#include <stdbool.h>

struct cdf_device {
	int index;
	bool ethernet; /* its packets start with an Ethernet header */
};

/** @return 0 or -errno, -ENODEV when there is none */
int cdf_device_find(const char *name, struct cdf_device *device);

#endif
