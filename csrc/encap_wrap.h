/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The JavaScript face of a socket that takes ESP in UDP. */
#ifndef CDF_ENCAP_WRAP_H
#define CDF_ENCAP_WRAP_H

#include <napi.h>

extern "C" {
#include "encap.h"
}

/** Its end, by whatever way the environment ends, closes the socket. */
class EncapWrap : public Napi::ObjectWrap<EncapWrap>
{
public:
	static Napi::Function Define(Napi::Env env);
	explicit EncapWrap(const Napi::CallbackInfo &info);
	~EncapWrap() override;

private:
	void Tend(const Napi::CallbackInfo &info);
	Napi::Value Counts(const Napi::CallbackInfo &info);
	void Close(const Napi::CallbackInfo &info);

	cdf_encap encap_ = {};
};

#endif
