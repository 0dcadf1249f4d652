/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gaps are explained together, not too often, and by cause. What the kernel
 * tells is a file of the test's own, in the form of seq_show(). */
#include "queue/loss.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tap.h"

#define MILLISECOND 1000000u
#define START 5000000000u
#define QUEUE 7
#define PORT 4711u

static int file;

/* Lines before it, so that one read does not hold it. */
static void kernel_says(unsigned int lines, unsigned int waiting,
			unsigned int queue_dropped, unsigned int user_dropped,
			unsigned int sequence)
{
	char line[128];

	if (ftruncate(file, 0) < 0 || lseek(file, 0, SEEK_SET) < 0)
		return;
	for (unsigned int i = 0; i <= lines; i++) {
		int length = snprintf(line, sizeof(line),
				      "%5u %6u %5u %1u %5u %5u %5u %8u %2d\n",
				      i == lines ? QUEUE : 1000 + i, PORT,
				      waiting, 2, 65531, queue_dropped,
				      user_dropped, sequence, 1);

		if (write(file, line, (size_t)length) != length)
			return;
	}
}

static struct cdf_lost explain(struct cdf_loss *loss, uint32_t gap,
			       enum cdf_full full)
{
	struct cdf_lost lost;

	cdf_loss_note(loss, gap);
	cdf_loss_explain(loss, full, START, &lost);
	return lost;
}

static bool is(struct cdf_lost lost, uint64_t overload, uint64_t full_buffer,
	       uint64_t full_queue, uint64_t passed)
{
	return lost.overload == overload && lost.full_buffer == full_buffer &&
	       lost.full_queue == full_queue && lost.passed == passed;
}

static void test_unknown(void)
{
	struct cdf_loss loss;

	cdf_loss_start(&loss, QUEUE, PORT, -1);
	ok(!cdf_loss_due(&loss, START), "nothing is missing");
	cdf_loss_note(&loss, 0);
	ok(!cdf_loss_due(&loss, START), "nor after a gap of none");
	cdf_loss_note(&loss, 3);
	ok(cdf_loss_due(&loss, START), "the first gaps are looked at");
	ok(is(explain(&loss, 4, CDF_FULL_STALL), 0, 7, 0, 0),
	   "dropped by a stall, when that is presumed");
	cdf_loss_note(&loss, 5);
	ok(!cdf_loss_due(&loss, START + 9 * MILLISECOND), "not 9 ms later");
	ok(cdf_loss_due(&loss, START + 10 * MILLISECOND), "but after 10");
	ok(is(explain(&loss, 0, CDF_FULL_PASSES), 0, 0, 0, 5),
	   "let through, when that is presumed");
	ok(!cdf_loss_due(&loss, START + 60 * MILLISECOND), "once only");
	ok(is(explain(&loss, 2, CDF_FULL_OVERLOAD), 2, 0, 0, 0), "or overload");
}

static void test_causes(void)
{
	struct cdf_loss loss;
	struct cdf_lost lost;

	cdf_loss_start(&loss, QUEUE, PORT, file);
	kernel_says(0, 0, 0, 4, 10);
	ok(is(explain(&loss, 3, CDF_FULL_OVERLOAD), 3, 0, 0, 0),
	   "the kernel has dropped them");
	kernel_says(0, 0, 0, 400, 10);
	ok(is(explain(&loss, 1, CDF_FULL_OVERLOAD), 1, 0, 0, 0),
	   "what it has told of before is not asked for again");
	kernel_says(0, 0, 0, 4, 10);
	ok(is(explain(&loss, 6, CDF_FULL_PASSES), 0, 0, 0, 6),
	   "it has dropped no more: the others passed");

	kernel_says(300, 0, 0, 10, 50);
	ok(cdf_loss_look(&loss, CDF_FULL_STALL, START),
	   "a queue behind 300 others is found");
	kernel_says(300, 0, 2, 15, 50);
	ok(is(explain(&loss, 9, CDF_FULL_OVERLOAD), 3, 6, 0, 0),
	   "what was dropped before an overload began is no overload");
	cdf_loss_end(&loss, 50, CDF_FULL_OVERLOAD, START, &lost);
	ok(is(lost, 2, 0, 2, 0), "a full queue leaves no gap");

	cdf_loss_start(&loss, QUEUE, PORT, file);
	kernel_says(1, 3, 0, 8, 120);
	cdf_loss_note(&loss, 5);
	ok(cdf_loss_end(&loss, 100, CDF_FULL_OVERLOAD, START, &lost) == 3,
	   "at the end some wait");
	/* 5 and 120 - 100 are missing, 8 of them dropped. */
	ok(is(lost, 8, 0, 0, 17), "numbers behind the last packet count");
	cdf_loss_start(&loss, QUEUE, PORT + 1, file);
	ok(cdf_loss_end(&loss, 100, CDF_FULL_OVERLOAD, START, &lost) == 0 &&
		   is(lost, 0, 0, 0, 0),
	   "another's queue says nothing about ours");
}

static void test_counters(void)
{
	struct cdf_lost lost = { 1, 2, 4, 8 };
	struct cdf_counters counters = { 0 };
	struct cdf_faults faults = { 0 };

	cdf_lost_count(&lost, &counters, &faults);
	ok(counters.value[CDF_overrun] == 7 &&
		   counters.value[CDF_overload] == 1 &&
		   counters.value[CDF_queue_full] == 4 &&
		   counters.value[CDF_leaked] == 8,
	   "counted by cause");
	ok(faults.count[CDF_FAULT_OVERLOAD] == 1 &&
		   faults.count[CDF_FAULT_OVERRUN] == 2 &&
		   faults.count[CDF_FAULT_QUEUE_FULL] == 4 &&
		   faults.count[CDF_FAULT_LEAKING] == 8,
	   "and told by cause");
}

int main(void)
{
	file = memfd_create("nfnetlink_queue", 0);
	test_unknown();
	test_causes();
	test_counters();
	return done();
}
