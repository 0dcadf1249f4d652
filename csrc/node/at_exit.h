/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must not be left open when the process ends. */
#ifndef CDF_AT_EXIT_H
#define CDF_AT_EXIT_H

#include <unistd.h>

#include <cstdlib>
#include <map>
#include <mutex>

/*
 * Of every environment. Node runs an environment's hooks when its event loop has
 * ended, and a worker thread's in any case; when the process ends by
 * process.exit() or an exception that nobody has caught, only exit(3) tells.
 */
class AtExit
{
public:
	/** Call end(object) when the process ends, unless Remove() comes first. */
	static void Add(void *object, void (*end)(void *))
	{
		static std::once_flag registered;

		std::call_once(registered, [] { std::atexit(EndAll); });
		std::lock_guard<std::mutex> guard(All().mutex);
		All().ends[object] = end;
	}
	static void Remove(void *object)
	{
		std::lock_guard<std::mutex> guard(All().mutex);
		All().ends.erase(object);
	}

private:
	std::mutex mutex;
	std::map<void *, void (*)(void *)> ends;
	/* A child that fork(2) has made has none of the threads. */
	const pid_t process = getpid();

	/* Never freed: threads may still end while exit(3) runs. */
	static AtExit &All()
	{
		static auto *all = new AtExit;

		return *all;
	}
	static void EndAll()
	{
		if (All().process != getpid())
			return;
		std::lock_guard<std::mutex> guard(All().mutex);
		for (const auto &[object, end] : All().ends)
			end(object);
	}
};

#endif
