/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Netlink sockets that others send to: they are refused; what comes before that
 * is neither believed, nor does it make anybody wait. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fastpath/rtnetlink.h"
#include "kernel/nftables.h"
#include "netlink.h"
#include "tap.h"

#define FORGED 0xdeadbeef
/* While messages come as fast as a process can send them: some of them while a
 * socket is being connected. */
#define REQUESTS 5000

/* As an answer to NFT_MSG_GETGEN. */
struct generation {
	struct nlmsghdr header;
	struct nfgenmsg general;
	struct nlattr attribute;
	uint32_t value;
};

static struct sockaddr_nl address_of(int fd)
{
	struct sockaddr_nl address = { 0 };
	socklen_t size = sizeof(address);

	getsockname(fd, (struct sockaddr *)&address, &size);
	return address;
}

static int open_bound(int protocol)
{
	struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	if (fd >= 0)
		bind(fd, (struct sockaddr *)&any, sizeof(any));
	return fd;
}

/* Whether one process can send to another here: qemu's user emulation knows few
 * of these sockets. */
static bool may_send(int protocol)
{
	const struct nlmsghdr message = { .nlmsg_len = sizeof(message) };
	int from = open_bound(protocol), to = open_bound(protocol);
	struct sockaddr_nl address = address_of(to);
	bool sent = from >= 0 && to >= 0 &&
		    sendto(from, &message, sizeof(message), MSG_DONTWAIT,
			   (struct sockaddr *)&address, sizeof(address)) > 0;

	close(from);
	close(to);
	if (!sent)
		ok(true, "flood # SKIP kernel: nobody sends to such sockets");
	return sent;
}

/* Sends to a port until it is killed, and counts what arrives there. */
static pid_t flood(int protocol, uint32_t port, const void *message,
		   size_t size, volatile unsigned int *delivered)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_pid = port };
	pid_t parent = getpid(), child = fork();
	int fd;

	if (child != 0)
		return child;
	fd = socket(AF_NETLINK, SOCK_RAW, protocol);
	while (getppid() == parent) {
		if (sendto(fd, message, size, MSG_DONTWAIT,
			   (struct sockaddr *)&to, sizeof(to)) > 0)
			++*delivered;
	}
	_exit(0);
}

