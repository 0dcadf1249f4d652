/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A datagram to a Unix socket, which Node does not have. */
#ifndef CDF_NOTIFY_WRAP_H
#define CDF_NOTIFY_WRAP_H

#include <napi.h>

/** notify(address, text): 0, or the kernel's errno; see `kernel/notify.h`. */
Napi::Value Notify(const Napi::CallbackInfo &info);

#endif
