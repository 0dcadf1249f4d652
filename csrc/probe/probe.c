/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "clock.h"
#include "icmp.h"
#include "packet/ipv4.h"
#include "raw.h"

#define PACKET_MAX 65536u
/* Packets: more than a socket holds by default. */
#define CATCH_UP 512

struct run {
	const struct cdf_probe *probe;
	struct cdf_probe_result *results;
	size_t sent;
	int socket;
	struct cdf_icmp_request request;
	uint8_t payload[PACKET_MAX];
	uint8_t packet[PACKET_MAX]; /* written, then sent; or received */
};

/* Bytes that no other program sends, behind them a plain pattern. */
static int choose_payload(struct run *run)
{
	uint16_t chosen[2];

	for (size_t i = 0; i < PACKET_MAX; i++)
		run->payload[i] = (uint8_t)i;
	if (getrandom(run->payload, CDF_ICMP_TOKEN, 0) !=
		    (ssize_t)CDF_ICMP_TOKEN ||
	    getrandom(chosen, sizeof(chosen), 0) != (ssize_t)sizeof(chosen))
		return -EIO;
	run->request = (struct cdf_icmp_request){
		.destination = run->probe->destination,
		.identifier = chosen[0],
		/* Not 0, also when counted up: for 0 the kernel puts its own. */
		.identification = (uint16_t)(chosen[1] / 2 + 1),
		.tries = run->probe->tries,
		.payload = run->payload,
		.payload_length = run->probe->bytes - CDF_IPV4_MIN_HEADER -
				  CDF_ICMP_HEADER,
	};
	return 0;
}

/*
 * Send the request, in pieces where asked for.
 * @param mtu set to the MTU that stood behind an EMSGSIZE
 */
static int send_request(struct run *run, uint16_t sequence, uint32_t *mtu)
{
	size_t length = cdf_icmp_write(run->packet, &run->request, sequence);
	uint16_t flags = run->probe->dont_fragment ? CDF_IPV4_DF : 0;
	size_t step =
		run->probe->fragment_bytes == 0
			? length
			: (run->probe->fragment_bytes - CDF_IPV4_MIN_HEADER) /
				  8 * 8;
	struct cdf_raw_piece piece = {
		.source = run->probe->source,
		.destination = run->probe->destination,
		.identification =
			(uint16_t)(run->request.identification + sequence),
	};
	int error = 0;

	for (size_t at = 0; error == 0 && at < length; at += step) {
		bool more = length - at > step;

		piece.data = run->packet + at;
		piece.length = more ? step : length - at;
		piece.fragment =
			(uint16_t)(flags | (more ? CDF_IPV4_MF : 0) | at / 8);
		error = cdf_raw_send(run->socket, &piece);
	}
	if (error == -EMSGSIZE)
		*mtu = cdf_raw_refusing_mtu(run->socket, &piece);
	return error;
}

static void send_next(struct run *run)
{
	uint16_t sequence = (uint16_t)run->sent;
	struct cdf_probe_result *result = &run->results[run->sent++];

	*result = (struct cdf_probe_result){ .outcome = CDF_PROBE_PENDING,
					     .sent_at = cdf_clock_now() };
	result->error = send_request(run, sequence, &result->mtu);
	if (result->error < 0)
		result->outcome = CDF_PROBE_REFUSED;
}

static void settle(struct run *run, const struct cdf_icmp *icmp,
		   uint32_t fragment)
{
	static const enum cdf_probe_outcome outcomes[] = {
		[CDF_ICMP_ANSWER] = CDF_PROBE_ANSWERED,
		[CDF_ICMP_FRAG_NEEDED] = CDF_PROBE_FRAG_NEEDED,
		[CDF_ICMP_UNREACHABLE] = CDF_PROBE_UNREACHABLE,
	};
	struct cdf_probe_result *result;

	if (icmp->kind == CDF_ICMP_FOREIGN || icmp->sequence >= run->sent)
		return;
	result = &run->results[icmp->sequence];
	if (result->outcome != CDF_PROBE_PENDING)
		return;
	result->outcome = outcomes[icmp->kind];
	result->from = icmp->source;
	result->source = icmp->destination;
	result->mtu = icmp->mtu;
	result->type = icmp->type;
	result->code = icmp->code;
	result->round_trip = cdf_clock_now() - result->sent_at;
	result->dont_fragment = icmp->dont_fragment;
	result->fragment = fragment;
}

