/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mangler_wrap.h"

#include "at_exit.h"
#include "clock.h"
#include "options_wrap.h"

#include <arpa/inet.h>

namespace
{

const char *const kFaultNames[CDF_FAULT_COUNT] = {
	"leaking",	"overload",	  "overrun",	     "queue-full",
	"requeue-lost", "receive-failed", "verdict-refused", "send-failed",
	"queue-lost",	"queue-regained",
};

/* Runs on a worker's thread: hand over and go on. */
void PostFault(void *context, const cdf_fault *fault)
{
	auto *on_fault = static_cast<Napi::ThreadSafeFunction *>(context);
	auto *copy = new cdf_fault(*fault);
	napi_status status = on_fault->NonBlockingCall(
		copy,
		[](Napi::Env env, Napi::Function callback, cdf_fault *data) {
			Napi::Object event = Napi::Object::New(env);
			event.Set("queue", data->queue);
			event.Set("kind", kFaultNames[data->kind]);
			event.Set("errno", -data->error);
			event.Set("count", static_cast<double>(data->count));
			delete data;
			callback.Call({ event });
		});
	if (status != napi_ok)
		delete copy;
}

Napi::Error OpenError(Napi::Env env, const cdf_mangler_failure &failure)
{
	Napi::Error error = Napi::Error::New(env, failure.operation);

	error.Set("errno", Napi::Number::New(env, -failure.error));
	error.Set("queue", Napi::Number::New(env, failure.queue));
	error.Set("operation", Napi::String::New(env, failure.operation));
	return error;
}

/* Closing waits for threads, so it waits off the JavaScript thread. */
class CloseTask : public Napi::AsyncWorker
{
public:
	CloseTask(Napi::Env env, ManglerWrap *wrap)
		: Napi::AsyncWorker(env, "clear-df close"), wrap_(wrap)
	{
	}

protected:
	void Execute() override
	{
		wrap_->CloseNow();
	}
	void OnOK() override
	{
		wrap_->Closed(Env());
	}

private:
	ManglerWrap *wrap_;
};

} // namespace

Napi::Value CounterBlock(Napi::Env env, const cdf_counters &counters)
{
	Napi::BigUint64Array block =
		Napi::BigUint64Array::New(env, CDF_COUNTER_COUNT);

	for (size_t i = 0; i < CDF_COUNTER_COUNT; i++)
		block[i] = counters.value[i];
	return block;
}

Napi::Function ManglerWrap::Define(Napi::Env env)
{
	return DefineClass(
		env, "Mangler",
		{
			InstanceMethod("settings", &ManglerWrap::Settings),
			InstanceMethod("companion", &ManglerWrap::Companion),
			InstanceMethod("ports", &ManglerWrap::Ports),
			InstanceMethod("counters", &ManglerWrap::Counters),
			InstanceMethod("busiest", &ManglerWrap::Busiest),
			InstanceMethod("setIdentification",
				       &ManglerWrap::SetIdentification),
			InstanceMethod("close", &ManglerWrap::Close),
		});
}

ManglerWrap::ManglerWrap(const Napi::CallbackInfo &info)
	: Napi::ObjectWrap<ManglerWrap>(info)
{
	Napi::Env env = info.Env();

	if (!info[0].IsObject() || !info[1].IsFunction())
		throw Napi::TypeError::New(env, "expected options and onFault");
	cdf_mangler_options options = ReadOptions(info[0].As<Napi::Object>());
	cdf_mangler_failure failure;

	on_fault_ = Napi::ThreadSafeFunction::New(
		env, info[1].As<Napi::Function>(), "clear-df faults", 0, 1);
	options.on_fault = PostFault;
	options.context = &on_fault_;
	if (cdf_mangler_open(&mangler_, &options, &failure) < 0) {
		mangler_ = nullptr;
		on_fault_.Release();
		throw OpenError(env, failure);
	}
	/* Runs before the thread-safe function's own, which is older. */
	napi_add_env_cleanup_hook(env, OnEnvironmentEnd, this);
	/* What waits in the queues would be dropped. */
	AtExit::Add(this, [](void *wrap) {
		static_cast<ManglerWrap *>(wrap)->CloseNow();
	});
	/* Not to be collected while its threads run. */
	Ref();
}

ManglerWrap::~ManglerWrap()
{
	if (mangler_ == nullptr)
		return;
	AtExit::Remove(this);
	CloseNow();
	cdf_mangler_free(mangler_);
}

