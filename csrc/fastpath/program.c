/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf.h"
#include "instructions.h"

/* Highest CPU number that a kernel can be made for (NR_CPUS of x86 and arm64). */
#define CPUS_MAX 8192

static int fail(struct cdf_fast_failure *failure, const char *operation,
		int error)
{
	failure->operation = operation;
	return error;
}

/*
 * CPUs that the kernel is prepared for: a reading of a per-CPU map has a value
 * for each of them, in order. The file says 0-N, or N-M,… with gaps; what counts
 * is the last number.
 */
static int possible_cpus(void)
{
	char text[256] = "";
	FILE *file = fopen("/sys/devices/system/cpu/possible", "re");
	char *last;
	long cpus;

	if (file != NULL) {
		if (fgets(text, sizeof(text), file) == NULL)
			text[0] = '\0';
		fclose(file);
	}
	last = text + strcspn(text, "\n");
	*last = '\0';
	while (last > text && last[-1] >= '0' && last[-1] <= '9')
		last--;
	/* Too little room would be overrun; without /sys: for all that can be. */
	cpus = *last == '\0' ? CPUS_MAX : strtol(last, NULL, 10) + 1;
	return cpus < 1 ? 1 : cpus > CPUS_MAX ? CPUS_MAX : (int)cpus;
}

int cdf_fast_program_counters(const struct cdf_fast_program *program,
			      struct cdf_fast_counters *sum)
{
	int cpus = possible_cpus();
	struct cdf_fast_counters *each = calloc((size_t)cpus, sizeof(*each));
	int error;

	if (each == NULL)
		return -ENOMEM;
	memset(sum, 0, sizeof(*sum));
	error = cdf_bpf_read(program->counters, 0, each);
	for (int cpu = 0; error == 0 && cpu < cpus; cpu++)
		for (int i = 0; i < CDF_FAST_COUNTER_COUNT; i++)
			sum->value[i] += each[cpu].value[i];
	free(each);
	return error;
}

static int make_settings(const struct cdf_fast_settings *settings)
{
	int map = cdf_bpf_map("cdf_settings", BPF_MAP_TYPE_ARRAY,
			      sizeof(*settings), 1, BPF_F_RDONLY_PROG, -1, 0);
	int error;

	if (map < 0)
		return map;
	error = cdf_bpf_write(map, 0, settings);
	if (error == 0)
		error = cdf_bpf_freeze(map);
	if (error == 0)
		return map;
	close(map);
	return error;
}

int cdf_fast_program_load(struct cdf_fast_program *program,
			  const struct cdf_fast_pool *pool,
			  const struct cdf_fast_settings *settings,
			  const struct cdf_fast_program *before,
			  struct cdf_fast_failure *failure)
{
	struct cdf_fast_settings own = *settings;
	int maps[CDF_FAST_MAP_COUNT];
	uint32_t ids[CDF_FAST_MAP_COUNT], count = CDF_FAST_MAP_COUNT;
	int error;

	memset(failure, 0, sizeof(*failure));
	program->program = -1;
	own.layout = CDF_FAST_LAYOUT;
	own.hash_key = pool->hash_key;
	program->identification = own.identification;
	program->counters =
		before != NULL
			? dup(before->counters)
			: cdf_bpf_map("cdf_counters", BPF_MAP_TYPE_PERCPU_ARRAY,
				      sizeof(struct cdf_fast_counters), 1, 0,
				      -1, 0);
	if (program->counters < 0)
		return fail(failure, "BPF_MAP_CREATE",
			    before != NULL ? -errno : program->counters);
	maps[CDF_FAST_MAP_cdf_settings] = make_settings(&own);
	maps[CDF_FAST_MAP_cdf_counters] = program->counters;
	maps[CDF_FAST_MAP_cdf_slots] = pool->slots;
	maps[CDF_FAST_MAP_cdf_leases] = pool->leases;
	error = maps[CDF_FAST_MAP_cdf_settings];
	if (error < 0) {
		cdf_fast_program_close(program);
		return fail(failure, "BPF_MAP_CREATE", error);
	}
	program->program = cdf_fast_instructions_load(
		maps, &own, failure->detail, sizeof(failure->detail));
	/* The program holds it now. */
	close(maps[CDF_FAST_MAP_cdf_settings]);
	error = program->program < 0
			? program->program
			: cdf_bpf_program_info(program->program, &program->id,
					       ids, &count);
	if (error < 0)
		cdf_fast_program_close(program);
	return error < 0 ? fail(failure, "BPF_PROG_LOAD", error) : 0;
}

void cdf_fast_program_close(struct cdf_fast_program *program)
{
	if (program->program >= 0)
		close(program->program);
	if (program->counters >= 0)
		close(program->counters);
	program->program = program->counters = -1;
}

