/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel has answered before sendto() returns, so nothing is waited for: the
 * waiting is this program's. */
#include <errno.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/nftables.h"
#include "tap.h"

static unsigned int waits;

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	(void)fds;
	(void)count;
	(void)timeout;
	waits++;
	return 0;
}

enum { AT_ONCE, WAITED, NO_SOCKET, OTHERWISE };

/* Whom the kernel allows no change: it refuses the transaction, and says nothing
 * of its messages. */
static int refused(int (*change)(const struct cdf_queue_rule *rule))
{
	const struct cdf_queue_rule rule = {
		.table = "cdf_test", .chain = "c", .comment = "", .count = 1
	};
	pid_t child = fork();
	int status = 0, error;

	if (child != 0) {
		waitpid(child, &status, 0);
		return WIFEXITED(status) ? WEXITSTATUS(status) : OTHERWISE;
	}
	if (geteuid() == 0 && setuid(65534) < 0)
		_exit(OTHERWISE);
	error = change(&rule);
	if (error == -EPROTONOSUPPORT || error == -EAFNOSUPPORT)
		_exit(NO_SOCKET);
	if (error != -EPERM)
		_exit(OTHERWISE);
	_exit(waits == 0 ? AT_ONCE : WAITED);
}

int main(void)
{
	int tried = refused(cdf_nft_queue_try);

	if (tried == NO_SOCKET) {
		ok(true, "refused # SKIP kernel: no such sockets");
		return done();
	}
	ok(tried == AT_ONCE, "a trial that is refused whole: %d", tried);
	ok(refused(cdf_nft_queue_add) == AT_ONCE,
	   "a transaction that is refused whole");
	return done();
}