static void end(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* NETLINK_USERSOCK is for messages between processes: the kernel says nothing. */
static void test_open(void)
{
	const struct nlmsghdr message = { .nlmsg_len = sizeof(message) };
	int from = open_bound(NETLINK_USERSOCK), error;
	struct mnl_socket *socket = NULL;
	struct sockaddr_nl to;
	char buffer[256];
	ssize_t got;

	if (!may_send(NETLINK_USERSOCK))
		return;
	error = cdf_netlink_open(NETLINK_USERSOCK, &socket);
	ok(error == 0, "a socket is opened: %d", error);
	if (error < 0)
		return;
	to = address_of(mnl_socket_get_fd(socket));
	ok(to.nl_pid != 0 && mnl_socket_get_portid(socket) == to.nl_pid,
	   "and its port is known");
	got = sendto(from, &message, sizeof(message), MSG_DONTWAIT,
		     (struct sockaddr *)&to, sizeof(to));
	ok(got < 0 && errno == ECONNREFUSED, "who sends to it is refused");
	got = cdf_netlink_receive(mnl_socket_get_fd(socket), buffer,
				  sizeof(buffer),
				  cdf_clock_now() + CDF_SECOND / 10);
	ok(got == -ETIMEDOUT, "and it waits until its deadline: %zd", got);
	mnl_socket_close(socket);
	close(from);
}

static void test_deadline(volatile unsigned int *delivered)
{
	const struct nlmsghdr foreign = { .nlmsg_len = sizeof(foreign) };
	char buffer[256];
	pid_t child;
	ssize_t got;
	int fd;

	if (!may_send(NETLINK_USERSOCK))
		return;
	/* One that takes them. */
	fd = open_bound(NETLINK_USERSOCK);
	child = flood(NETLINK_USERSOCK, address_of(fd).nl_pid, &foreign,
		      sizeof(foreign), delivered);
	while (*delivered == 0)
		sched_yield();
	got = cdf_netlink_receive(fd, buffer, sizeof(buffer),
				  cdf_clock_now() + CDF_SECOND / 4);
	end(child);
	ok(got == -ETIMEDOUT,
	   "a flood of foreign messages ends at the deadline: %zd", got);
	close(fd);
}

static void test_generation(volatile unsigned int *delivered)
{
	const struct generation forged = {
		.header = { sizeof(forged),
			    NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN, 0, 1,
			    0 },
		.general = { .version = NFNETLINK_V0 },
		.attribute = { sizeof(forged.attribute) + sizeof(forged.value),
			       NFTA_GEN_ID },
		.value = htonl(FORGED),
	};
	uint32_t generation = 0, believed = 0;
	int error = cdf_nft_generation(&generation), wrong = 0;
	pid_t child;

	if (error != 0) {
		ok(true, "generation # SKIP kernel: no nf_tables here: %d",
		   error);
		return;
	}
	if (!may_send(NETLINK_NETFILTER))
		return;
	*delivered = 0;
	child = flood(NETLINK_NETFILTER, (uint32_t)getpid(), &forged,
		      sizeof(forged), delivered);
	for (int i = 0; i < REQUESTS; i++) {
		error = cdf_nft_generation(&generation);
		if (error != 0)
			wrong = error;
		believed += error == 0 && generation == FORGED;
	}
	end(child);
	ok(believed == 0 && wrong == 0,
	   "each answer is the kernel's: %u were not, %d", believed, wrong);
}

static int nothing(const struct nlmsghdr *header, void *data)
{
	(void)header;
	(void)data;
	return MNL_CB_OK;
}

static void test_route(volatile unsigned int *delivered)
{
	const struct nlmsghdr forged = { sizeof(forged), NLMSG_DONE, 0, 99, 0 };
	struct cdf_request request;
	struct nlmsghdr *header;
	int wrong = 0;
	pid_t child;

	if (!may_send(NETLINK_ROUTE))
		return;
	header = cdf_request_begin(&request, RTM_GETQDISC, NLM_F_DUMP, 1, 0);
	if (cdf_request_run(header, nothing, NULL) == -EOPNOTSUPP) {
		ok(true, "rtnetlink # SKIP kernel: no queueing disciplines");
		return;
	}
	*delivered = 0;
	child = flood(NETLINK_ROUTE, (uint32_t)getpid(), &forged,
		      sizeof(forged), delivered);
	for (int i = 0; i < REQUESTS; i++) {
		int error;

		/* The queueing disciplines of `lo`. */
		header = cdf_request_begin(&request, RTM_GETQDISC, NLM_F_DUMP,
					   1, 0);
		error = cdf_request_run(header, nothing, NULL);
		if (error != 0)
			wrong = error;
	}
	end(child);
	ok(wrong == 0, "a forged answer of rtnetlink ends no request: %d",
	   wrong);
}

static void test_lengths(void)
{
	struct nlmsghdr header = { .nlmsg_len = sizeof(header) };

	ok(cdf_netlink_ok(&header, sizeof(header)), "a whole message is sound");
	ok(!cdf_netlink_ok(&header, sizeof(header) - 1), "half of one is not");
	header.nlmsg_len = 0x80000010;
	ok(!cdf_netlink_ok(&header, sizeof(header)), "nor is one of 2 GiB");
	header.nlmsg_len = sizeof(header) + 1;
	ok(cdf_netlink_step(&header, sizeof(header) + 1) == sizeof(header) + 1,
	   "the last message need not be padded");
}

int main(void)
{
	volatile unsigned int *delivered =
		mmap(NULL, sizeof(*delivered), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	test_lengths();
	test_open();
	test_deadline(delivered);
	/* Where this process may send to any port, and no other hears of it. */
	if (unshare(CLONE_NEWNET) != 0 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
		ok(true, "floods # SKIP kernel: no network namespace for us");
		return done();
	}
	test_generation(delivered);
	test_route(delivered);
	return done();
}
