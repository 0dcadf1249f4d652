/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netns.h"

#include <errno.h>
#include <linux/stat.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* asm-generic/socket.h, linux/mount.h: newer than some systems' headers. */
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif
#define CDF_FSOPEN_CLOEXEC 1u
#define CDF_FSCONFIG_CMD_CREATE 6u
#define CDF_FSMOUNT_CLOEXEC 1u

static int read_cookie(uint64_t *id)
{
	socklen_t length = sizeof(*id);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, id, &length) < 0)
		error = -errno;
	close(fd);
	return error;
}

/* A mount that no path leads to: /sys may show another namespace's devices, as
 * it does behind nsenter --net.
 * @return the mount's descriptor or -errno */
static int mount_sysfs(void)
{
	int fs = (int)syscall(SYS_fsopen, "sysfs", CDF_FSOPEN_CLOEXEC);
	int mount = -1;
	int error = 0;

	if (fs < 0)
		return -errno;
	if (syscall(SYS_fsconfig, fs, CDF_FSCONFIG_CMD_CREATE, NULL, NULL, 0) <
	    0)
		error = -errno;
	if (error == 0) {
		mount = (int)syscall(SYS_fsmount, fs, CDF_FSMOUNT_CLOEXEC, 0);
		if (mount < 0)
			error = -errno;
	}
	close(fs);
	return error < 0 ? error : mount;
}

static int read_lo(uint64_t *id)
{
	struct statx lo;
	int error = 0;
	int mount = mount_sysfs();

	if (mount < 0)
		return mount;
	/* With the slash: the device, and not the link to it. */
	if (syscall(SYS_statx, mount, "class/net/lo/", 0, STATX_INO, &lo) < 0)
		error = -errno;
	else
		*id = lo.stx_ino;
	close(mount);
	return error;
}

int cdf_netns_id(enum cdf_netns_kind *kind, uint64_t *id)
{
	int error = read_cookie(id);

	*kind = CDF_NETNS_COOKIE;
	if (error != -ENOPROTOOPT)
		return error;
	*kind = CDF_NETNS_LO;
	return read_lo(id);
}