/* Wait until then, or for one packet. Returns 1 when one came, 0, or -errno. */
static int receive(struct run *run, uint64_t then)
{
	uint64_t now = cdf_clock_now();
	uint32_t fragment = 0;
	struct cdf_icmp icmp;
	ssize_t length =
		cdf_raw_receive(run->socket, then > now ? then - now : 0,
				run->packet, sizeof(run->packet), &fragment);

	if (length <= 0)
		return (int)length;
	cdf_icmp_read(run->packet, (size_t)length, &run->request, &icmp);
	settle(run, &icmp, fragment);
	return 1;
}

static size_t count(const struct run *run, enum cdf_probe_outcome outcome)
{
	size_t found = 0;

	for (size_t i = 0; i < run->sent; i++)
		found += run->results[i].outcome == outcome;
	return found;
}

static bool is_enough(const struct run *run)
{
	return count(run, CDF_PROBE_FRAG_NEEDED) > 0 ||
	       count(run, CDF_PROBE_REFUSED) > 0 ||
	       (run->probe->first && count(run, CDF_PROBE_ANSWERED) > 0);
}

/*
 * Read what has come already. A process that was not run for a while finds both
 * its time over and the answer there: it is no lost one. Not without end, as
 * others' packets may come all the time.
 */
static int catch_up(struct run *run)
{
	int got = 1;

	for (int i = 0; i < CATCH_UP && got > 0 && !is_enough(run); i++)
		got = receive(run, 0);
	return got < 0 ? got : 0;
}

static int ask(struct run *run)
{
	uint64_t last = 0;
	int error = 0;

	while (error == 0 && !is_enough(run)) {
		uint64_t now = cdf_clock_now();
		bool settled = count(run, CDF_PROBE_PENDING) == 0;
		bool all = run->sent == run->probe->tries;
		uint64_t then = last + (all ? run->probe->timeout
					    : run->probe->interval);

		if (settled && all)
			return 0;
		if (!settled && now < then) {
			error = receive(run, then);
			error = error > 0 ? 0 : error;
			continue;
		}
		if (!settled) {
			error = catch_up(run);
			if (error < 0 || all || is_enough(run))
				return error;
		}
		send_next(run);
		/* Not now: whatever comes in between is not waited for,
		 * and the try would stay pending. */
		last = run->results[run->sent - 1].sent_at;
	}
	return error;
}

static void give_up(const struct run *run)
{
	uint64_t now = cdf_clock_now();

	for (size_t i = 0; i < run->sent; i++) {
		struct cdf_probe_result *result = &run->results[i];

		if (result->outcome == CDF_PROBE_PENDING &&
		    now - result->sent_at >= run->probe->timeout)
			result->outcome = CDF_PROBE_LOST;
	}
}

int cdf_probe_run(const struct cdf_probe *probe,
		  struct cdf_probe_result *results, size_t *sent,
		  const char **operation)
{
	struct run *run = calloc(1, sizeof(*run));
	int error;

	*sent = 0;
	*operation = "make room for a packet";
	if (run == NULL)
		return -ENOMEM;
	run->probe = probe;
	run->results = results;
	run->socket = cdf_raw_open(probe->source, operation);
	error = run->socket < 0 ? run->socket : 0;
	if (error == 0) {
		*operation = "choose a token";
		error = choose_payload(run);
	}
	if (error == 0) {
		*operation = "wait for answers";
		error = ask(run);
		give_up(run);
		*sent = run->sent;
	}
	if (run->socket >= 0)
		close(run->socket);
	free(run);
	return error;
}
