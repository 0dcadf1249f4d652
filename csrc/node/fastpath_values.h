/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values from JavaScript and failures to it. Types are checked in TypeScript
 * already; here nothing is trusted. */
#ifndef CDF_FASTPATH_VALUES_WRAP_H
#define CDF_FASTPATH_VALUES_WRAP_H

#include <napi.h>

#include <string>

extern "C" {
#include "fastpath/filter.h"
#include "fastpath/program.h"
}

/** A whole number from 0 to most; throws a TypeError. */
uint32_t ToNumber(const Napi::Value &value, const char *what, uint32_t most);

/** Throws a TypeError when it is no text. */
std::string ToText(const Napi::Value &value, const char *what);

/** 'ingress' or 'egress'; throws a TypeError. */
cdf_direction ToDirection(const Napi::Value &value);

/** Where and whose: (ifindex, direction, name). */
struct Owned {
	cdf_place place;
	std::string name;
};
Owned ToOwned(const Napi::CallbackInfo &info);

/** The settings of a program; throws a TypeError that names the bad one. */
cdf_fast_settings ToSettings(const Napi::Value &value);

/** Throws an Error with `errno` (positive), `operation` and `detail`. */
void ThrowFailure(Napi::Env env, int error, const char *operation,
		  const char *detail = "");

/** The counters as a block in the order of the names. */
Napi::Value CounterValues(Napi::Env env, const cdf_fast_counters &counters);

#endif
