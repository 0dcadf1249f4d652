/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a service reports to its supervisor: sd_notify(3), "Notes", without libsystemd. */
#ifndef CDF_NOTIFY_H
#define CDF_NOTIFY_H

#include <stddef.h>

/**
 * Send one datagram of lines such as "READY=1"; never waits.
 * @param address $NOTIFY_SOCKET: a path, or an abstract name behind '@'
 * @return 0 or -errno: EAFNOSUPPORT for an address of another kind (vsock),
 *         ENAMETOOLONG, EAGAIN while the supervisor's buffer is full
 */
int cdf_notify(const char *address, const char *text, size_t length);

#endif
