/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every packet gets one verdict, in order, whatever the socket does: the loop
 * over a queue that refuses, fails and ends. What is expected of counters stands
 * beside what was done; the queue itself is fake_queue.h. */
#include "fake_queue.h"
#include "queue/drain.h"
#include "tap.h"

static struct cdf_identifier *identifier;
static struct cdf_companion companion;
static struct cdf_loop loop;
static uint64_t faults[CDF_FAULT_COUNT];
static int fault_error;

static void on_fault(void *context, const struct cdf_fault *fault)
{
	(void)context;
	faults[fault->kind] += fault->count;
	fault_error = fault->error;
}

static void kernel_tells(int table)
{
	if (companion.kernel >= 0)
		close(companion.kernel);
	companion.kernel = table;
}

static void begin(struct cdf_companion *to)
{
	struct cdf_loop_rules rules = { .identifier = identifier,
					.companion = to,
					.batch = CDF_BATCH,
					.on_fault = on_fault };

	fake_start();
	memset(faults, 0, sizeof(faults));
	if (companion.number != 0)
		cdf_companion_end(&companion);
	cdf_companion_start(&companion, COMPANION);
	kernel_tells(dup(fake.table));
	cdf_loop_start(&loop, NULL, fake.table, &rules, true);
	/* No GSO packets just before: 16 at once. */
	loop.batch.mean = 0;
}

static void turn(void)
{
	do
		cdf_loop_turn(&loop);
	while (!loop.drained);
	cdf_faults_report(&loop.faults, true);
}

static uint64_t counted(enum cdf_counter counter)
{
	return loop.counters.value[counter];
}

/* Each packet that came has one verdict, but for so many that wait still. */
static bool one_each(unsigned int waiting)
{
	bool good = !fake.unordered && count_of(WAITS) == waiting;

	for (uint32_t i = 1; i <= fake.numbers; i++)
		good = good && fake.verdicts[i] == (fake.fate[i] != WAITS);
	return good && counted(CDF_verdicts) == counted(CDF_packets);
}

static void together(void)
{
	begin(NULL);
	arrive(10, WITH_DF);
	arrive(5, WITHOUT_DF);
	arrive(1, WITH_DF);
	turn();
	ok(one_each(0) && count_of(CLEARED) == 11 && count_of(ACCEPTED) == 5 &&
		   fake.sends == 1 && counted(CDF_cleared) == 11,
	   "a batch is answered in one call");
}

static void one_by_one(void)
{
	begin(NULL);
	fake.longest = 1;
	arrive(10, WITH_DF);
	arrive(5, WITHOUT_DF);
	turn();
	ok(one_each(0) && count_of(CLEARED) == 10 && fake.sends == 12 &&
		   counted(CDF_verdict_errors) == 0 &&
		   faults[CDF_FAULT_SEND_FAILED] == 1 &&
		   fault_error == -EMSGSIZE,
	   "what is refused together is sent one by one, and that is told");
}

/* The calls for the batch and for the first packet fail. */
static void not_edited(void)
{
	begin(NULL);
	refuse(2, -ENOBUFS);
	arrive(10, WITH_DF);
	turn();
	ok(one_each(0) && fake.fate[1] == ACCEPTED && count_of(CLEARED) == 9 &&
		   counted(CDF_cleared) == 9 && counted(CDF_leaked) == 1 &&
		   counted(CDF_verdict_errors) == 1,
	   "an edited packet that cannot be sent is accepted, and is leaked");
}

static void short_of_memory(void)
{
	static const int errors[] = { -ENOBUFS, -ENOMEM, -EAGAIN };

	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		begin(NULL);
		refuse(5, errors[i]);
		arrive(10, WITHOUT_DF);
		turn();
		ok(one_each(0) && count_of(ACCEPTED) == 10 && fake.sends == 6 &&
			   counted(CDF_verdict_errors) == 0,
		   "a short verdict is tried again after %s",
		   strerror(-errors[i]));
	}
}

static void forbidden(void)
{
	begin(NULL);
	refuse(2, -EPERM);
	arrive(10, WITHOUT_DF);
	turn();
	ok(one_each(10) && fake.sends == 2 && counted(CDF_verdict_errors) == 1,
	   "not after EPERM: they wait");
	arrive(1, WITHOUT_DF);
	turn();
	ok(count_of(WAITS) == 0 && fake.verdicts[1] == 1,
	   "until the next that pass, whose verdict covers them");
}

static void sent_on(void)
{
	begin(&companion);
	arrive(2, WITH_DF);
	arrive(1, SEGMENTED);
	arrive(2, WITHOUT_DF);
	arrive(1, SEGMENTED);
	arrive(1, WITH_DF);
	turn();
	ok(one_each(0) && count_of(SENT_ON) == 2 && fake.sent_on == 2 &&
		   count_of(CLEARED) == 3 && counted(CDF_requeued) == 2 &&
		   counted(CDF_requeue_lost) == 0,
	   "what the kernel has to segment goes on, in its order");
	begin(NULL);
	arrive(1, SEGMENTED);
	turn();
	ok(one_each(0) && counted(CDF_unfinished) == 1,
	   "without a companion it passes");
}

