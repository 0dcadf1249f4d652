/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process that is not run for a while after it has sent: its time is over
 * when it looks again, and the answer is there. The raw socket is one of this
 * program; it takes longer to send than is waited for an answer.
 */
#include <fcntl.h>

#include "clock.h"
#include "packets.h"
#include "probe/probe.h"
#include "probe/raw.h"
#include "tap.h"

#define WAIT (CDF_SECOND / 1000)
#define TRIES 3u

static bool deaf, flooded;
static size_t sent, waiting;
static uint8_t answers[TRIES][128];
static size_t length;

static void pause_for(uint64_t time)
{
	const struct timespec left = { (time_t)(time / CDF_SECOND),
				       (long)(time % CDF_SECOND) };

	nanosleep(&left, NULL);
}

int cdf_raw_open(uint32_t source, const char **operation)
{
	(void)source;
	(void)operation;
	return open("/dev/null", O_RDWR);
}

/* The answer is there at once; the sender is not. */
int cdf_raw_send(int fd, const struct cdf_raw_piece *piece)
{
	uint8_t *at = answers[sent++ % TRIES];

	(void)fd;
	length = 20 + piece->length;
	put_ipv4(at, (unsigned int)length, 9, 0, 1);
	memcpy(at + 20, piece->data, piece->length);
	at[20] = 0;
	put16(at + 22, 0);
	put16(at + 22, ~plain_sum(at + 20, piece->length, 0) & 0xffff);
	waiting += !deaf;
	pause_for(3 * WAIT);
	return 0;
}

uint32_t cdf_raw_refusing_mtu(int fd, const struct cdf_raw_piece *piece)
{
	(void)fd;
	(void)piece;
	return 0;
}

ssize_t cdf_raw_receive(int fd, uint64_t wait, uint8_t *into, size_t room,
			uint32_t *fragment)
{
	(void)fd;
	(void)room;
	*fragment = 0;
	if (flooded) {
		/* Somebody else's, of which there is no end. */
		memset(into, 0, 64);
		return 64;
	}
	if (waiting == 0) {
		pause_for(wait);
		return 0;
	}
	memcpy(into, answers[(sent - waiting--) % TRIES], length);
	return (ssize_t)length;
}

static size_t answered(bool first)
{
	const struct cdf_probe probe = {
		.bytes = 64,
		.first = first,
		.tries = TRIES,
		.interval = WAIT,
		.timeout = WAIT,
	};
	struct cdf_probe_result results[TRIES];
	const char *operation = "";
	size_t count = 0, good = 0;

	sent = waiting = 0;
	if (cdf_probe_run(&probe, results, &count, &operation) < 0)
		return TRIES + 1;
	for (size_t i = 0; i < count; i++)
		good += results[i].outcome == CDF_PROBE_ANSWERED;
	return good;
}

int main(void)
{
	ok(answered(false) == TRIES && sent == TRIES,
	   "an answer that is there when the time is over is no lost one");
	ok(answered(true) == 1 && sent == 1,
	   "and no further try goes out where one is enough");
	deaf = true;
	ok(answered(false) == 0 && sent == TRIES, "silence is as ever");
	flooded = true;
	ok(answered(false) == 0 && sent == TRIES,
	   "packets without end keep nobody waiting");
	return done();
}
