/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flock_wrap.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>

/* Never waits. The lock belongs to the open file, not to the process: with
 * `inherit` every command started from now on holds it too, until it ends. */
Napi::Value Flock(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();

	if (!info[0].IsNumber() || !info[1].IsBoolean())
		throw Napi::TypeError::New(env, "expected descriptor, inherit");
	int descriptor = info[0].As<Napi::Number>().Int32Value();
	int outcome = 0;

	if (flock(descriptor, LOCK_EX | LOCK_NB) != 0)
		outcome = errno;
	else if (info[1].As<Napi::Boolean>().Value() &&
		 fcntl(descriptor, F_SETFD, 0) != 0)
		outcome = errno;
	return Napi::Number::New(env, outcome);
}
