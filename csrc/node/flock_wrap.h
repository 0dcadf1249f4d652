/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flock(2), which Node does not have. */
#ifndef CDF_FLOCK_WRAP_H
#define CDF_FLOCK_WRAP_H

#include <napi.h>

/** flock(descriptor, inherit): 0, or the kernel's errno; EAGAIN: another process holds the lock. */
Napi::Value Flock(const Napi::CallbackInfo &info);

#endif
