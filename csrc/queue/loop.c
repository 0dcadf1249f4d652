/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loop.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "clock.h"

/* How often a lost queue is asked for again and reports are caught up with. */
#define RETRY_MS 1000
/* So that an error that stays does not spin. */
#define ERROR_PAUSE_MS 10

static void start_books(struct cdf_loop *loop)
{
	/* The first packet has number 1 (__nfqnl_enqueue_packet()). */
	loop->sequence = (struct cdf_sequence){ .known = true, .last = 0 };
	cdf_loss_start(&loop->loss, cdf_queue_number(loop->queue),
		       cdf_queue_port(loop->queue), loop->loss.kernel);
	loop->verdicts.unanswered = 0;
}

static void count(struct cdf_loop *loop, enum cdf_counter what, uint64_t n)
{
	loop->counters.value[what] += n;
}

static void explain_gaps(struct cdf_loop *loop, uint64_t now)
{
	struct cdf_lost lost;

	cdf_loss_explain(&loop->loss, cdf_overload_full(&loop->overload), now,
			 &lost);
	cdf_lost_count(&lost, &loop->counters, &loop->faults);
	if (lost.passed > 0)
		cdf_overload_begin(&loop->overload, loop->queue,
				   loop->batch.mean, now);
}

static void take_packet(struct cdf_loop *loop, struct cdf_message *message)
{
	struct cdf_packet *packet = &message->packet;
	enum cdf_action action;

	cdf_loss_note(&loop->loss,
		      cdf_sequence_gap(&loop->sequence, message->packet_id));
	count(loop, CDF_packets, 1);
	count(loop, CDF_bytes, packet->original_length);
	loop->large += packet->original_length > CDF_LARGE;
	packet->can_requeue = loop->rules.companion != NULL;
	if (loop->rules.never_local)
		packet->place = cdf_place_leaving(packet->place);
	action = cdf_clear(loop->rules.identifier, packet, &loop->counters);
	cdf_verdicts_add(&loop->verdicts, message, action,
			 loop->rules.companion);
}

static void take_error(struct cdf_loop *loop, int error)
{
	if (error == 0)
		return;
	count(loop, CDF_verdict_errors, 1);
	cdf_fault_note(&loop->faults, CDF_FAULT_VERDICT_REFUSED, 1, error);
	/* The queue is gone, or another socket's (verdict_instance_lookup()). */
	if ((error == -ENODEV || error == -EPERM) && !loop->lost) {
		loop->lost = true;
		cdf_fault_note(&loop->faults, CDF_FAULT_QUEUE_LOST, 1, error);
	}
}

/* What came while the queue was being bound. */
static void take_strays(struct cdf_loop *loop)
{
	struct cdf_strays strays = cdf_queue_strays(loop->queue);
	uint32_t numbers = strays.last - loop->sequence.last;

	if (strays.packets == 0)
		return;
	/* Of a row of numbers some may have been lost before. */
	if (numbers < 0x80000000 && numbers > strays.packets)
		cdf_loss_note(&loop->loss, numbers - strays.packets);
	loop->sequence.last = strays.last;
	count(loop, CDF_leaked, strays.packets);
	cdf_fault_note(&loop->faults, CDF_FAULT_LEAKING, strays.packets, 0);
}

void cdf_loop_start(struct cdf_loop *loop, struct cdf_queue *queue, int kernel,
		    const struct cdf_loop_rules *rules, bool fail_open)
{
	memset(loop, 0, sizeof(*loop));
	loop->queue = queue;
	loop->rules = *rules;
	loop->overload.fail_open = fail_open;
	cdf_batch_start(&loop->batch, rules->batch);
	loop->faults.queue = cdf_queue_number(queue);
	loop->faults.report = rules->on_fault;
	loop->faults.context = rules->context;
	loop->loss.kernel = kernel;
	start_books(loop);
	cdf_coalesce_start(&loop->coalesce, rules->coalesce);
	cdf_verdicts_start(&loop->verdicts, queue, &loop->counters);
	take_strays(loop);
}

static void take_datagram(struct cdf_loop *loop, struct cdf_datagram *datagram)
{
	struct cdf_message message;

	while (cdf_message_next(datagram, &message)) {
		if (message.kind == CDF_MESSAGE_PACKET)
			take_packet(loop, &message);
		else if (message.kind == CDF_MESSAGE_ERROR)
			take_error(loop, message.error);
		else if (message.kind == CDF_MESSAGE_BAD)
			count(loop, CDF_receive_errors, 1);
	}
}

static void note_failures(struct cdf_loop *loop, int received)
{
	if (loop->verdicts.error < 0)
		cdf_fault_note(&loop->faults, CDF_FAULT_SEND_FAILED, 1,
			       loop->verdicts.error);
	loop->verdicts.error = 0;
	cdf_fault_note(&loop->faults, CDF_FAULT_REQUEUE_LOST,
		       loop->verdicts.lost, 0);
	loop->verdicts.lost = 0;
	if (received == -ENOBUFS) {
		count(loop, CDF_enobufs, 1);
	} else if (received < 0 && received != -EINTR) {
		count(loop, CDF_receive_errors, 1);
		cdf_fault_note(&loop->faults, CDF_FAULT_RECEIVE_FAILED, 1,
			       received);
		poll(NULL, 0, ERROR_PAUSE_MS);
	}
}

