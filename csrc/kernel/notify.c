/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/notify.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int cdf_notify(const char *address, const char *text, size_t length)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t name = strlen(address);
	int outcome = 0;

	if (address[0] != '/' && address[0] != '@')
		return -EAFNOSUPPORT;
	if (name >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	memcpy(to.sun_path, address, name);
	if (address[0] == '@')
		to.sun_path[0] = '\0';

	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	/* An abstract name has no end of its own: the length says where. */
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				     name + (address[0] == '/'));

	if (sendto(fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT,
		   (const struct sockaddr *)&to, size) < 0)
		outcome = -errno;
	close(fd);
	return outcome;
}
