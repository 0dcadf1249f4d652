/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "answer.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <string.h>
#include <time.h>

/* How long memory may be short before a packet is given up, milliseconds. */
#define SEND_PATIENCE 1000

void cdf_answers_start(struct cdf_answers *answers, struct cdf_queue *queue,
		       struct cdf_counters *counters)
{
	memset(answers, 0, sizeof(*answers));
	answers->queue = queue;
	answers->counters = counters;
}

static bool is_transient(int error)
{
	return error == -ENOBUFS || error == -ENOMEM || error == -EAGAIN;
}

/* A verdict without payload needs little memory; wait for that much. */
static int send_patiently(struct cdf_answers *answers, const struct iovec *iov)
{
	struct timespec pause = { 0, 1000000 };
	int error = 0;

	for (int i = 0; i < SEND_PATIENCE; i++) {
		error = cdf_queue_send(answers->queue, iov, 1);
		if (!is_transient(error))
			break;
		nanosleep(&pause, NULL);
	}
	return error;
}

/* The rules cleared it, but it goes on as it came. */
static void count_unchanged(struct cdf_answers *answers)
{
	answers->counters->value[CDF_cleared]--;
	answers->counters->value[CDF_leaked]++;
}

/* What could not be handed back edited is accepted as it came. */
static void accept_unchanged(struct cdf_answers *answers, uint32_t packet_id)
{
	_Alignas(4) uint8_t buffer[CDF_VERDICT_SIZE];
	struct iovec iov = { buffer, sizeof(buffer) };

	cdf_message_write_verdict(buffer, cdf_queue_number(answers->queue),
				  packet_id, NF_ACCEPT);
	send_patiently(answers, &iov);
	count_unchanged(answers);
}

static void send_singly(struct cdf_answers *answers)
{
	for (size_t i = 0; i < answers->count; i++) {
		struct iovec *iov = &answers->iov[i];
		int error = answers->edited[i]
				    ? cdf_queue_send(answers->queue, iov, 1)
				    : send_patiently(answers, iov);

		if (error == 0)
			continue;
		answers->error = error;
		answers->counters->value[CDF_verdict_errors]++;
		if (answers->edited[i])
			accept_unchanged(answers, answers->packet_id[i]);
	}
}

static void send_gathered(struct cdf_answers *answers)
{
	int error;

	if (answers->count == 0)
		return;
	error = cdf_queue_send(answers->queue, answers->iov, answers->count);
	if (error < 0) {
		answers->error = error;
		send_singly(answers);
	}
	answers->count = 0;
	answers->bytes = 0;
}

static void gather(struct cdf_answers *answers, void *data, size_t bytes,
		   uint32_t packet_id, bool edited)
{
	size_t i = answers->count++;

	answers->iov[i].iov_base = data;
	answers->iov[i].iov_len = bytes;
	answers->packet_id[i] = packet_id;
	answers->edited[i] = edited;
	answers->bytes += bytes;
}

static void make_room(struct cdf_answers *answers, size_t bytes)
{
	if (answers->count == CDF_SEND_MESSAGES ||
	    (answers->count > 0 && answers->bytes + bytes > CDF_SEND_BYTES))
		send_gathered(answers);
}

static void gather_passed(struct cdf_answers *answers)
{
	uint8_t *into;

	if (answers->passed == 0)
		return;
	make_room(answers, CDF_VERDICT_SIZE);
	into = answers->small[answers->count];
	cdf_message_write_accept_all(into, cdf_queue_number(answers->queue),
				     answers->last_passed);
	gather(answers, into, CDF_VERDICT_SIZE, answers->last_passed, false);
	answers->passed = 0;
}

/* It goes on as it came: its checksum cannot be finished here. */
static void count_unfinished(struct cdf_answers *answers)
{
	answers->counters->value[CDF_requeued]--;
	answers->counters->value[CDF_unfinished]++;
}

/* @return whether the packet has been answered */
static bool send_on(struct cdf_answers *answers,
		    const struct cdf_message *message,
		    struct cdf_companion *companion)
{
	int error = 0;

	if (cdf_companion_spares(companion, &message->packet)) {
		count_unfinished(answers);
		return false;
	}
	gather_passed(answers);
	send_gathered(answers);
	switch (cdf_companion_send(companion, answers->queue, message,
				   &error)) {
	case CDF_SENT_ON:
		break;
	case CDF_SENT_ON_LOST:
		answers->counters->value[CDF_requeue_lost]++;
		answers->lost++;
		break;
	case CDF_SENT_ON_PASSED:
		count_unfinished(answers);
		break;
	case CDF_SENT_ON_FAILED:
		answers->error = error;
		answers->counters->value[CDF_verdict_errors]++;
		count_unfinished(answers);
		return false;
	}
	return true;
}

static bool gather_edited(struct cdf_answers *answers,
			  const struct cdf_message *message)
{
	size_t bytes;
	void *data = cdf_message_write_edited(
		message, cdf_queue_number(answers->queue), &bytes);

	if (data == NULL)
		return false;
	make_room(answers, bytes);
	gather(answers, data, bytes, message->packet_id, true);
	return true;
}

void cdf_answer(struct cdf_answers *answers, struct cdf_message *message,
		enum cdf_action action, struct cdf_companion *companion)
{
	answers->counters->value[CDF_verdicts]++;
	if (action == CDF_REQUEUE && send_on(answers, message, companion))
		return;
	if (action == CDF_EDITED) {
		gather_passed(answers);
		if (gather_edited(answers, message))
			return;
		count_unchanged(answers);
	}
	answers->passed++;
	answers->last_passed = message->packet_id;
}

void cdf_answers_flush(struct cdf_answers *answers)
{
	gather_passed(answers);
	send_gathered(answers);
}
