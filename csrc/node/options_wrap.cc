/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options_wrap.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cmath>

double ReadNumber(const Napi::Object &options, const char *key, double least,
		  double most)
{
	Napi::Value value = options.Get(key);
	double number = value.IsNumber()
				? value.As<Napi::Number>().DoubleValue()
				: least - 1;

	if (!(number >= least && number <= most) ||
	    number != std::floor(number))
		throw Napi::TypeError::New(
			options.Env(),
			std::string(key) + " is not a whole number in range");
	return number;
}

bool ReadFlag(const Napi::Object &options, const char *key)
{
	Napi::Value value = options.Get(key);

	if (!value.IsBoolean())
		throw Napi::TypeError::New(
			options.Env(), std::string(key) + " is not a boolean");
	return value.As<Napi::Boolean>();
}

uint32_t ReadAddress(const Napi::Object &options, const char *key)
{
	Napi::Value value = options.Get(key);
	struct in_addr address;

	if (!value.IsString() ||
	    inet_pton(AF_INET, value.As<Napi::String>().Utf8Value().c_str(),
		      &address) != 1)
		throw Napi::TypeError::New(options.Env(),
					   std::string(key) +
						   " is not an IPv4 address");
	return address.s_addr;
}

std::string AddressText(uint32_t address)
{
	char text[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &address, text, sizeof(text));
	return text;
}

cdf_identification_policy ReadPolicy(const Napi::Value &value)
{
	std::string name =
		value.IsString() ? value.As<Napi::String>().Utf8Value() : "";

	if (name == "random")
		return CDF_IDENTIFICATION_RANDOM;
	if (name == "keep")
		return CDF_IDENTIFICATION_KEEP;
	if (name == "sequential")
		return CDF_IDENTIFICATION_SEQUENTIAL;
	throw Napi::TypeError::New(
		value.Env(),
		"identification is not random, keep or sequential");
}

cdf_mangler_options ReadOptions(const Napi::Object &options)
{
	cdf_mangler_options read = {};

	read.first_queue =
		(uint16_t)ReadNumber(options, "firstQueue", 0, 65535);
	read.last_queue = (uint16_t)ReadNumber(
		options, "lastQueue", read.first_queue,
		std::min(65535u, read.first_queue + CDF_QUEUES_MAX - 1));
	read.queue.copy_range =
		(uint32_t)ReadNumber(options, "copyRange", 20, 65531);
	read.queue.queue_length =
		(uint32_t)ReadNumber(options, "queueLength", 1, INT32_MAX);
	read.queue.receive_buffer =
		(uint32_t)ReadNumber(options, "receiveBuffer", 1024, 1 << 30);
	read.queue.fail_open = ReadFlag(options, "failOpen");
	read.queue.gso = ReadFlag(options, "gso");
	read.never_local = ReadFlag(options, "neverLocal");
	read.batch = (uint32_t)ReadNumber(options, "batch", 1, CDF_BATCH);
	read.coalesce = (uint32_t)ReadNumber(options, "coalesce", 0, 1000);
	read.companion = (int)ReadNumber(options, "companion", -1, 65535);
	read.identification = ReadPolicy(options.Get("identification"));
	return read;
}
