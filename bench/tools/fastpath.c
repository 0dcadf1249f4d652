/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fastpath DEVICE SECONDS CASE…
 *
 * What the program of the fast path costs a packet that comes in by DEVICE, by the
 * kernel's own account (BPF_ENABLE_STATS). The cases take turns, 20 ms each, until
 * SECONDS are over; somebody else has to send. Prints, as JSON, for each of them
 * nanoseconds a packet: the least of all turns, since what else the machine does
 * only adds, and the median. `empty` is a program that does nothing: what the account
 * itself costs, which is part of every other figure.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fastpath/bpf.h"
#include "fastpath/filter.h"
#include "fastpath/program.h"
#include "packet/ipv4_rules.h"

enum { TURN_MS = 20, TURNS_MAX = 10000, FEW = 100 };

struct test_case {
	const char *name;
	struct cdf_fast_settings settings;
	int program;
	long turns;
	uint64_t packets;
	double each[TURNS_MAX];
};

static struct test_case cases[] = {
	{ .name = "empty" },
	{ .name = "random" },
	{ .name = "keep", .settings = { .identification = CDF_FAST_KEEP } },
	{ .name = "sequential",
	  .settings = { .identification = CDF_FAST_SEQUENTIAL } },
	{ .name = "route", .settings = { .route = CDF_FAST_ROUTE_MTU } },
	{ .name = "short", .settings = { .larger_than = 65535 } },
	{ .name = "protocol", .settings = { .protocol = CDF_PROTO_GRE } },
};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

static void fail(const char *what, int error)
{
	fprintf(stderr, "fastpath: %s: %s\n", what, strerror(-error));
	exit(1);
}

struct account {
	uint64_t nanoseconds, packets;
};

static struct account account(int program)
{
	struct bpf_prog_info info = { 0 };
	union bpf_attr attr = { 0 };

	attr.info.bpf_fd = (uint32_t)program;
	attr.info.info = (uint64_t)(uintptr_t)&info;
	attr.info.info_len = sizeof(info);
	if (syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)) < 0)
		fail("BPF_OBJ_GET_INFO_BY_FD", -errno);
	return (struct account){ info.run_time_ns, info.run_cnt };
}

static void load(struct test_case *test, const struct cdf_fast_pool *pool)
{
	static const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = -1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct cdf_fast_program program;
	struct cdf_fast_failure failure;
	int error;

	if (test == &cases[0]) {
		test->program =
			cdf_bpf_load("empty", nothing, 2, failure.detail,
				     sizeof(failure.detail));
		error = test->program;
	} else {
		test->settings.ethernet = 1;
		error = cdf_fast_program_load(&program, pool, &test->settings,
					      NULL, &failure);
		test->program = program.program;
	}
	if (error < 0)
		fail("BPF_PROG_LOAD", error);
}

static void take_turn(struct test_case *test, struct cdf_place place)
{
	const struct timespec turn = { .tv_nsec = TURN_MS * 1000000L };
	struct account before = account(test->program), after;
	int error = cdf_filter_attach(place, "bench", test->program);

	if (error < 0)
		fail("RTM_NEWTFILTER", error);
	nanosleep(&turn, NULL);
	after = account(test->program);
	if (after.packets - before.packets < FEW)
		return;
	test->packets += after.packets - before.packets;
	test->each[test->turns++] =
		(double)(after.nanoseconds - before.nanoseconds) /
		(double)(after.packets - before.packets);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print(struct test_case *test, const char *before)
{
	if (test->turns == 0) {
		fprintf(stderr, "fastpath: %s: no packets came\n", test->name);
		exit(1);
	}
	qsort(test->each, (size_t)test->turns, sizeof(double), ascending);
	printf("%s\"%s\":{\"least\":%.1f,\"median\":%.1f,\"packets\":%llu}",
	       before, test->name, test->each[0], test->each[test->turns / 2],
	       (unsigned long long)test->packets);
}

static struct test_case *find(const char *name)
{
	for (int i = 0; i < CASES; i++)
		if (strcmp(cases[i].name, name) == 0)
			return &cases[i];
	fail(name, -EINVAL);
	return NULL;
}

int main(int argc, char **argv)
{
	struct cdf_place place = { .direction = CDF_INGRESS };
	struct cdf_fast_failure failure;
	struct cdf_fast_pool pool;
	union bpf_attr attr = { 0 };
	time_t end;
	int error;

	if (argc < 4) {
		fputs("usage: fastpath DEVICE SECONDS CASE…\n", stderr);
		return 2;
	}
	place.device = (int)if_nametoindex(argv[1]);
	if (place.device == 0)
		fail(argv[1], -errno);
	error = cdf_fast_pool_new(&pool, &failure);
	if (error < 0)
		fail(failure.operation, error);
	/* Counts as long as the descriptor is open. */
	if (syscall(SYS_bpf, BPF_ENABLE_STATS, &attr, sizeof(attr)) < 0)
		fail("BPF_ENABLE_STATS", -errno);
	for (int i = 3; i < argc; i++)
		load(find(argv[i]), &pool);
	end = time(NULL) + strtol(argv[2], NULL, 10);
	for (int turns = 0; time(NULL) < end && turns < TURNS_MAX; turns++)
		for (int i = 3; i < argc; i++)
			take_turn(find(argv[i]), place);
	error = cdf_filter_detach(place, "bench");
	if (error < 0)
		fail("RTM_DELTFILTER", error);
	for (int i = 3; i < argc; i++)
		print(find(argv[i]), i == 3 ? "{" : ",");
	puts("}");
	return 0;
}
