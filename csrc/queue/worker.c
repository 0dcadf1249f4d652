/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "worker.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "affinity.h"
#include "clock.h"
#include "drain.h"
#include "kernel_queue.h"

struct cdf_worker {
	struct cdf_worker_options options;
	struct cdf_queue *queue;
	uint32_t port;
	int wake;   /* eventfd */
	int kernel; /* cdf_kernel_queue_open() */
	pthread_t thread;
	bool started;
	sem_t running;
	_Atomic int thread_id;
	_Atomic bool stop;

	struct cdf_affinity affinity; /* the thread's own, as the loop is */
	struct cdf_loop loop;
};

/* Answers are refused for good: unbound, the queue's traffic at least passes. */
static void give_up(struct cdf_worker *worker)
{
	cdf_faults_report(&worker->loop.faults, true);
	cdf_queue_close(worker->queue);
	worker->queue = NULL;
}

static void *run(void *argument)
{
	struct cdf_worker *worker = argument;
	struct utsname kernel;
	char name[16];

	snprintf(name, sizeof(name), "clear-df/q%u", worker->options.number);
	pthread_setname_np(pthread_self(), name);
	atomic_store(&worker->thread_id, gettid());
	cdf_affinity_start(&worker->affinity,
			   uname(&kernel) < 0 ? "" : kernel.release);
	cdf_coalesce_thread(&worker->loop.coalesce);
	cdf_queue_release(worker->queue);
	sem_post(&worker->running);
	while (!atomic_load_explicit(&worker->stop, memory_order_relaxed)) {
		if (worker->loop.forbidden) {
			give_up(worker);
			return NULL;
		}
		/* Elsewhere not even the clock is read. */
		if (!worker->affinity.off)
			cdf_affinity_turn(&worker->affinity, cdf_clock_now());
		if (!cdf_loop_turn(&worker->loop))
			cdf_loop_wait(&worker->loop, worker->wake);
		cdf_loop_report(&worker->loop);
	}
	cdf_loop_drain(&worker->loop);
	return NULL;
}

int cdf_worker_open(struct cdf_worker **into,
		    const struct cdf_worker_options *options,
		    struct cdf_setting *settings)
{
	struct cdf_worker *worker = calloc(1, sizeof(*worker));
	int error;

	cdf_settings_start(settings, &options->queue);
	if (worker == NULL)
		return -ENOMEM;
	worker->options = *options;
	worker->kernel = -1;
	sem_init(&worker->running, 0, 0);
	worker->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	error = worker->wake < 0
			? -errno
			: cdf_queue_open(&worker->queue, options->number,
					 &options->queue, settings);
	if (error < 0) {
		cdf_worker_free(worker);
		return error;
	}
	worker->port = cdf_queue_port(worker->queue);
	/* Only now: the file comes with the module, and that with the bind. */
	worker->kernel = cdf_kernel_queue_open();
	cdf_loop_start(&worker->loop, worker->queue, worker->kernel,
		       &options->rules, options->queue.fail_open);
	*into = worker;
	return 0;
}

int cdf_worker_start(struct cdf_worker *worker)
{
	sigset_t all, before;
	int error;

	/* Signals are for the threads of the program around. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	error = pthread_create(&worker->thread, NULL, run, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error != 0)
		return -error;
	worker->started = true;
	while (sem_wait(&worker->running) < 0)
		;
	return 0;
}

void cdf_worker_stop(struct cdf_worker *worker)
{
	uint64_t one = 1;

	atomic_store(&worker->stop, true);
	/* Fails only when the counter is full, which wakes as well. */
	if (write(worker->wake, &one, sizeof(one)) < 0)
		return;
}

void cdf_worker_join(struct cdf_worker *worker)
{
	if (worker->started)
		pthread_join(worker->thread, NULL);
	worker->started = false;
	if (worker->queue != NULL)
		cdf_queue_close(worker->queue);
	worker->queue = NULL;
	if (worker->wake >= 0)
		close(worker->wake);
	worker->wake = -1;
	if (worker->kernel >= 0)
		close(worker->kernel);
	worker->kernel = -1;
}

void cdf_worker_free(struct cdf_worker *worker)
{
	cdf_worker_join(worker);
	sem_destroy(&worker->running);
	free(worker);
}

void cdf_worker_counters(const struct cdf_worker *worker,
			 struct cdf_counters *counters)
{
	cdf_counters_read(&worker->loop.shared, counters);
}

uint32_t cdf_worker_port(const struct cdf_worker *worker)
{
	return worker->port;
}

int cdf_worker_thread(const struct cdf_worker *worker)
{
	return atomic_load(&worker->thread_id);
}
