/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gaps are explained together, and not too often. The queue is one that this
 * namespace does not have, so that /proc tells nothing of it. */
#include "loss.h"

#include "tap.h"

#define MILLISECOND 1000000u
#define START 5000000000u

int main(void)
{
	struct cdf_loss loss;
	uint32_t passed;

	cdf_loss_start(&loss, 65535);
	ok(!cdf_loss_due(&loss, START), "nothing is missing");
	cdf_loss_note(&loss, 0);
	ok(!cdf_loss_due(&loss, START), "nor after a gap of none");
	cdf_loss_note(&loss, 3);
	cdf_loss_note(&loss, 4);
	ok(cdf_loss_due(&loss, START), "the first gaps are looked at");
	ok(cdf_loss_explain(&loss, true, START, &passed) == 7 && passed == 0,
	   "dropped, when that is presumed");
	cdf_loss_note(&loss, 5);
	ok(!cdf_loss_due(&loss, START + 9 * MILLISECOND), "not 9 ms later");
	ok(cdf_loss_due(&loss, START + 10 * MILLISECOND), "but after 10");
	ok(cdf_loss_explain(&loss, false, START, &passed) == 0 && passed == 5,
	   "let through, when that is presumed");
	ok(!cdf_loss_due(&loss, START + 60 * MILLISECOND), "once only");

	/* As if the kernel had told of drops whose gap is still to come. */
	loss.unseen = 4;
	cdf_loss_note(&loss, 3);
	ok(cdf_loss_explain(&loss, false, START, &passed) == 3 && passed == 0 &&
		   loss.unseen == 1,
	   "what the kernel has told of before is not asked for again");
	return done();
}
