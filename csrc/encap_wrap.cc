/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "encap_wrap.h"

#include "clock.h"
#include "options_wrap.h"

namespace
{

cdf_encap_options ReadEncap(const Napi::Object &options)
{
	cdf_encap_options read = {};

	read.local = ReadAddress(options, "local");
	read.port = (uint16_t)ReadNumber(options, "port", 1, UINT16_MAX);
	read.remote = ReadAddress(options, "remote");
	read.remote_port =
		(uint16_t)ReadNumber(options, "remotePort", 1, UINT16_MAX);
	read.keepalive = (uint64_t)ReadNumber(options, "keepalive", 0, 86400) *
			 CDF_SECOND;
	return read;
}

} // namespace

Napi::Function EncapWrap::Define(Napi::Env env)
{
	return DefineClass(env, "Encap",
			   {
				   InstanceMethod("tend", &EncapWrap::Tend),
				   InstanceMethod("counts", &EncapWrap::Counts),
				   InstanceMethod("close", &EncapWrap::Close),
			   });
}

EncapWrap::EncapWrap(const Napi::CallbackInfo &info)
	: Napi::ObjectWrap<EncapWrap>(info)
{
	if (!info[0].IsObject())
		throw Napi::TypeError::New(info.Env(), "expected options");
	cdf_encap_options options = ReadEncap(info[0].As<Napi::Object>());
	const char *operation = "";
	int error = cdf_encap_open(&encap_, &options, &operation);

	if (error < 0) {
		Napi::Error thrown = Napi::Error::New(info.Env(), operation);

		thrown.Set("errno", Napi::Number::New(info.Env(), -error));
		thrown.Set("operation",
			   Napi::String::New(info.Env(), operation));
		throw thrown;
	}
}

EncapWrap::~EncapWrap()
{
	cdf_encap_close(&encap_);
}

void EncapWrap::Tend(const Napi::CallbackInfo &)
{
	cdf_encap_tend(&encap_, cdf_clock_now());
}

Napi::Value EncapWrap::Counts(const Napi::CallbackInfo &info)
{
	const cdf_encap_counts &counts = encap_.counts;
	Napi::Object row = Napi::Object::New(info.Env());

	row.Set("keepalives", (double)counts.keepalives);
	row.Set("refused", (double)counts.refused);
	row.Set("ike", (double)counts.ike);
	row.Set("other", (double)counts.other);
	row.Set("dropped", (double)counts.dropped);
	row.Set("errno", -counts.error);
	row.Set("from", AddressText(counts.from));
	return row;
}

void EncapWrap::Close(const Napi::CallbackInfo &)
{
	cdf_encap_close(&encap_);
}
