/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The JavaScript face of a socket that takes ESP in UDP. */
#ifndef CDF_ESPINUDP_WRAP_H
#define CDF_ESPINUDP_WRAP_H

#include <napi.h>

extern "C" {
#include "kernel/espinudp.h"
}

/** Its end, by whatever way the environment ends, closes the socket. */
class EspInUdpWrap : public Napi::ObjectWrap<EspInUdpWrap>
{
public:
	static Napi::Function Define(Napi::Env env);
	explicit EspInUdpWrap(const Napi::CallbackInfo &info);
	~EspInUdpWrap() override;

private:
	void Tend(const Napi::CallbackInfo &info);
	Napi::Value Counts(const Napi::CallbackInfo &info);
	void Close(const Napi::CallbackInfo &info);

	cdf_espinudp socket_ = {};
};

#endif