/* At once, and then every RETRY_MS. Nothing is left to read by then, so what
 * comes meanwhile belongs to the queue as it is bound anew. */
static void regain(struct cdf_loop *loop)
{
	uint64_t now = cdf_clock_now();
	bool still_ours;
	int error;

	if (loop->tried != 0 && now - loop->tried < RETRY_MS * 1000000ull)
		return;
	loop->tried = now;
	error = cdf_queue_rebind(loop->queue, &still_ours);
	/* Not even an answer is allowed without the privilege any more. */
	loop->forbidden = error == -EPERM;
	if (error == 0 && !still_ours)
		start_books(loop);
	take_strays(loop);
	if (error < 0)
		return;
	loop->lost = false;
	loop->tried = 0;
	cdf_fault_note(&loop->faults, CDF_FAULT_QUEUE_REGAINED, 1, 0);
}

/* What depends on how much waits: after a full batch it may be too much. */
static void watch_backlog(struct cdf_loop *loop)
{
	enum cdf_full full;
	uint64_t now;

	if (!loop->full && !loop->overload.active)
		loop->overload.since = 0;
	if (!loop->full && loop->loss.missing == 0)
		return;
	now = cdf_clock_now();
	if (cdf_loss_due(&loop->loss, now))
		explain_gaps(loop, now);
	if (!loop->full)
		return;
	full = cdf_overload_full(&loop->overload);
	cdf_overload_check(&loop->overload, loop->queue, loop->batch.mean, now);
	/* What was dropped until now was no overload. */
	if (full == CDF_FULL_STALL && loop->overload.active)
		cdf_loss_look(&loop->loss, full, now);
}

static void catch_up(struct cdf_loop *loop)
{
	loop->full = false;
	loop->taken = 0;
	loop->drained = true;
	if (loop->loss.missing > 0) {
		explain_gaps(loop, cdf_clock_now());
		cdf_counters_publish(&loop->shared, &loop->counters);
	}
	/* The gap of the last drops is still to come. */
	if (loop->overload.active && !loop->overload.fail_open)
		cdf_loss_look(&loop->loss, CDF_FULL_OVERLOAD, cdf_clock_now());
	cdf_overload_end(&loop->overload, loop->queue);
	if (loop->lost && !loop->overload.frozen)
		regain(loop);
}

/* Packets and bytes are what the counters stood at before. */
static void note_batch(struct cdf_loop *loop, uint64_t packets, uint64_t bytes)
{
	const uint64_t *value = loop->counters.value;

	packets = value[CDF_packets] - packets;
	loop->taken = (uint32_t)packets;
	count(loop, CDF_batches, packets > 0);
	if (cdf_batch_note(&loop->batch, packets, value[CDF_bytes] - bytes,
			   loop->large))
		cdf_queue_trim(loop->queue);
}

bool cdf_loop_turn(struct cdf_loop *loop)
{
	struct cdf_datagram datagram[CDF_BATCH];
	uint64_t packets = loop->counters.value[CDF_packets];
	uint64_t bytes = loop->counters.value[CDF_bytes];
	uint32_t want = cdf_batch_size(&loop->batch);
	int received;

	received = cdf_queue_receive(loop->queue, datagram, want);
	if (received == -EAGAIN) {
		catch_up(loop);
		return false;
	}
	loop->drained = false;
	loop->large = 0;
	for (int i = 0; i < received; i++)
		take_datagram(loop, &datagram[i]);
	cdf_verdicts_flush(&loop->verdicts);
	note_failures(loop, received);
	note_batch(loop, packets, bytes);
	/* After less than a full batch the buffer is empty, or nearly so; only
	 * who has to know asks again. */
	loop->full = received == (int)want;
	watch_backlog(loop);
	cdf_counters_publish(&loop->shared, &loop->counters);
	if (received < 0 && received != -EINTR && received != -ENOBUFS)
		return false;
	return loop->full || loop->lost || loop->loss.missing > 0 ||
	       loop->overload.active || loop->overload.frozen;
}

static bool pause_for_more(struct cdf_loop *loop)
{
	struct cdf_coalesce *coalesce = &loop->coalesce;

	if (coalesce->pause == 0 ||
	    !cdf_coalesce_note(coalesce, loop->taken, cdf_clock_now()))
		return false;
	cdf_coalesce_pause(coalesce);
	return true;
}

void cdf_loop_wait(struct cdf_loop *loop, int wake)
{
	struct pollfd fds[] = {
		{ .fd = cdf_queue_fd(loop->queue), .events = POLLIN },
		{ .fd = wake, .events = POLLIN },
	};
	int timeout = loop->lost || loop->faults.pending ? RETRY_MS : -1;

	if (timeout < 0 && loop->batch.mean <= CDF_LARGE &&
	    pause_for_more(loop))
		return;
	if (poll(fds, 2, timeout) == 0 && loop->lost)
		regain(loop);
}
