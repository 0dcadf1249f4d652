/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fastpath DEVICE SECONDS account|rate CASE…
 *
 * What the program of the fast path costs a packet that comes in by DEVICE. The cases
 * take turns, 20 ms each, until SECONDS are over; somebody else has to send. Prints,
 * as JSON, for each of them nanoseconds a packet: the least of all turns, since what
 * else the machine does only adds, and the median.
 *
 * `account` reads the kernel's own account of the program (BPF_ENABLE_STATS). Its case
 * `empty` is a program that does nothing: what the account itself costs, which is part
 * of every other figure. `rate` counts what comes in, of a sender that is slowed by all
 * that becomes of its packets, and prints beside it `share`: the median of the rates,
 * each of the rate in the first case's turn before.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <stdbool.h>
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

enum { TURN_MS = 20, TURNS_MAX = 10000, FEW = 100, PATIENCE = 40 };

struct test_case {
	const char *name;
	struct cdf_fast_settings settings;
	int program;
	long turns, pairs;
	uint64_t packets;
	double each[TURNS_MAX], share[TURNS_MAX];
};

static struct test_case cases[] = {
	{ .name = "empty" },
	/* No program at all. */
	{ .name = "none" },
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

/* What has come in by the device, and when. */
static struct account arrivals(const char *device)
{
	struct account account = { 0 };
	char line[512], name[64];
	unsigned long long packets;
	struct timespec now;
	FILE *file = fopen("/proc/self/net/dev", "r");

	if (!file)
		fail("/proc/self/net/dev", -errno);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, " %63[^:]: %*u %llu", name, &packets) == 2 &&
		    strcmp(name, device) == 0)
			account.packets = packets;
	fclose(file);
	clock_gettime(CLOCK_MONOTONIC, &now);
	account.nanoseconds =
		(uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	return account;
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

	test->program = -1;
	if (strcmp(test->name, "none") == 0)
		return;
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

static void put(const struct test_case *test, struct cdf_place place)
{
	int error = test->program < 0
			    ? cdf_filter_detach(place, "bench")
			    : cdf_filter_attach(place, "bench", test->program);

	if (error < 0 && error != -ENOENT)
		fail("RTM_NEWTFILTER", error);
}

/* @return nanoseconds a packet; 0 when too few came */
static double take_turn(struct test_case *test, struct cdf_place place,
			const char *device)
{
	const struct timespec turn = { .tv_nsec = TURN_MS * 1000000L };
	struct account before, after;

	put(test, place);
	before = device ? arrivals(device) : account(test->program);
	nanosleep(&turn, NULL);
	after = device ? arrivals(device) : account(test->program);
	if (after.packets - before.packets < FEW)
		return 0;
	test->packets += after.packets - before.packets;
	return (double)(after.nanoseconds - before.nanoseconds) /
	       (double)(after.packets - before.packets);
}

/* A turn of each. @return whether all of them have had one in which packets came */
static bool take_turns(struct test_case *const *all, int count,
		       struct cdf_place place, const char *device)
{
	double first = 0, each;
	bool had = true;

	for (int i = 0; i < count; i++) {
		each = take_turn(all[i], place, device);
		if (i == 0)
			first = each;
		if (each > 0)
			all[i]->each[all[i]->turns++] = each;
		if (each > 0 && first > 0)
			all[i]->share[all[i]->pairs++] = first / each;
		had = had && all[i]->pairs > 0;
	}
	return had;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, long count)
{
	qsort(values, (size_t)count, sizeof(double), ascending);
	return values[count / 2];
}

static void print(struct test_case *test, const char *before)
{
	double middle;

	if (test->pairs == 0) {
		fprintf(stderr, "fastpath: %s: no packets came\n", test->name);
		exit(1);
	}
	middle = median(test->each, test->turns);
	printf("%s\"%s\":{\"least\":%.1f,\"median\":%.1f,\"packets\":%llu,",
	       before, test->name, test->each[0], middle,
	       (unsigned long long)test->packets);
	printf("\"share\":%.4f,\"turns\":%ld}",
	       median(test->share, test->pairs), test->pairs);
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
	struct test_case *all[CASES];
	struct cdf_fast_failure failure;
	struct cdf_fast_pool pool;
	union bpf_attr attr = { 0 };
	int count = argc - 4, error;
	const char *device;
	time_t end;

	if (count < 1 || count > CASES) {
		fputs("usage: fastpath DEVICE SECONDS account|rate CASE…\n",
		      stderr);
		return 2;
	}
	device = strcmp(argv[3], "rate") == 0 ? argv[1] : NULL;
	place.device = (int)if_nametoindex(argv[1]);
	if (place.device == 0)
		fail(argv[1], -errno);
	error = cdf_fast_pool_new(&pool, &failure);
	if (error < 0)
		fail(failure.operation, error);
	/* Counts as long as the descriptor is open. */
	if (!device &&
	    syscall(SYS_bpf, BPF_ENABLE_STATS, &attr, sizeof(attr)) < 0)
		fail("BPF_ENABLE_STATS", -errno);
	for (int i = 0; i < count; i++) {
		all[i] = find(argv[4 + i]);
		load(all[i], &pool);
	}
	end = time(NULL) + strtol(argv[2], NULL, 10);
	for (int turns = 0; turns < TURNS_MAX; turns++) {
		bool had = take_turns(all, count, place, device);

		/* On a machine that does much else it may take a while. */
		if (time(NULL) >= end + (had ? 0 : PATIENCE))
			break;
	}
	error = cdf_filter_detach(place, "bench");
	if (error < 0 && error != -ENOENT)
		fail("RTM_DELTFILTER", error);
	for (int i = 0; i < count; i++)
		print(all[i], i == 0 ? "{" : ",");
	puts("}");
	return 0;
}
