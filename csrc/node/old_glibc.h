/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CDF_OLD_GLIBC_H
#define CDF_OLD_GLIBC_H

/*
 * Included before every file of the addons. glibc 2.32 and 2.34 gave these
 * functions new versions when they moved from libpthread into libc; what they
 * do has not changed. Asking for the first version lets a binary that was built
 * on a newer system run on an older one: test/pack/symbols.ts says which
 * is the oldest. Elsewhere (musl, other architectures) nothing is asked.
 */
#include <features.h>

#if defined(__GLIBC__) && defined(__x86_64__)
#define CDF_VERSION(name, version)                                             \
	__asm__(".symver " #name ", " #name "@" version)
#elif defined(__GLIBC__) && defined(__aarch64__)
/* glibc came to this architecture with 2.17. */
#define CDF_VERSION(name, version)                                             \
	__asm__(".symver " #name ", " #name "@GLIBC_2.17")
#endif

#ifdef CDF_VERSION
CDF_VERSION(pthread_create, "GLIBC_2.2.5");
CDF_VERSION(pthread_join, "GLIBC_2.2.5");
CDF_VERSION(pthread_once, "GLIBC_2.2.5");
CDF_VERSION(pthread_setname_np, "GLIBC_2.12");
CDF_VERSION(pthread_sigmask, "GLIBC_2.2.5");
CDF_VERSION(sem_destroy, "GLIBC_2.2.5");
CDF_VERSION(sem_init, "GLIBC_2.2.5");
CDF_VERSION(sem_post, "GLIBC_2.2.5");
CDF_VERSION(sem_wait, "GLIBC_2.2.5");
#endif

#endif
