/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pool and a program as JavaScript holds them. */
#ifndef CDF_FASTPATH_WRAP_H
#define CDF_FASTPATH_WRAP_H

#include <napi.h>

extern "C" {
#include "fastpath/program.h"
}

/* new Pool(): fresh; new Pool(programId): that of an attached program. */
class PoolWrap : public Napi::ObjectWrap<PoolWrap>
{
public:
	static Napi::Function Define(Napi::Env env);
	explicit PoolWrap(const Napi::CallbackInfo &info);
	~PoolWrap() override;
	const cdf_fast_pool &pool() const
	{
		return pool_;
	}

private:
	void Close(const Napi::CallbackInfo &info);

	cdf_fast_pool pool_ = { -1, -1, 0 };
};

/*
 * new Program(pool, settings, before?): loaded; before is a program, whose
 * counters it goes on with. new Program(programId): one that is attached.
 */
class ProgramWrap : public Napi::ObjectWrap<ProgramWrap>
{
public:
	static Napi::Function Define(Napi::Env env);
	explicit ProgramWrap(const Napi::CallbackInfo &info);
	~ProgramWrap() override;

private:
	Napi::Value Id(const Napi::CallbackInfo &info);
	Napi::Value Identification(const Napi::CallbackInfo &info);
	Napi::Value Counters(const Napi::CallbackInfo &info);
	void Attach(const Napi::CallbackInfo &info);
	Napi::Value Try(const Napi::CallbackInfo &info);
	void Close(const Napi::CallbackInfo &info);

	cdf_fast_program program_ = { -1, -1, 0, 0 };
};

#endif
