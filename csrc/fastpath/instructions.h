/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The generated program (instructions.inc), made ready for the kernel. */
#ifndef CDF_FASTPATH_INSTRUCTIONS_H
#define CDF_FASTPATH_INSTRUCTIONS_H

#include <stddef.h>

#include "layout.h"

/**
 * Load the program with maps and settings in it.
 * @param log receives the end of what the verifier said, when it refused
 * @return its descriptor or -errno
 */
int cdf_fast_instructions_load(const int maps[CDF_FAST_MAP_COUNT],
			       const struct cdf_fast_settings *settings,
			       char *log, size_t log_size);

#endif
