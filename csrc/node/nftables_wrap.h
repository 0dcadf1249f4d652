/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The firewall, as far as no tool has it, for JavaScript. */
#ifndef CDF_NFTABLES_WRAP_H
#define CDF_NFTABLES_WRAP_H

#include <napi.h>

/** nftQueue(rule): 0, or the kernel's errno (positive). See src/native.ts. */
Napi::Value NftQueue(const Napi::CallbackInfo &info);

/** rulesetMark(table): a text that changes with the rules; empty when they cannot be looked at. */
Napi::Value RulesetMark(const Napi::CallbackInfo &info);

#endif
