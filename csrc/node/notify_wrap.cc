/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "notify_wrap.h"

#include <string>

extern "C" {
#include "kernel/notify.h"
}

Napi::Value Notify(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();

	if (!info[0].IsString() || !info[1].IsString())
		throw Napi::TypeError::New(env, "expected address, text");
	std::string address = info[0].As<Napi::String>();
	std::string text = info[1].As<Napi::String>();

	return Napi::Number::New(
		env, -cdf_notify(address.c_str(), text.data(), text.size()));
}
