/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For headers that the program in the kernel is made of, too: there nothing can
 * be called that is not part of the program. */
#ifndef CDF_INLINE_H
#define CDF_INLINE_H

#define CDF_LIKELY(x) __builtin_expect(!!(x), 1)
#define CDF_UNLIKELY(x) __builtin_expect(!!(x), 0)

#define CDF_INLINE static inline __attribute__((always_inline))

#endif
