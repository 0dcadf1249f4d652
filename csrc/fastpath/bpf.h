/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bpf(2), as far as the fast path needs it. Descriptors are close-on-exec; every
 * function returns a descriptor or 0, or -errno. */
#ifndef CDF_FASTPATH_BPF_H
#define CDF_FASTPATH_BPF_H

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

/** A map with 32-bit keys. @param btf_value type of its value in btf; 0: none */
int cdf_bpf_map(const char *name, enum bpf_map_type type, uint32_t value_size,
		uint32_t entries, uint32_t flags, int btf, uint32_t btf_value);

int cdf_bpf_write(int map, uint32_t key, const void *value);

/** @param value of a per-CPU map: one after another, of every possible CPU */
int cdf_bpf_read(int map, uint32_t key, void *value);

/** No later bpf(2) changes the map. */
int cdf_bpf_freeze(int map);

int cdf_bpf_btf(const void *blob, size_t size);

/**
 * Load a classifier.
 * @param log receives the end of what the verifier said, when it refused
 */
int cdf_bpf_load(const char *name, const struct bpf_insn *program, size_t count,
		 char *log, size_t log_size);

/** Needs CAP_SYS_ADMIN. */
int cdf_bpf_program_by_id(uint32_t id);
int cdf_bpf_map_by_id(uint32_t id);

/** @return the program's id; *count map ids, at most as many as it says before */
int cdf_bpf_program_info(int program, uint32_t *id, uint32_t *map_ids,
			 uint32_t *count);
int cdf_bpf_map_info(int map, struct bpf_map_info *info);

/** One packet through a program that is attached nowhere (BPF_PROG_TEST_RUN). */
struct cdf_bpf_trial {
	const void *in;
	void *out; /* as long as in */
	uint32_t length;
	struct __sk_buff context;
	uint32_t repeat;
	uint32_t nanoseconds; /* of each run, the mean */
};
int cdf_bpf_try(int program, struct cdf_bpf_trial *trial);

#endif
