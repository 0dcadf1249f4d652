/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fastpath_wrap.h"

#include <cstring>

#include "fastpath_values.h"

extern "C" {
#include "fastpath/bpf.h"
}

Napi::Function PoolWrap::Define(Napi::Env env)
{
	return DefineClass(env, "Pool",
			   { InstanceMethod("close", &PoolWrap::Close) });
}

PoolWrap::PoolWrap(const Napi::CallbackInfo &info)
	: Napi::ObjectWrap<PoolWrap>(info)
{
	cdf_fast_failure failure = {};
	int error = info.Length() == 0
			    ? cdf_fast_pool_new(&pool_, &failure)
			    : cdf_fast_pool_adopt(&pool_,
						  ToNumber(info[0], "programId",
							   UINT32_MAX),
						  &failure);

	if (error < 0)
		ThrowFailure(info.Env(), error, failure.operation);
}

PoolWrap::~PoolWrap()
{
	cdf_fast_pool_close(&pool_);
}

void PoolWrap::Close(const Napi::CallbackInfo &)
{
	cdf_fast_pool_close(&pool_);
}

Napi::Function ProgramWrap::Define(Napi::Env env)
{
	return DefineClass(
		env, "Program",
		{
			InstanceMethod("id", &ProgramWrap::Id),
			InstanceMethod("identification",
				       &ProgramWrap::Identification),
			InstanceMethod("counters", &ProgramWrap::Counters),
			InstanceMethod("attach", &ProgramWrap::Attach),
			InstanceMethod("try", &ProgramWrap::Try),
			InstanceMethod("close", &ProgramWrap::Close),
		});
}

ProgramWrap::ProgramWrap(const Napi::CallbackInfo &info)
	: Napi::ObjectWrap<ProgramWrap>(info)
{
	cdf_fast_failure failure = {};
	int error;

	if (info[0].IsNumber()) {
		error = cdf_fast_program_adopt(
			&program_, ToNumber(info[0], "programId", UINT32_MAX),
			&failure);
	} else {
		if (!info[0].IsObject())
			throw Napi::TypeError::New(info.Env(),
						   "expected a pool");
		PoolWrap *pool = PoolWrap::Unwrap(info[0].As<Napi::Object>());
		cdf_fast_settings settings = ToSettings(info[1]);
		ProgramWrap *before =
			info[2].IsObject() ? Unwrap(info[2].As<Napi::Object>())
					   : nullptr;

		error = cdf_fast_program_load(
			&program_, &pool->pool(), &settings,
			before == nullptr ? nullptr : &before->program_,
			&failure);
	}
	if (error < 0)
		ThrowFailure(info.Env(), error, failure.operation,
			     failure.detail);
}

ProgramWrap::~ProgramWrap()
{
	cdf_fast_program_close(&program_);
}

Napi::Value ProgramWrap::Id(const Napi::CallbackInfo &info)
{
	return Napi::Number::New(info.Env(), program_.id);
}

Napi::Value ProgramWrap::Identification(const Napi::CallbackInfo &info)
{
	const char *name = program_.identification == CDF_FAST_KEEP ? "keep"
			   : program_.identification == CDF_FAST_SEQUENTIAL
				   ? "sequential"
				   : "random";

	return Napi::String::New(info.Env(), name);
}

Napi::Value ProgramWrap::Counters(const Napi::CallbackInfo &info)
{
	cdf_fast_counters counters = {};
	int error = cdf_fast_program_counters(&program_, &counters);

	if (error < 0)
		ThrowFailure(info.Env(), error, "BPF_MAP_LOOKUP_ELEM");
	return CounterValues(info.Env(), counters);
}

/* attach(ifindex, direction, name) */
void ProgramWrap::Attach(const Napi::CallbackInfo &info)
{
	Owned owned = ToOwned(info);
	int error = cdf_filter_attach(owned.place, owned.name.c_str(),
				      program_.program);

	if (error < 0)
		ThrowFailure(info.Env(), error, "RTM_NEWTFILTER");
}

/* try(bytes, gsoSize, gsoSegments, repeat): { bytes, nanoseconds } */
Napi::Value ProgramWrap::Try(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();

	if (!info[0].IsTypedArray() ||
	    info[0].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array)
		throw Napi::TypeError::New(env, "expected bytes");
	auto in = info[0].As<Napi::Uint8Array>();
	auto out = Napi::Uint8Array::New(env, in.ByteLength());
	cdf_bpf_trial trial = {};

	trial.in = in.Data();
	trial.out = out.Data();
	trial.length = (uint32_t)in.ByteLength();
	trial.context.gso_size = ToNumber(info[1], "gsoSize", 65535);
	trial.context.gso_segs = ToNumber(info[2], "gsoSegments", 65535);
	trial.repeat = ToNumber(info[3], "repeat", 100000000);
	int error = cdf_bpf_try(program_.program, &trial);
	if (error < 0)
		ThrowFailure(env, error, "BPF_PROG_TEST_RUN");
	Napi::Object result = Napi::Object::New(env);
	result.Set("bytes", out);
	result.Set("nanoseconds", Napi::Number::New(env, trial.nanoseconds));
	return result;
}

void ProgramWrap::Close(const Napi::CallbackInfo &)
{
	cdf_fast_program_close(&program_);
}
