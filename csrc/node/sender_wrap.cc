/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sender_wrap.h"

#include "options_wrap.h"

#include <cstdint>
#include <cstdio>
#include <string>

extern "C" {
#include "sender/sender.h"
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

cdf_sender ReadRequest(const Napi::Object &request, const std::string &device)
{
	cdf_sender sender = {};

	sender.device = device.c_str();
	ReadMac(request, sender.mac);
	sender.source = ReadAddress(request, "source");
	sender.destination = ReadAddress(request, "destination");
	sender.length = (size_t)ReadNumber(request, "length", 1, UINT16_MAX);
	sender.duration =
		(uint64_t)(ReadNumber(request, "milliseconds", 1, 3600000) *
			   1e6);
	sender.rate = (uint64_t)ReadNumber(request, "rate", 0, 1e9);
	sender.flows = (uint32_t)ReadNumber(request, "flows", 1, 32);
	sender.df = (uint32_t)ReadNumber(request, "df", 0, 100);
	sender.apart = true;
	sender.sample = UINT64_MAX;
	sender.limit = UINT64_MAX;
	if (!cdf_sender_is_valid(&sender))
		throw Napi::TypeError::New(request.Env(),
					   "length is out of range");
	return sender;
}

} // namespace

Napi::Value Send(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();

	if (!info[0].IsObject())
		throw Napi::TypeError::New(env, "expected a request");
	Napi::Object request = info[0].As<Napi::Object>();
	std::string device = ReadText(request, "device");
	cdf_sender sender = ReadRequest(request, device);
	cdf_sender_result result;
	const char *operation = "";
	int status = cdf_sender_run(&sender, &result, &operation);

	if (status < 0) {
		Napi::Error error = Napi::Error::New(env, operation);

		error.Set("errno", Napi::Number::New(env, -status));
		error.Set("operation", Napi::String::New(env, operation));
		throw error;
	}
	Napi::Object row = Napi::Object::New(env);

	row.Set("sent", (double)result.sent);
	row.Set("refused", (double)result.refused);
	row.Set("seconds", (double)result.elapsed / kSecond);
	return row;
}
