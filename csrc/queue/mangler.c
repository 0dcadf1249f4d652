/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mangler.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "worker.h"

struct member {
	uint16_t number;
	bool companion;
	struct cdf_worker *worker;
	struct cdf_setting settings[CDF_SETTING_COUNT];
};

struct cdf_mangler {
	struct cdf_identifier *identifier;
	struct cdf_companion companion;
	bool has_companion;
	size_t count;
	struct member member[CDF_QUEUES_MAX + 1];
};

static int open_member(struct cdf_mangler *mangler, size_t index,
		       const struct cdf_mangler_options *options,
		       uint16_t number)
{
	struct member *member = &mangler->member[index];
	struct cdf_worker_options worker = {
		.number = number,
		.queue = options->queue,
		.rules = {
			.never_local = options->never_local,
			.companion = mangler->has_companion
					     ? &mangler->companion
					     : NULL,
			.batch = options->batch,
			.coalesce = options->coalesce,
			.identifier = mangler->identifier,
			.on_fault = options->on_fault,
			.context = options->context,
		},
	};

	member->number = number;
	if (member->companion)
		worker.queue.gso = false;
	return cdf_worker_open(&member->worker, &worker, member->settings);
}

/*
 * The companion takes the last place. A free number is looked for from the top
 * down, away from those that people pick.
 */
static int open_companion(struct cdf_mangler *mangler,
			  const struct cdf_mangler_options *options,
			  struct cdf_mangler_failure *failure)
{
	bool chosen = options->companion >= 0;
	unsigned int tries = chosen ? 1 : CDF_COMPANION_TRIES;
	uint16_t number = chosen ? (uint16_t)options->companion : UINT16_MAX;
	size_t index = mangler->count - 1;
	int error = -EBUSY;

	mangler->member[index].companion = true;
	for (; tries > 0 && error == -EBUSY; tries--, number--) {
		if (number >= options->first_queue &&
		    number <= options->last_queue)
			continue;
		failure->queue = number;
		error = open_member(mangler, index, options, number);
	}
	if (error == 0) {
		cdf_companion_start(&mangler->companion, failure->queue);
		mangler->has_companion = true;
	}
	return error;
}

static int open_all(struct cdf_mangler *mangler,
		    const struct cdf_mangler_options *options,
		    struct cdf_mangler_failure *failure)
{
	size_t range = (size_t)(options->last_queue - options->first_queue) + 1;
	int error = 0;

	failure->operation = "bind companion";
	mangler->count = range + options->queue.gso;
	if (options->queue.gso)
		error = open_companion(mangler, options, failure);
	if (error < 0)
		return error;
	failure->operation = "bind";
	for (size_t i = 0; i < range; i++) {
		failure->queue = (uint16_t)(options->first_queue + i);
		error = open_member(mangler, i, options, failure->queue);
		if (error < 0)
			return error;
	}
	failure->operation = "start the thread of";
	for (size_t i = mangler->count; i-- > 0;) {
		failure->queue = mangler->member[i].number;
		error = cdf_worker_start(mangler->member[i].worker);
		if (error < 0)
			return error;
	}
	return 0;
}

int cdf_mangler_open(struct cdf_mangler **into,
		     const struct cdf_mangler_options *options,
		     struct cdf_mangler_failure *failure)
{
	struct cdf_mangler *mangler = calloc(1, sizeof(*mangler));
	int error = -ENOMEM;

	*failure = (struct cdf_mangler_failure){ "make room for",
						 options->first_queue, 0 };
	if (mangler != NULL) {
		mangler->identifier =
			cdf_identifier_new(options->identification);
		if (mangler->identifier != NULL)
			error = open_all(mangler, options, failure);
	}
	if (error < 0) {
		failure->error = error;
		if (mangler != NULL) {
			cdf_mangler_close(mangler);
			cdf_mangler_free(mangler);
		}
		return error;
	}
	*into = mangler;
	return 0;
}

size_t cdf_mangler_queues(const struct cdf_mangler *mangler)
{
	return mangler->count;
}

void cdf_mangler_read(const struct cdf_mangler *mangler, size_t index,
		      struct cdf_mangler_queue *queue)
{
	const struct member *member = &mangler->member[index];

	queue->number = member->number;
	queue->companion = member->companion;
	queue->port = cdf_worker_port(member->worker);
	queue->thread = cdf_worker_thread(member->worker);
	memcpy(queue->settings, member->settings, sizeof(queue->settings));
	cdf_worker_counters(member->worker, &queue->counters);
}

int cdf_mangler_companion(const struct cdf_mangler *mangler)
{
	return mangler->has_companion ? mangler->companion.number : -1;
}

bool cdf_mangler_busiest(struct cdf_mangler *mangler, uint64_t now,
			 struct cdf_busiest *busiest)
{
	return mangler->identifier != NULL &&
	       cdf_identifier_busiest(mangler->identifier, now, busiest);
}

void cdf_mangler_set_policy(struct cdf_mangler *mangler,
			    enum cdf_identification_policy policy)
{
	if (mangler->identifier != NULL)
		cdf_identifier_set_policy(mangler->identifier, policy);
}

static void stop_members(struct cdf_mangler *mangler, bool companion)
{
	for (size_t i = 0; i < mangler->count; i++) {
		struct member *member = &mangler->member[i];

		if (member->worker != NULL && member->companion == companion)
			cdf_worker_stop(member->worker);
	}
	for (size_t i = 0; i < mangler->count; i++) {
		struct member *member = &mangler->member[i];

		if (member->worker != NULL && member->companion == companion)
			cdf_worker_join(member->worker);
	}
}

void cdf_mangler_close(struct cdf_mangler *mangler)
{
	stop_members(mangler, false);
	stop_members(mangler, true);
	if (mangler->has_companion)
		cdf_companion_end(&mangler->companion);
	/* The bulk of its memory, which may wait long for a garbage collector. */
	cdf_identifier_free(mangler->identifier);
	mangler->identifier = NULL;
}

void cdf_mangler_free(struct cdf_mangler *mangler)
{
	for (size_t i = 0; i < mangler->count; i++) {
		if (mangler->member[i].worker != NULL)
			cdf_worker_free(mangler->member[i].worker);
	}
	free(mangler);
}
