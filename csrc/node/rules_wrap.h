/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packet rules alone, for captures. */
#ifndef CDF_RULES_WRAP_H
#define CDF_RULES_WRAP_H

#include <napi.h>

extern "C" {
#include "packet/clear.h"
}

class RulesWrap : public Napi::ObjectWrap<RulesWrap>
{
public:
	static Napi::Function Define(Napi::Env env);
	explicit RulesWrap(const Napi::CallbackInfo &info);
	~RulesWrap() override;

private:
	Napi::Value Apply(const Napi::CallbackInfo &info);
	Napi::Value Counters(const Napi::CallbackInfo &info);

	cdf_identifier *identifier_ = nullptr;
	cdf_counters counters_ = {};
};

#endif
