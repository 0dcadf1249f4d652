/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Probes of a path, asked and waited for off the JavaScript thread. */
#ifndef CDF_PROBE_WRAP_H
#define CDF_PROBE_WRAP_H

#include <napi.h>

/** probe(request): a promise of what came of each try. */
Napi::Value Probe(const Napi::CallbackInfo &info);

#endif
