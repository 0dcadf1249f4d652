/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe_wrap.h"

#include "options_wrap.h"

#include <memory>
#include <string>
#include <vector>

extern "C" {
#include "probe/probe.h"
}

namespace
{

const char *const kOutcomes[CDF_PROBE_OUTCOMES] = {
	"pending", "lost", "answered", "frag-needed", "unreachable", "refused",
};

const double kMillisecond = 1e6; /* nanoseconds */

cdf_probe ReadProbe(const Napi::Object &request)
{
	cdf_probe probe = {};

	probe.destination = ReadAddress(request, "destination");
	probe.source = ReadAddress(request, "source");
	probe.bytes = (uint16_t)ReadNumber(request, "bytes",
					   CDF_PROBE_BYTES_MIN, UINT16_MAX);
	probe.fragment_bytes =
		(uint16_t)ReadNumber(request, "fragmentBytes", 0, UINT16_MAX);
	if (probe.fragment_bytes != 0 &&
	    probe.fragment_bytes < CDF_PROBE_FRAGMENT_MIN)
		throw Napi::TypeError::New(
			request.Env(), "fragmentBytes is too small for one");
	probe.dont_fragment = ReadFlag(request, "dontFragment");
	probe.first = ReadFlag(request, "first");
	probe.tries =
		(uint16_t)ReadNumber(request, "tries", 1, CDF_PROBE_TRIES_MAX);
	probe.interval = (uint64_t)(ReadNumber(request, "interval", 1, 60000) *
				    kMillisecond);
	probe.timeout = (uint64_t)(ReadNumber(request, "timeout", 1, 60000) *
				   kMillisecond);
	return probe;
}

Napi::Object Row(Napi::Env env, const cdf_probe_result &result)
{
	Napi::Object row = Napi::Object::New(env);

	row.Set("outcome", kOutcomes[result.outcome]);
	row.Set("from", AddressText(result.from));
	row.Set("source", AddressText(result.source));
	row.Set("mtu", result.mtu);
	row.Set("type", result.type);
	row.Set("code", result.code);
	row.Set("errno", -result.error);
	row.Set("roundTrip", (double)result.round_trip / kMillisecond);
	row.Set("dontFragment", Napi::Boolean::New(env, result.dont_fragment));
	row.Set("fragment", result.fragment);
	return row;
}

class ProbeTask : public Napi::AsyncWorker
{
public:
	ProbeTask(Napi::Env env, const cdf_probe &probe)
		: Napi::AsyncWorker(env, "clear-df probe"),
		  deferred_(Napi::Promise::Deferred::New(env)), probe_(probe),
		  results_(probe.tries)
	{
	}
	Napi::Promise Promise() const
	{
		return deferred_.Promise();
	}

protected:
	void Execute() override
	{
		error_ = cdf_probe_run(&probe_, results_.data(), &sent_,
				       &operation_);
	}
	void OnOK() override
	{
		if (error_ < 0) {
			Napi::Error error = Napi::Error::New(Env(), operation_);

			error.Set("errno", Napi::Number::New(Env(), -error_));
			error.Set("operation",
				  Napi::String::New(Env(), operation_));
			deferred_.Reject(error.Value());
			return;
		}
		Napi::Array rows = Napi::Array::New(Env(), sent_);

		for (uint32_t i = 0; i < sent_; i++)
			rows.Set(i, Row(Env(), results_[i]));
		deferred_.Resolve(rows);
	}

private:
	Napi::Promise::Deferred deferred_;
	cdf_probe probe_;
	std::vector<cdf_probe_result> results_;
	size_t sent_ = 0;
	const char *operation_ = "";
	int error_ = 0;
};

} // namespace

Napi::Value Probe(const Napi::CallbackInfo &info)
{
	if (!info[0].IsObject())
		throw Napi::TypeError::New(info.Env(), "expected a request");
	auto task = std::make_unique<ProbeTask>(
		info.Env(), ReadProbe(info[0].As<Napi::Object>()));
	Napi::Promise promise = task->Promise();

	task->Queue();
	/* It deletes itself when it is done. */
	task.release();
	return promise;
}