void ManglerWrap::CloseNow()
{
	std::call_once(close_once_, [this] { cdf_mangler_close(mangler_); });
}

/* The event loop or its worker thread ends with the mangler still open. */
void ManglerWrap::OnEnvironmentEnd(void *wrap)
{
	auto *self = static_cast<ManglerWrap *>(wrap);

	self->closing_ = true;
	self->CloseNow();
	self->closed_ = true;
}

void ManglerWrap::Closed(Napi::Env env)
{
	if (!closed_) {
		closed_ = true;
		napi_remove_env_cleanup_hook(env, OnEnvironmentEnd, this);
		on_fault_.Release();
		Unref();
	}
	for (const Napi::Promise::Deferred &deferred : waiting_)
		deferred.Resolve(env.Undefined());
	waiting_.clear();
}

std::vector<cdf_mangler_queue> ManglerWrap::Read() const
{
	std::vector<cdf_mangler_queue> queues(cdf_mangler_queues(mangler_));

	for (size_t i = 0; i < queues.size(); i++)
		cdf_mangler_read(mangler_, i, &queues[i]);
	return queues;
}

Napi::Value ManglerWrap::Settings(const Napi::CallbackInfo &info)
{
	Napi::Array rows = Napi::Array::New(info.Env());

	for (const cdf_mangler_queue &queue : Read()) {
		for (const cdf_setting &setting : queue.settings) {
			Napi::Object row = Napi::Object::New(info.Env());

			row.Set("queue", queue.number);
			row.Set("setting", setting.name);
			row.Set("required",
				Napi::Boolean::New(info.Env(),
						   setting.required));
			row.Set("value", setting.value);
			row.Set("errno", -setting.error);
			rows.Set(rows.Length(), row);
		}
	}
	return rows;
}

Napi::Value ManglerWrap::Companion(const Napi::CallbackInfo &info)
{
	return Napi::Number::New(info.Env(), cdf_mangler_companion(mangler_));
}

Napi::Value ManglerWrap::Ports(const Napi::CallbackInfo &info)
{
	Napi::Array rows = Napi::Array::New(info.Env());

	for (const cdf_mangler_queue &queue : Read()) {
		Napi::Object row = Napi::Object::New(info.Env());

		row.Set("queue", queue.number);
		row.Set("portId", queue.port);
		row.Set("threadId", queue.thread);
		row.Set("companion",
			Napi::Boolean::New(info.Env(), queue.companion));
		rows.Set(rows.Length(), row);
	}
	return rows;
}

Napi::Value ManglerWrap::Counters(const Napi::CallbackInfo &info)
{
	Napi::Array rows = Napi::Array::New(info.Env());

	for (const cdf_mangler_queue &queue : Read()) {
		Napi::Object row = Napi::Object::New(info.Env());

		row.Set("queue", queue.number);
		row.Set("companion",
			Napi::Boolean::New(info.Env(), queue.companion));
		row.Set("block", CounterBlock(info.Env(), queue.counters));
		rows.Set(rows.Length(), row);
	}
	return rows;
}

Napi::Value ManglerWrap::Busiest(const Napi::CallbackInfo &info)
{
	char destination[INET_ADDRSTRLEN];
	cdf_busiest busiest;

	if (closing_ ||
	    !cdf_mangler_busiest(mangler_, cdf_clock_now(), &busiest))
		return info.Env().Undefined();
	inet_ntop(AF_INET, &busiest.pair.destination, destination,
		  sizeof(destination));
	Napi::Object result = Napi::Object::New(info.Env());
	result.Set("destination", destination);
	result.Set("protocol", busiest.pair.protocol);
	result.Set("perSecond", busiest.per_second);
	return result;
}

void ManglerWrap::SetIdentification(const Napi::CallbackInfo &info)
{
	cdf_identification_policy policy = ReadPolicy(info[0]);

	/* A closing mangler belongs to the task that closes it. */
	if (!closing_)
		cdf_mangler_set_policy(mangler_, policy);
}

Napi::Value ManglerWrap::Close(const Napi::CallbackInfo &info)
{
	auto deferred = Napi::Promise::Deferred::New(info.Env());

	if (closed_) {
		deferred.Resolve(info.Env().Undefined());
		return deferred.Promise();
	}
	waiting_.push_back(deferred);
	if (!closing_) {
		closing_ = true;
		(new CloseTask(info.Env(), this))->Queue();
	}
	return deferred.Promise();
}
