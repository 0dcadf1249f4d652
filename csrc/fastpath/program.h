/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program in the kernel (clear.bpf.c) and its maps, from this side. */
#ifndef CDF_FASTPATH_PROGRAM_H
#define CDF_FASTPATH_PROGRAM_H

#include <stdint.h>

#include "layout.h"

/* The identifications that all programs of an instance share. */
struct cdf_fast_pool {
	int slots;
	int leases;
	uint64_t hash_key;
};

/* A loaded program and what belongs to it alone. */
struct cdf_fast_program {
	int program;
	int counters;
	uint32_t id;		 /* the kernel's */
	uint32_t identification; /* enum cdf_fast_identification */
};

/* Why something failed, besides the errno. */
struct cdf_fast_failure {
	const char *operation;
	char detail[512]; /* the verifier's last words; mostly empty */
};

/** A fresh pool. @return 0 or -errno */
int cdf_fast_pool_new(struct cdf_fast_pool *pool,
		      struct cdf_fast_failure *failure);

/**
 * The pool of a program that is attached somewhere (needs CAP_SYS_ADMIN).
 * @return -EPROTO when another version of clear-df made it; 0 or -errno
 */
int cdf_fast_pool_adopt(struct cdf_fast_pool *pool, uint32_t program_id,
			struct cdf_fast_failure *failure);

void cdf_fast_pool_close(struct cdf_fast_pool *pool);

/**
 * Load a program with its settings in it.
 * @param before a program whose counters it goes on with; NULL: they start at 0
 * @return 0 or -errno
 */
int cdf_fast_program_load(struct cdf_fast_program *program,
			  const struct cdf_fast_pool *pool,
			  const struct cdf_fast_settings *settings,
			  const struct cdf_fast_program *before,
			  struct cdf_fast_failure *failure);

/**
 * A program that is attached somewhere, by the kernel's id (CAP_SYS_ADMIN).
 * @return -EPROTO when another version of clear-df made it; 0 or -errno
 */
int cdf_fast_program_adopt(struct cdf_fast_program *program, uint32_t id,
			   struct cdf_fast_failure *failure);

void cdf_fast_program_close(struct cdf_fast_program *program);

/** The counters, summed over all CPUs. @return 0 or -errno */
int cdf_fast_program_counters(const struct cdf_fast_program *program,
			      struct cdf_fast_counters *sum);

#endif
