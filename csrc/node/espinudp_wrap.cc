/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "espinudp_wrap.h"

#include "clock.h"
#include "options_wrap.h"

namespace
{

cdf_espinudp_options ReadEspInUdpOptions(const Napi::Object &options)
{
	cdf_espinudp_options read = {};

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

Napi::Function EspInUdpWrap::Define(Napi::Env env)
{
	return DefineClass(
		env, "EspInUdp",
		{
			InstanceMethod("tend", &EspInUdpWrap::Tend),
			InstanceMethod("counts", &EspInUdpWrap::Counts),
			InstanceMethod("close", &EspInUdpWrap::Close),
		});
}

EspInUdpWrap::EspInUdpWrap(const Napi::CallbackInfo &info)
	: Napi::ObjectWrap<EspInUdpWrap>(info)
{
	if (!info[0].IsObject())
		throw Napi::TypeError::New(info.Env(), "expected options");
	cdf_espinudp_options options =
		ReadEspInUdpOptions(info[0].As<Napi::Object>());
	const char *operation = "";
	int error = cdf_espinudp_open(&socket_, &options, &operation);

	if (error < 0) {
		Napi::Error thrown = Napi::Error::New(info.Env(), operation);

		thrown.Set("errno", Napi::Number::New(info.Env(), -error));
		thrown.Set("operation",
			   Napi::String::New(info.Env(), operation));
		throw thrown;
	}
}

EspInUdpWrap::~EspInUdpWrap()
{
	cdf_espinudp_close(&socket_);
}

void EspInUdpWrap::Tend(const Napi::CallbackInfo &)
{
	cdf_espinudp_tend(&socket_, cdf_clock_now());
}

Napi::Value EspInUdpWrap::Counts(const Napi::CallbackInfo &info)
{
	const cdf_espinudp_counts &counts = socket_.counts;
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

void EspInUdpWrap::Close(const Napi::CallbackInfo &)
{
	cdf_espinudp_close(&socket_);
}
