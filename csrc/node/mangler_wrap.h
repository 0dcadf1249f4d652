/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The JavaScript face of a mangler. */
#ifndef CDF_MANGLER_WRAP_H
#define CDF_MANGLER_WRAP_H

#include <napi.h>

#include <mutex>
#include <vector>

extern "C" {
#include "queue/mangler.h"
}

class ManglerWrap : public Napi::ObjectWrap<ManglerWrap>
{
public:
	static Napi::Function Define(Napi::Env env);
	explicit ManglerWrap(const Napi::CallbackInfo &info);
	~ManglerWrap() override;

	/** Stop, drain and join; whoever comes second waits for the first. */
	void CloseNow();
	/** On the JavaScript thread, after CloseNow(): let the process end. */
	void Closed(Napi::Env env);

private:
	Napi::Value Settings(const Napi::CallbackInfo &info);
	Napi::Value Companion(const Napi::CallbackInfo &info);
	Napi::Value Ports(const Napi::CallbackInfo &info);
	Napi::Value Counters(const Napi::CallbackInfo &info);
	Napi::Value Busiest(const Napi::CallbackInfo &info);
	void SetIdentification(const Napi::CallbackInfo &info);
	Napi::Value Close(const Napi::CallbackInfo &info);
	std::vector<cdf_mangler_queue> Read() const;
	static void OnEnvironmentEnd(void *wrap);

	cdf_mangler *mangler_ = nullptr;
	Napi::ThreadSafeFunction on_fault_;
	std::once_flag close_once_;
	bool closing_ = false;
	bool closed_ = false;
	std::vector<Napi::Promise::Deferred> waiting_;
};

/** A counter block as a BigUint64Array, in the order of CDF_COUNTERS. */
Napi::Value CounterBlock(Napi::Env env, const cdf_counters &counters);

#endif
