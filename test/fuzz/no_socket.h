/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A socket that is none, and one mapping for the buffers of a batch that is
 * kept: both anew for each input would be most of the time. The calls are those
 * of libc, before which these are linked; every other descriptor and mapping
 * goes to the kernel.
 */
#ifndef CDF_FUZZ_NO_SOCKET_H
#define CDF_FUZZ_NO_SOCKET_H

#include <assert.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What a call of ours is told by: this descriptor, a mapping as large as this. */
enum { SOCKET = 1 << 20, BATCH_LEAST = 4 << 20 };

int socket(int domain, int type, int protocol)
{
	(void)domain, (void)type, (void)protocol;
	return SOCKET;
}

int bind(int fd, const struct sockaddr *address, socklen_t size)
{
	(void)fd, (void)address, (void)size;
	return 0;
}

int connect(int fd, const struct sockaddr *address, socklen_t size)
{
	(void)fd, (void)address, (void)size;
	return 0;
}

int getsockname(int fd, struct sockaddr *address, socklen_t *size)
{
	struct sockaddr_nl *own = (struct sockaddr_nl *)address;

	(void)fd;
	*own = (struct sockaddr_nl){ .nl_family = AF_NETLINK, .nl_pid = 1 };
	*size = sizeof(*own);
	return 0;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
	(void)fd, (void)level, (void)name, (void)value, (void)size;
	return 0;
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
	(void)fd, (void)level, (void)name;
	memset(value, 0, *size);
	return 0;
}

int close(int fd)
{
	return fd == SOCKET ? 0 : (int)syscall(SYS_close, fd);
}

static uint8_t *batch; /* the one mapping for the buffers of a batch */
static size_t batch_size;

void *mmap(void *at, size_t length, int protection, int flags, int fd,
	   off_t offset)
{
	if (at != NULL || length < BATCH_LEAST || fd != -1)
		return (void *)syscall(SYS_mmap, at, length, protection, flags,
				       fd, offset);
	if (batch == NULL) {
		batch = (void *)syscall(SYS_mmap, at, length, protection, flags,
					fd, offset);
		batch_size = length;
	}
	assert(length == batch_size);
	return batch;
}

int munmap(void *at, size_t length)
{
	return at == batch ? 0 : (int)syscall(SYS_munmap, at, length);
}

int madvise(void *at, size_t length, int advice)
{
	return at == batch ? 0 : (int)syscall(SYS_madvise, at, length, advice);
}

#endif