static void lost_on_the_way(void)
{
	begin(&companion);
	fake.companion = DROPS;
	arrive(1, SEGMENTED);
	turn();
	ok(counted(CDF_requeue_lost) == 1 &&
		   faults[CDF_FAULT_REQUEUE_LOST] == 1,
	   "a packet that gave the companion no number is lost, and told");
	arrive(1, SEGMENTED);
	turn();
	ok(fake.fate[2] == ACCEPTED && counted(CDF_unfinished) == 1 &&
		   counted(CDF_requeued) == 1,
	   "the next of its flow passes instead");
	fake.companion = TAKES;
	arrive(1, SEGMENTED);
	turn();
	ok(one_each(0) && fake.fate[3] == SENT_ON && fake.sent_on == 1,
	   "the one after it goes on again");
}

static void companion_states(void)
{
	begin(&companion);
	fake.companion = IS_FULL;
	arrive(1, SEGMENTED);
	turn();
	ok(one_each(0) && counted(CDF_requeue_lost) == 0 && fake.dropped == 1,
	   "what a full companion drops is counted there");
	begin(&companion);
	fake.companion = IS_UNBOUND;
	arrive(1, SEGMENTED);
	turn();
	ok(one_each(0) && counted(CDF_requeued) == 0 &&
		   counted(CDF_unfinished) == 1,
	   "what nobody takes has passed");
	begin(&companion);
	refuse(1, -ENOBUFS);
	arrive(1, SEGMENTED);
	turn();
	ok(one_each(0) && fake.fate[1] == ACCEPTED &&
		   counted(CDF_requeued) == 0 && counted(CDF_unfinished) == 1 &&
		   counted(CDF_verdict_errors) == 1,
	   "what cannot be sent on is accepted");
	begin(&companion);
	kernel_tells(-1);
	arrive(1, SEGMENTED);
	turn();
	ok(one_each(0) && counted(CDF_requeued) == 1,
	   "where the kernel does not tell, it is taken to be there");
}

/* So many packets, and the end. */
static void drain(unsigned int count)
{
	arrive(count, WITH_DF);
	cdf_loop_drain(&loop);
}

static void drained(void)
{
	begin(NULL);
	drain(3000);
	ok(fake.held && one_each(0) && count_of(CLEARED) == 3000,
	   "at the end all that waits is answered, and nothing new comes");
	begin(NULL);
	fail_receiving(5, -EINTR);
	drain(10);
	ok(one_each(0) && count_of(CLEARED) == 10 &&
		   counted(CDF_receive_errors) == 0,
	   "signals do not end it");
	begin(NULL);
	fail_receiving(3, -ENOBUFS);
	drain(10);
	ok(one_each(0) && counted(CDF_enobufs) == 3, "nor does a full buffer");
}

/* A packet that never arrived is of those that passed by fail-open: leaked. */
static void drained_blindly(void)
{
	begin(NULL);
	fail_receiving(1000, -EIO);
	drain(10);
	ok(fake.failing == 900 && count_of(ACCEPTED) == 10 &&
		   counted(CDF_leaked) == 10,
	   "after a hundred failures what was not received is accepted");
	begin(NULL);
	refuse(21, -EPERM);
	drain(10);
	ok(one_each(0) && count_of(ACCEPTED) == 10 &&
		   counted(CDF_leaked) == 10 &&
		   counted(CDF_verdict_errors) == 10,
	   "what could not be answered is accepted last of all");
}

static void while_bound(void)
{
	struct cdf_loop_rules rules;

	begin(NULL);
	rules = loop.rules;
	arrive(10, WITH_DF);
	fake.strays = (struct cdf_strays){ .packets = 3, .last = 4 };
	for (uint32_t i = 1; i <= 4; i++)
		decide(i, ACCEPTED);
	fake.next = 5;
	/* Number 1 never came: of four numbers three were strays. */
	cdf_loop_start(&loop, NULL, fake.table, &rules, true);
	turn();
	ok(counted(CDF_leaked) == 4 && counted(CDF_cleared) == 6 &&
		   faults[CDF_FAULT_LEAKING] == 4,
	   "what came while the queue was bound is known");
}

int main(void)
{
	identifier = cdf_identifier_new(CDF_IDENTIFICATION_RANDOM);
	together();
	one_by_one();
	not_edited();
	short_of_memory();
	forbidden();
	sent_on();
	lost_on_the_way();
	companion_states();
	drained();
	drained_blindly();
	while_bound();
	cdf_companion_end(&companion);
	cdf_identifier_free(identifier);
	return done();
}
