/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sender of `clear-df bench`. */
#ifndef CDF_SENDER_WRAP_H
#define CDF_SENDER_WRAP_H

#include <napi.h>

/** send(request): sends on this thread until it is over, and returns what it sent. */
Napi::Value Send(const Napi::CallbackInfo &info);

#endif
