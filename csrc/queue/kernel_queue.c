/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel_queue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of the calling thread's network namespace, which may not be the process's. */
#define KERNEL_QUEUES "/proc/thread-self/net/netfilter/nfnetlink_queue"
/* seq_read() fills a page at most. */
#define PAGE 4096

int cdf_kernel_queue_open(void)
{
	int fd = open(KERNEL_QUEUES, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Columns as seq_show() of nfnetlink_queue.c prints them: queue, port id,
 * waiting, copy mode, copy range, queue_dropped, user_dropped, number, 1. */
static bool read_line(const char *line, uint16_t number,
		      struct cdf_kernel_queue *row)
{
	uint32_t column[8];

	for (int i = 0; i < 8; i++) {
		char *end;

		column[i] = (uint32_t)strtoul(line, &end, 10);
		if (end == line)
			return false;
		line = end;
	}
	if (column[0] != number)
		return false;
	*row = (struct cdf_kernel_queue){
		.port = column[1],
		.waiting = column[2],
		.queue_dropped = column[5],
		.user_dropped = column[6],
		.sequence = column[7],
	};
	return true;
}

bool cdf_kernel_queue_read(int fd, uint16_t number,
			   struct cdf_kernel_queue *row)
{
	char text[PAGE + 1];
	size_t held = 0;
	off_t at = 0;

	while (fd >= 0) {
		ssize_t length = pread(fd, text + held, PAGE - held, at);
		char *line = text, *end;

		if (length < 0 && errno == EINTR)
			continue;
		if (length <= 0)
			return false;
		at += length;
		held += (size_t)length;
		text[held] = '\0';
		for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
			*end = '\0';
			if (read_line(line, number, row))
				return true;
		}
		/* What is left is a line's beginning; none is as long as that. */
		held = strlen(line);
		if (held == PAGE)
			return false;
		memmove(text, line, held);
	}
	return false;
}
