/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules_wrap.h"

#include "mangler_wrap.h"
#include "options_wrap.h"

Napi::Function RulesWrap::Define(Napi::Env env)
{
	return DefineClass(
		env, "Rules",
		{
			InstanceMethod("apply", &RulesWrap::Apply),
			InstanceMethod("counters", &RulesWrap::Counters),
		});
}

RulesWrap::RulesWrap(const Napi::CallbackInfo &info)
	: Napi::ObjectWrap<RulesWrap>(info)
{
	identifier_ = cdf_identifier_new(ReadPolicy(info[0]));
	if (identifier_ == nullptr)
		throw Napi::Error::New(info.Env(), "out of memory");
}

RulesWrap::~RulesWrap()
{
	cdf_identifier_free(identifier_);
}

/* apply(bytes, offset, length, originalLength): were the bytes edited? */
Napi::Value RulesWrap::Apply(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();

	if (!info[0].IsTypedArray() || !info[1].IsNumber() ||
	    !info[2].IsNumber() || !info[3].IsNumber())
		throw Napi::TypeError::New(
			env, "expected bytes, offset, length, originalLength");
	auto bytes = info[0].As<Napi::Uint8Array>();
	double offset = info[1].As<Napi::Number>().DoubleValue();
	double length = info[2].As<Napi::Number>().DoubleValue();
	double original = info[3].As<Napi::Number>().DoubleValue();

	if (bytes.TypedArrayType() != napi_uint8_array || !(offset >= 0) ||
	    !(length >= 0) || !(original >= length) ||
	    !(original <= UINT32_MAX) ||
	    !(offset + length <= (double)bytes.ByteLength()))
		throw Napi::RangeError::New(env,
					    "the packet is not in the bytes");
	cdf_packet packet = {};
	packet.data = bytes.Data() + (size_t)offset;
	packet.length = (uint32_t)length;
	packet.original_length = (uint32_t)original;
	packet.place = CDF_LEAVES;
	counters_.value[CDF_packets]++;
	counters_.value[CDF_bytes] += packet.original_length;
	bool edited = cdf_clear(identifier_, &packet, &counters_) == CDF_EDITED;
	return Napi::Boolean::New(env, edited);
}

Napi::Value RulesWrap::Counters(const Napi::CallbackInfo &info)
{
	return CounterBlock(info.Env(), counters_);
}
