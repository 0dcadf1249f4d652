/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drain.h"

#include "clock.h"

/* More than any receive buffer holds. */
#define MOST_TURNS (4u << 20)
/* Turns that may fail to receive; each takes a pause. */
#define MOST_ERRORS 100
/* More than a queue can hold; numbers go round (nfq_id_after()). */
#define ALL_BEHIND (1u << 30)

static void answer_waiting(struct cdf_loop *loop)
{
	int errors = 0;

	for (uint32_t turn = 0; turn < MOST_TURNS; turn++) {
		if (!cdf_loop_turn(loop) &&
		    (loop->drained || ++errors == MOST_ERRORS))
			return;
	}
}

/* Verdicts that could not be sent, and packets that could not be received;
 * unbinding would drop them. */
static void accept_rest(struct cdf_loop *loop)
{
	_Alignas(4) uint8_t buffer[CDF_VERDICT_SIZE];
	struct iovec iov = { buffer, sizeof(buffer) };

	cdf_message_write_accept_all(buffer, loop->loss.queue,
				     loop->sequence.last + ALL_BEHIND);
	if (cdf_queue_send(loop->queue, &iov, 1) == 0)
		cdf_verdicts_all_accepted(&loop->verdicts);
}

void cdf_loop_drain(struct cdf_loop *loop)
{
	enum cdf_full full = cdf_overload_full(&loop->overload);
	struct cdf_lost lost;

	cdf_queue_hold(loop->queue);
	loop->overload.frozen = true;
	answer_waiting(loop);
	if (cdf_loss_end(&loop->loss, loop->sequence.last, full,
			 cdf_clock_now(), &lost) > 0)
		accept_rest(loop);
	cdf_lost_count(&lost, &loop->counters, &loop->faults);
	cdf_counters_publish(&loop->shared, &loop->counters);
	cdf_faults_report(&loop->faults, true);
}
