/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "device.h"

#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int cdf_device_find(const char *name, struct cdf_device *device)
{
	struct ifreq request;
	int fd, error = 0;

	if (strlen(name) >= sizeof(request.ifr_name))
		return -ENODEV;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	memset(&request, 0, sizeof(request));
	memcpy(request.ifr_name, name, strlen(name));
	if (ioctl(fd, SIOCGIFINDEX, &request) < 0)
		error = -errno;
	device->index = request.ifr_ifindex;
	if (error == 0 && ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		error = -errno;
	device->ethernet = request.ifr_hwaddr.sa_family == ARPHRD_ETHER;
	close(fd);
	return error;
}
