/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What JavaScript sees. Nothing is global: any number of environments may load
 * the addon, worker threads included. */
#include <napi.h>

#include <string>

#include "espinudp_wrap.h"
#include "flock_wrap.h"
#include "mangler_wrap.h"
#include "nftables_wrap.h"
#include "notify_wrap.h"
#include "probe_wrap.h"
#include "rules_wrap.h"
#include "sender_wrap.h"

extern "C" {
#include "kernel/netns.h"
}

static Napi::Value CounterNames(const Napi::CallbackInfo &info)
{
	static const char *const names[] = {
#define CDF_COUNTER_NAME(name) #name,
		CDF_COUNTERS(CDF_COUNTER_NAME)
#undef CDF_COUNTER_NAME
	};
	Napi::Array array = Napi::Array::New(info.Env(), CDF_COUNTER_COUNT);

	for (uint32_t i = 0; i < CDF_COUNTER_COUNT; i++)
		array.Set(i, names[i]);
	return array;
}

/* Undefined where it is not to be had. */
static Napi::Value NamespaceId(const Napi::CallbackInfo &info)
{
	cdf_netns_kind kind;
	uint64_t id = 0;

	if (cdf_netns_id(&kind, &id) < 0)
		return info.Env().Undefined();
	return Napi::String::New(
		info.Env(), (kind == CDF_NETNS_COOKIE ? "cookie-" : "lo-") +
				    std::to_string(id));
}

static Napi::Object Init(Napi::Env env, Napi::Object exports)
{
	exports.Set("counterNames", Napi::Function::New(env, CounterNames));
	exports.Set("EspInUdp", EspInUdpWrap::Define(env));
	exports.Set("flock", Napi::Function::New(env, Flock, "flock"));
	exports.Set("Mangler", ManglerWrap::Define(env));
	exports.Set("namespaceId",
		    Napi::Function::New(env, NamespaceId, "namespaceId"));
	exports.Set("nftQueue", Napi::Function::New(env, NftQueue, "nftQueue"));
	exports.Set("notify", Napi::Function::New(env, Notify, "notify"));
	exports.Set("send", Napi::Function::New(env, Send, "send"));
	exports.Set("probe", Napi::Function::New(env, Probe, "probe"));
	exports.Set("Rules", RulesWrap::Define(env));
	exports.Set("rulesetMark",
		    Napi::Function::New(env, RulesetMark, "rulesetMark"));
	return exports;
}

NODE_API_MODULE(clear_df, Init)
