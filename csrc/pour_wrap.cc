/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pour_wrap.h"

#include "options_wrap.h"

#include <cstdint>
#include <cstdio>
#include <string>

extern "C" {
#include "pour.h"
}

namespace
{

const double kSecond = 1e9; /* nanoseconds */

std::string ReadText(const Napi::Object &request, const char *key)
{
	Napi::Value value = request.Get(key);

	if (!value.IsString())
		throw Napi::TypeError::New(request.Env(),
					   std::string(key) +
						   " has to be a string");
	return value.As<Napi::String>().Utf8Value();
}

void ReadMac(const Napi::Object &request, uint8_t mac[ETH_ALEN])
{
	std::string text = ReadText(request, "mac");
	int read = 0;

	if (sscanf(text.c_str(), "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n",
		   &mac[0], &mac[1], &mac[2], &mac[3], &mac[4], &mac[5],
		   &read) != ETH_ALEN ||
	    (size_t)read != text.size())
		throw Napi::TypeError::New(request.Env(),
					   "mac has to be xx:xx:xx:xx:xx:xx");
}

cdf_pour ReadPour(const Napi::Object &request, const std::string &device)
{
	cdf_pour pour = {};

	pour.device = device.c_str();
	ReadMac(request, pour.mac);
	pour.source = ReadAddress(request, "source");
	pour.destination = ReadAddress(request, "destination");
	pour.length = (size_t)ReadNumber(request, "length", 1, UINT16_MAX);
	pour.duration =
		(uint64_t)(ReadNumber(request, "milliseconds", 1, 3600000) *
			   1e6);
	pour.rate = (uint64_t)ReadNumber(request, "rate", 0, 1e9);
	pour.flows = (uint32_t)ReadNumber(request, "flows", 1, 32);
	pour.df = (uint32_t)ReadNumber(request, "df", 0, 100);
	pour.apart = true;
	pour.sample = UINT64_MAX;
	pour.limit = UINT64_MAX;
	if (!cdf_pour_is_sound(&pour))
		throw Napi::TypeError::New(request.Env(),
					   "length is out of range");
	return pour;
}

} // namespace

Napi::Value Pour(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();

	if (!info[0].IsObject())
		throw Napi::TypeError::New(env, "expected a request");
	Napi::Object request = info[0].As<Napi::Object>();
	std::string device = ReadText(request, "device");
	cdf_pour pour = ReadPour(request, device);
	cdf_poured poured;
	const char *operation = "";
	int result = cdf_pour_run(&pour, &poured, &operation);

	if (result < 0) {
		Napi::Error error = Napi::Error::New(env, operation);

		error.Set("errno", Napi::Number::New(env, -result));
		error.Set("operation", Napi::String::New(env, operation));
		throw error;
	}
	Napi::Object row = Napi::Object::New(env);

	row.Set("sent", (double)poured.sent);
	row.Set("refused", (double)poured.refused);
	row.Set("seconds", (double)poured.elapsed / kSecond);
	return row;
}
