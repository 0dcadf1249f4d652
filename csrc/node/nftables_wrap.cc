/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nftables_wrap.h"

#include "options_wrap.h"

extern "C" {
#include "kernel/nftables.h"
}

namespace
{

std::string ReadText(const Napi::Object &options, const char *key)
{
	Napi::Value value = options.Get(key);

	if (!value.IsString())
		throw Napi::TypeError::New(options.Env(),
					   std::string(key) + " is not a text");
	return value.As<Napi::String>().Utf8Value();
}

} // namespace

Napi::Value NftQueue(const Napi::CallbackInfo &info)
{
	if (!info[0].IsObject())
		throw Napi::TypeError::New(info.Env(), "expected a rule");
	Napi::Object asked = info[0].As<Napi::Object>();
	std::string table = ReadText(asked, "table");
	std::string chain = ReadText(asked, "chain");
	std::string comment = ReadText(asked, "comment");
	cdf_queue_rule rule = {};

	rule.table = table.c_str();
	rule.chain = chain.c_str();
	rule.comment = comment.c_str();
	rule.first = (uint16_t)ReadNumber(asked, "first", 0, UINT16_MAX);
	rule.count =
		(uint16_t)(ReadNumber(asked, "last", rule.first, UINT16_MAX) -
			   rule.first + 1);
	rule.bypass = ReadFlag(asked, "bypass");
	rule.by_cpu = ReadFlag(asked, "byCpu");
	int error = ReadFlag(asked, "tryOnly") ? cdf_nft_queue_try(&rule)
					       : cdf_nft_queue_add(&rule);
	return Napi::Number::New(info.Env(), -error);
}

Napi::Value RulesetMark(const Napi::CallbackInfo &info)
{
	if (!info[0].IsString())
		throw Napi::TypeError::New(info.Env(), "expected a table");
	std::string table = info[0].As<Napi::String>().Utf8Value();
	uint32_t entries = 0, bytes = 0;
	int error = table.empty()
			    ? cdf_nft_generation(&entries)
			    : cdf_legacy_size(table.c_str(), &entries, &bytes);

	return Napi::String::New(info.Env(),
				 error < 0 ? ""
					   : std::to_string(entries) + ' ' +
						     std::to_string(bytes));
}
