/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "instructions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf.h"
#include "instructions.inc"

#define INSTRUCTIONS (sizeof(cdf_program) / sizeof(cdf_program[0]))

/* The number that an instruction of 64 bits loads, which takes two places. */
static void put_number(struct bpf_insn *instruction, uint64_t number)
{
	instruction[0].src_reg = 0;
	instruction[0].off = 0;
	instruction[0].imm = (int32_t)(uint32_t)number;
	instruction[1].imm = (int32_t)(uint32_t)(number >> 32);
}

static uint64_t setting(const struct cdf_fast_settings *settings, size_t at,
			size_t size)
{
	uint32_t number;
	uint64_t large;

	if (size == sizeof(large)) {
		memcpy(&large, (const char *)settings + at, sizeof(large));
		return large;
	}
	memcpy(&number, (const char *)settings + at, sizeof(number));
	return number;
}

int cdf_fast_instructions_load(const int maps[CDF_FAST_MAP_COUNT],
			       const struct cdf_fast_settings *settings,
			       char *log, size_t log_size)
{
	struct bpf_insn *program = malloc(sizeof(cdf_program));
	int result;

	if (program == NULL)
		return -ENOMEM;
	memcpy(program, cdf_program, sizeof(cdf_program));
	/* A map's number becomes its descriptor, a setting's place its value. */
	for (size_t i = 0; i < INSTRUCTIONS; i++) {
		struct bpf_insn *here = &program[i];

		if (here->code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		if (here->src_reg == CDF_FAST_SETTING)
			put_number(here, setting(settings, (size_t)here->imm,
						 (size_t)here->off));
		else if (here->src_reg != 0)
			here->imm = maps[here->imm];
		i++;
	}
	result = cdf_bpf_load("clear_df", program, INSTRUCTIONS, log, log_size);
	free(program);
	return result;
}