/* Which of the maps a descriptor is, by name and size; -1: none of them. */
static int which_map(int map)
{
	static const struct {
		const char *name;
		uint32_t value_size, entries;
	} known[CDF_FAST_MAP_COUNT] = {
		[CDF_FAST_MAP_cdf_settings] = { "cdf_settings",
						sizeof(struct
						       cdf_fast_settings),
						1 },
		[CDF_FAST_MAP_cdf_counters] = { "cdf_counters",
						sizeof(struct
						       cdf_fast_counters),
						1 },
		[CDF_FAST_MAP_cdf_slots] = { "cdf_slots",
					     sizeof(struct cdf_fast_slot),
					     CDF_FAST_SLOTS },
		[CDF_FAST_MAP_cdf_leases] = { "cdf_leases",
					      sizeof(struct cdf_fast_lease),
					      CDF_FAST_SLOTS },
	};
	struct bpf_map_info info;

	if (cdf_bpf_map_info(map, &info) < 0)
		return -1;
	for (int i = 0; i < CDF_FAST_MAP_COUNT; i++)
		if (strcmp(info.name, known[i].name) == 0)
			return info.value_size == known[i].value_size &&
					       info.max_entries ==
						       known[i].entries
				       ? i
				       : -1;
	return -1;
}

/* The maps of an attached program, each in its place; the caller closes them. */
static int open_maps(uint32_t id, int *program, int maps[CDF_FAST_MAP_COUNT],
		     struct cdf_fast_settings *settings)
{
	uint32_t ids[CDF_FAST_MAP_COUNT], count = CDF_FAST_MAP_COUNT, again;
	int error, missing = 0;

	for (int i = 0; i < CDF_FAST_MAP_COUNT; i++)
		maps[i] = -1;
	*program = cdf_bpf_program_by_id(id);
	if (*program < 0)
		return *program;
	error = cdf_bpf_program_info(*program, &again, ids, &count);
	for (uint32_t i = 0; error == 0 && i < count; i++) {
		int map = cdf_bpf_map_by_id(ids[i]);
		int which = map < 0 ? -1 : which_map(map);

		if (map < 0)
			error = map;
		else if (which < 0 || maps[which] >= 0)
			close(map);
		else
			maps[which] = map;
	}
	if (error < 0)
		return error;
	for (int i = 0; i < CDF_FAST_MAP_COUNT; i++)
		missing |= maps[i] < 0;
	if (missing)
		return -EPROTO;
	error = cdf_bpf_read(maps[CDF_FAST_MAP_cdf_settings], 0, settings);
	return error < 0			     ? error
	       : settings->layout != CDF_FAST_LAYOUT ? -EPROTO
						     : 0;
}

static void close_maps(int program, int maps[CDF_FAST_MAP_COUNT])
{
	if (program >= 0)
		close(program);
	for (int i = 0; i < CDF_FAST_MAP_COUNT; i++)
		if (maps[i] >= 0)
			close(maps[i]);
}

int cdf_fast_pool_adopt(struct cdf_fast_pool *pool, uint32_t program_id,
			struct cdf_fast_failure *failure)
{
	struct cdf_fast_settings settings;
	int maps[CDF_FAST_MAP_COUNT], program;
	int error = open_maps(program_id, &program, maps, &settings);

	memset(failure, 0, sizeof(*failure));
	pool->slots = pool->leases = -1;
	if (error == 0) {
		pool->slots = maps[CDF_FAST_MAP_cdf_slots];
		pool->leases = maps[CDF_FAST_MAP_cdf_leases];
		pool->hash_key = settings.hash_key;
		maps[CDF_FAST_MAP_cdf_slots] = maps[CDF_FAST_MAP_cdf_leases] =
			-1;
	}
	close_maps(program, maps);
	return fail(failure, "BPF_PROG_GET_FD_BY_ID", error);
}

int cdf_fast_program_adopt(struct cdf_fast_program *program, uint32_t id,
			   struct cdf_fast_failure *failure)
{
	struct cdf_fast_settings settings;
	int maps[CDF_FAST_MAP_COUNT], held;
	int error = open_maps(id, &held, maps, &settings);

	memset(failure, 0, sizeof(*failure));
	program->id = id;
	program->program = program->counters = -1;
	if (error == 0) {
		program->program = held;
		program->identification = settings.identification;
		program->counters = maps[CDF_FAST_MAP_cdf_counters];
		held = maps[CDF_FAST_MAP_cdf_counters] = -1;
	}
	close_maps(held, maps);
	return fail(failure, "BPF_PROG_GET_FD_BY_ID", error);
}
