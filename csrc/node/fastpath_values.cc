/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fastpath_values.h"

#include <arpa/inet.h>

#include <cmath>
#include <cstring>

uint32_t ToNumber(const Napi::Value &value, const char *what, uint32_t most)
{
	double number =
		value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;

	if (!(number >= 0 && number <= most) || number != std::floor(number))
		throw Napi::TypeError::New(
			value.Env(),
			std::string(what) + " is not a whole number in range");
	return (uint32_t)number;
}

std::string ToText(const Napi::Value &value, const char *what)
{
	if (!value.IsString())
		throw Napi::TypeError::New(
			value.Env(), std::string(what) + " is not a text");
	return value.As<Napi::String>().Utf8Value();
}

cdf_direction ToDirection(const Napi::Value &value)
{
	std::string text = ToText(value, "direction");

	if (text == "ingress")
		return CDF_INGRESS;
	if (text == "egress")
		return CDF_EGRESS;
	throw Napi::TypeError::New(value.Env(),
				   "direction is not ingress or egress");
}

Owned ToOwned(const Napi::CallbackInfo &info)
{
	Owned owned = {};

	owned.place.device = (int)ToNumber(info[0], "device", INT32_MAX);
	owned.place.direction = ToDirection(info[1]);
	owned.name = ToText(info[2], "name");
	return owned;
}

static uint32_t ToAddress(const Napi::Value &value, const char *what)
{
	struct in_addr address;

	if (inet_pton(AF_INET, ToText(value, what).c_str(), &address) != 1)
		throw Napi::TypeError::New(value.Env(),
					   std::string(what) +
						   " is not an IPv4 address");
	return address.s_addr;
}

/* The place of a word in a list. */
static uint32_t ToChoice(const Napi::Value &value, const char *what,
			 std::initializer_list<const char *> words)
{
	std::string text = ToText(value, what);
	uint32_t place = 0;

	for (const char *word : words) {
		if (text == word)
			return place;
		place++;
	}
	throw Napi::TypeError::New(value.Env(),
				   std::string(what) + " is not a known word");
}

static uint32_t MaskOf(uint32_t bits)
{
	return bits == 0 ? 0 : htonl(~0u << (32 - bits));
}

cdf_fast_settings ToSettings(const Napi::Value &value)
{
	if (!value.IsObject())
		throw Napi::TypeError::New(value.Env(), "expected settings");
	Napi::Object asked = value.As<Napi::Object>();
	cdf_fast_settings settings = {};

	settings.ethernet = asked.Get("ethernet").ToBoolean();
	settings.identification =
		ToChoice(asked.Get("identification"), "identification",
			 { "random", "keep", "sequential" });
	settings.route = ToChoice(asked.Get("route"), "route",
				  { "none", "mtu", "forwarded" });
	settings.larger_than =
		ToNumber(asked.Get("largerThan"), "largerThan", 65535);
	settings.out_device =
		ToNumber(asked.Get("outDevice"), "outDevice", INT32_MAX);
	settings.leave_quic = asked.Get("leaveQuic").ToBoolean();
	settings.leave_zero = asked.Get("leaveZero").ToBoolean();
	settings.source = ToAddress(asked.Get("source"), "source");
	settings.source_mask =
		MaskOf(ToNumber(asked.Get("sourceBits"), "sourceBits", 32));
	settings.destination =
		ToAddress(asked.Get("destination"), "destination");
	settings.destination_mask = MaskOf(
		ToNumber(asked.Get("destinationBits"), "destinationBits", 32));
	settings.protocol = ToNumber(asked.Get("protocol"), "protocol", 255);
	settings.port = ToNumber(asked.Get("port"), "port", 65535);
	return settings;
}

void ThrowFailure(Napi::Env env, int error, const char *operation,
		  const char *detail)
{
	Napi::Error thrown = Napi::Error::New(
		env, std::string(operation) + ": " + strerror(-error));

	thrown.Set("errno", Napi::Number::New(env, -error));
	thrown.Set("operation", Napi::String::New(env, operation));
	thrown.Set("detail", Napi::String::New(env, detail));
	throw thrown;
}

Napi::Value CounterValues(Napi::Env env, const cdf_fast_counters &counters)
{
	Napi::BigUint64Array block =
		Napi::BigUint64Array::New(env, CDF_FAST_COUNTER_COUNT);

	memcpy(block.Data(), counters.value, sizeof(counters.value));
	return block;
}
