/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A queue that is lost, and bound again or not; the queue itself is
 * fake_queue.h. */
#include "fake_queue.h"
#include "queue/drain.h"
#include "tap.h"

static struct cdf_identifier *identifier;
static struct cdf_loop loop;
static uint64_t faults[CDF_FAULT_COUNT];

static void on_fault(void *context, const struct cdf_fault *fault)
{
	(void)context;
	faults[fault->kind] += fault->count;
}

static void turn(void)
{
	do
		cdf_loop_turn(&loop);
	while (!loop.drained);
	cdf_faults_report(&loop.faults, true);
}

/* So many packets find the receive buffer full, and are dropped. */
static void drop(uint32_t count)
{
	fake.user_dropped += count;
	fake.numbers += count;
	fake.next += count;
	write_table();
}

/* A run without fail-open that has taken three packets and lost two. */
static void begin(void)
{
	struct cdf_loop_rules rules = { .identifier = identifier,
					.batch = CDF_BATCH,
					.on_fault = on_fault };

	fake_start();
	memset(faults, 0, sizeof(faults));
	cdf_loop_start(&loop, NULL, fake.table, &rules, false);
	arrive(1, WITH_DF);
	turn();
	drop(2);
	arrive(2, WITH_DF);
	turn();
}

/* The kernel makes another queue of the same number. */
static void made_anew(void)
{
	fake.taken = true;
	fake.numbers = fake.user_dropped = fake.decided = 0;
	fake.next = 1;
	memset(fake.verdicts, 0, sizeof(fake.verdicts));
	write_table();
}

static bool counts(uint64_t packets, uint64_t overrun)
{
	const uint64_t *value = loop.counters.value;

	return value[CDF_packets] == packets && value[CDF_leaked] == 0 &&
	       value[CDF_overrun] == overrun;
}

static void bound_anew(void)
{
	begin();
	loop.lost = true;
	made_anew();
	turn();
	ok(!loop.lost && fake.rebinds == 1 &&
		   faults[CDF_FAULT_QUEUE_REGAINED] == 1,
	   "a lost queue is bound again at once, and that is told");
	drop(3);
	arrive(1, WITH_DF);
	cdf_loop_drain(&loop);
	ok(counts(4, 5),
	   "its numbers and the kernel's counters begin anew: %llu lost",
	   (unsigned long long)loop.counters.value[CDF_overrun]);
}

static void still_ours(void)
{
	begin();
	loop.lost = true;
	turn();
	drop(3);
	arrive(1, WITH_DF);
	cdf_loop_drain(&loop);
	ok(faults[CDF_FAULT_QUEUE_REGAINED] == 1 && counts(4, 5),
	   "of one that was ours all the time they go on");
}

static void held_by_another(void)
{
	begin();
	loop.lost = true;
	fake.rebound = -EBUSY;
	turn();
	turn();
	ok(loop.lost && !loop.forbidden && fake.rebinds == 1 &&
		   faults[CDF_FAULT_QUEUE_REGAINED] == 0,
	   "one that another holds is asked for again, and not all the time");
	/* As if the second were over. */
	loop.tried = 1;
	fake.rebound = 0;
	made_anew();
	turn();
	ok(!loop.lost && fake.rebinds == 2 &&
		   faults[CDF_FAULT_QUEUE_REGAINED] == 1,
	   "until it is free");
}

static void lost_for_good(void)
{
	begin();
	loop.lost = true;
	fake.rebound = -EPERM;
	turn();
	ok(loop.lost && loop.forbidden && faults[CDF_FAULT_QUEUE_REGAINED] == 0,
	   "without the privilege it is lost for good");
}

/* The packet is edited, and neither that nor its fallback can be sent. */
static void unanswered(void)
{
	const uint64_t *value = loop.counters.value;

	begin();
	refuse(3, -EPERM);
	arrive(1, WITH_DF);
	turn();
	ok(count_of(WAITS) == 1 && value[CDF_cleared] == 3 &&
		   value[CDF_leaked] == 0,
	   "a packet that could not be answered is not leaked: it waits");
	arrive(1, WITHOUT_DF);
	turn();
	ok(count_of(WAITS) == 0 && value[CDF_leaked] == 1,
	   "it is with the next verdict that covers it");
	begin();
	refuse(3, -EPERM);
	arrive(1, WITH_DF);
	turn();
	loop.lost = true;
	made_anew();
	turn();
	arrive(1, WITHOUT_DF);
	turn();
	ok(value[CDF_cleared] == 3 && value[CDF_leaked] == 0,
	   "nor is it when it was discarded with its queue");
	begin();
	refuse(1000, -EPERM);
	arrive(1, WITH_DF);
	cdf_loop_drain(&loop);
	ok(count_of(WAITS) == 1 && value[CDF_leaked] == 0,
	   "nor at the end, where nothing can be answered");
}

int main(void)
{
	identifier = cdf_identifier_new(CDF_IDENTIFICATION_RANDOM);
	bound_anew();
	still_ours();
	held_by_another();
	lost_for_good();
	unanswered();
	cdf_identifier_free(identifier);
	return done();
}
