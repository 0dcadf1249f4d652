/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options from JavaScript. The types are checked in TypeScript already; here
 * nothing is trusted, so that no other caller can get past. */
#ifndef CDF_OPTIONS_WRAP_H
#define CDF_OPTIONS_WRAP_H

#include <napi.h>

#include <string>

extern "C" {
#include "queue/mangler.h"
}

/** Read options[key], a whole number from least to most; throws a TypeError. */
double ReadNumber(const Napi::Object &options, const char *key, double least,
		  double most);

/** Read options[key], a boolean; throws a TypeError. */
bool ReadFlag(const Napi::Object &options, const char *key);

/** Read options[key], an IPv4 address, as it lies in memory; throws a TypeError. */
uint32_t ReadAddress(const Napi::Object &options, const char *key);

/** An address that lies in memory, dotted. */
std::string AddressText(uint32_t address);

/** Read a mangler's options; throws a TypeError that names the bad one. */
cdf_mangler_options ReadOptions(const Napi::Object &options);

/** Read 'random', 'keep' or 'sequential'; throws a TypeError otherwise. */
cdf_identification_policy ReadPolicy(const Napi::Value &value);

#endif
