/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verdict.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <string.h>
#include <time.h>

/* How long memory may be short before a packet is given up, milliseconds. */
#define SEND_PATIENCE 1000

void cdf_verdicts_start(struct cdf_verdicts *verdicts, struct cdf_queue *queue,
			struct cdf_counters *counters)
{
	memset(verdicts, 0, sizeof(*verdicts));
	verdicts->queue = queue;
	verdicts->counters = counters;
}

static bool is_transient(int error)
{
	return error == -ENOBUFS || error == -ENOMEM || error == -EAGAIN;
}

/* A verdict without payload needs little memory; wait for that much. */
static int send_patiently(struct cdf_verdicts *verdicts,
			  const struct iovec *iov)
{
	struct timespec pause = { 0, 1000000 };
	int error = 0;

	for (int i = 0; i < SEND_PATIENCE; i++) {
		error = cdf_queue_send(verdicts->queue, iov, 1);
		if (!is_transient(error))
			break;
		nanosleep(&pause, NULL);
	}
	return error;
}

/* The rules cleared it, but it goes on as it came. */
static void count_unchanged(struct cdf_verdicts *verdicts)
{
	verdicts->counters->value[CDF_cleared]--;
	verdicts->counters->value[CDF_leaked]++;
}

/* What could not be handed back edited is accepted as it came. */
static void accept_unchanged(struct cdf_verdicts *verdicts, uint32_t packet_id)
{
	_Alignas(4) uint8_t buffer[CDF_VERDICT_SIZE];
	struct iovec iov = { buffer, sizeof(buffer) };

	cdf_message_write_verdict(buffer, cdf_queue_number(verdicts->queue),
				  packet_id, NF_ACCEPT);
	if (send_patiently(verdicts, &iov) == 0) {
		count_unchanged(verdicts);
	} else {
		verdicts->counters->value[CDF_cleared]--;
		verdicts->unanswered++;
	}
}

void cdf_verdicts_all_accepted(struct cdf_verdicts *verdicts)
{
	verdicts->counters->value[CDF_leaked] += verdicts->unanswered;
	verdicts->unanswered = 0;
}

static void send_singly(struct cdf_verdicts *verdicts)
{
	for (size_t i = 0; i < verdicts->count; i++) {
		struct iovec *iov = &verdicts->iov[i];
		int error = verdicts->edited[i]
				    ? cdf_queue_send(verdicts->queue, iov, 1)
				    : send_patiently(verdicts, iov);

		if (error == 0) {
			if (!verdicts->edited[i])
				cdf_verdicts_all_accepted(verdicts);
			continue;
		}
		verdicts->error = error;
		verdicts->counters->value[CDF_verdict_errors]++;
		if (verdicts->edited[i])
			accept_unchanged(verdicts, verdicts->packet_id[i]);
	}
}

/* A message that is not of one edited packet covers all before it. */
static void note_covered(struct cdf_verdicts *verdicts)
{
	for (size_t i = 0; i < verdicts->count; i++) {
		if (!verdicts->edited[i])
			cdf_verdicts_all_accepted(verdicts);
	}
}

static void send_gathered(struct cdf_verdicts *verdicts)
{
	int error;

	if (verdicts->count == 0)
		return;
	error = cdf_queue_send(verdicts->queue, verdicts->iov, verdicts->count);
	if (error < 0) {
		verdicts->error = error;
		send_singly(verdicts);
	} else if (verdicts->unanswered > 0) {
		note_covered(verdicts);
	}
	verdicts->count = 0;
	verdicts->bytes = 0;
}

static void gather(struct cdf_verdicts *verdicts, void *data, size_t bytes,
		   uint32_t packet_id, bool edited)
{
	size_t i = verdicts->count++;

	verdicts->iov[i].iov_base = data;
	verdicts->iov[i].iov_len = bytes;
	verdicts->packet_id[i] = packet_id;
	verdicts->edited[i] = edited;
	verdicts->bytes += bytes;
}

static void make_room(struct cdf_verdicts *verdicts, size_t bytes)
{
	if (verdicts->count == CDF_SEND_MESSAGES ||
	    (verdicts->count > 0 && verdicts->bytes + bytes > CDF_SEND_BYTES))
		send_gathered(verdicts);
}

static void gather_passed(struct cdf_verdicts *verdicts)
{
	uint8_t *into;

	if (verdicts->passed == 0)
		return;
	make_room(verdicts, CDF_VERDICT_SIZE);
	into = verdicts->small[verdicts->count];
	cdf_message_write_accept_all(into, cdf_queue_number(verdicts->queue),
				     verdicts->last_passed);
	gather(verdicts, into, CDF_VERDICT_SIZE, verdicts->last_passed, false);
	verdicts->passed = 0;
}

/* It goes on as it came: its checksum cannot be finished here. */
static void count_unfinished(struct cdf_verdicts *verdicts)
{
	verdicts->counters->value[CDF_requeued]--;
	verdicts->counters->value[CDF_unfinished]++;
}

/* @return whether the packet has been answered */
static bool send_on(struct cdf_verdicts *verdicts,
		    const struct cdf_message *message,
		    struct cdf_companion *companion)
{
	int error = 0;

	if (cdf_companion_spares(companion, &message->packet)) {
		count_unfinished(verdicts);
		return false;
	}
	gather_passed(verdicts);
	send_gathered(verdicts);
	switch (cdf_companion_send(companion, verdicts->queue, message,
				   &error)) {
	case CDF_SENT_ON:
		break;
	case CDF_SENT_ON_LOST:
		verdicts->counters->value[CDF_requeue_lost]++;
		verdicts->lost++;
		break;
	case CDF_SENT_ON_PASSED:
		count_unfinished(verdicts);
		break;
	case CDF_SENT_ON_FAILED:
		verdicts->error = error;
		verdicts->counters->value[CDF_verdict_errors]++;
		count_unfinished(verdicts);
		return false;
	}
	return true;
}

static bool gather_edited(struct cdf_verdicts *verdicts,
			  const struct cdf_message *message)
{
	size_t bytes;
	void *data = cdf_message_write_edited(
		message, cdf_queue_number(verdicts->queue), &bytes);

	if (data == NULL)
		return false;
	make_room(verdicts, bytes);
	gather(verdicts, data, bytes, message->packet_id, true);
	return true;
}

void cdf_verdicts_add(struct cdf_verdicts *verdicts,
		      struct cdf_message *message, enum cdf_action action,
		      struct cdf_companion *companion)
{
	verdicts->counters->value[CDF_verdicts]++;
	if (action == CDF_REQUEUE && send_on(verdicts, message, companion))
		return;
	if (action == CDF_EDITED) {
		gather_passed(verdicts);
		if (gather_edited(verdicts, message))
			return;
		count_unchanged(verdicts);
	}
	verdicts->passed++;
	verdicts->last_passed = message->packet_id;
}

void cdf_verdicts_flush(struct cdf_verdicts *verdicts)
{
	gather_passed(verdicts);
	send_gathered(verdicts);
}
