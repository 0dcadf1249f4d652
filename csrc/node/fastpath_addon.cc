/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clear_df_fastpath.node: what JavaScript sees of the fast path. An addon of its
 * own, so that nothing else depends on it. */
#include <napi.h>

#include "fastpath_values.h"
#include "fastpath_wrap.h"

extern "C" {
#include "fastpath/device.h"
}

static Napi::Value CounterNames(const Napi::CallbackInfo &info)
{
	static const char *const names[] = {
#define CDF_FAST_NAME(name) #name,
		CDF_FAST_COUNTERS(CDF_FAST_NAME)
#undef CDF_FAST_NAME
	};
	Napi::Array array = Napi::Array::New(info.Env());

	for (const char *name : names)
		array.Set(array.Length(), name);
	return array;
}

struct Listing {
	Napi::Env env;
	Napi::Array filters;
};

/* filters(): those of every instance in this network namespace */
static Napi::Value Filters(const Napi::CallbackInfo &info)
{
	Listing listing = { info.Env(), Napi::Array::New(info.Env()) };
	int error = cdf_filter_list(
		[](const cdf_filter *filter, void *data) {
			auto into = static_cast<Listing *>(data);
			Napi::Object row = Napi::Object::New(into->env);

			row.Set("device", filter->place.device);
			row.Set("direction",
				filter->place.direction == CDF_INGRESS
					? "ingress"
					: "egress");
			row.Set("name", filter->name);
			row.Set("programId",
				Napi::Number::New(into->env,
						  filter->program_id));
			into->filters.Set(into->filters.Length(), row);
		},
		&listing);

	if (error < 0)
		ThrowFailure(info.Env(), error, "RTM_GETTFILTER");
	return listing.filters;
}

/* look(ifindex, direction, name): the program's id; undefined: none of it */
static Napi::Value Look(const Napi::CallbackInfo &info)
{
	Owned owned = ToOwned(info);
	cdf_filter mine = {};
	int error = cdf_filter_look(owned.place, owned.name.c_str(), &mine);

	if (error == -ENOENT)
		return info.Env().Undefined();
	if (error < 0)
		ThrowFailure(info.Env(), error, "RTM_GETTFILTER");
	return Napi::Number::New(info.Env(), mine.program_id);
}

/* detach(ifindex, direction, name): was there one? */
static Napi::Value Detach(const Napi::CallbackInfo &info)
{
	Owned owned = ToOwned(info);
	int error = cdf_filter_detach(owned.place, owned.name.c_str());

	if (error < 0 && error != -ENOENT && error != -ENODEV)
		ThrowFailure(info.Env(), error, "RTM_DELTFILTER");
	return Napi::Boolean::New(info.Env(), error == 0);
}

/* device(name): { index, ethernet } */
static Napi::Value Device(const Napi::CallbackInfo &info)
{
	std::string name = ToText(info[0], "name");
	cdf_device device = {};
	int error = cdf_device_find(name.c_str(), &device);

	if (error < 0)
		ThrowFailure(info.Env(), error, "SIOCGIFINDEX");
	Napi::Object result = Napi::Object::New(info.Env());
	result.Set("index", Napi::Number::New(info.Env(), device.index));
	result.Set("ethernet", Napi::Boolean::New(info.Env(), device.ethernet));
	return result;
}

static Napi::Object Init(Napi::Env env, Napi::Object exports)
{
	exports.Set("counterNames", Napi::Function::New(env, CounterNames));
	exports.Set("device", Napi::Function::New(env, Device));
	exports.Set("filters", Napi::Function::New(env, Filters));
	exports.Set("look", Napi::Function::New(env, Look));
	exports.Set("detach", Napi::Function::New(env, Detach));
	exports.Set("Pool", PoolWrap::Define(env));
	exports.Set("Program", ProgramWrap::Define(env));
	return exports;
}

NODE_API_MODULE(clear_df_fastpath, Init)
