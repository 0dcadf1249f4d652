/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sender DEVICE MAC SOURCE DESTINATION LENGTH SECONDS RATE FLOWS DF APART SAMPLE
 *      COUNT
 *
 * Sends UDP datagrams of LENGTH bytes (IP header included) to the router whose
 * device has the address MAC, written to the link as whole frames: this end then
 * costs as little as it can, and checksums are complete, as they are in a packet
 * that came in by a wire. RATE is packets per second, 0 as many as go. FLOWS
 * source addresses from SOURCE on take turns. DF percent of the packets have DF
 * set, evenly spread; with APART 1 the others have sources of their own, because a
 * rule that queues only some packets lets the others overtake. One of SAMPLE is
 * marked for `receiver`. Ends after SECONDS, or after COUNT packets unless that is 0,
 * and prints what it sent as JSON.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sender/sender.h"

enum { SECOND = 1000000000 };

int main(int argc, char **argv)
{
	struct in_addr source, destination;
	struct cdf_sender_result result;
	const char *operation = "";
	struct cdf_sender request;
	uint8_t *mac = request.mac;
	int error;

	if (argc != 13 ||
	    sscanf(argv[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1],
		   &mac[2], &mac[3], &mac[4], &mac[5]) != ETH_ALEN ||
	    inet_pton(AF_INET, argv[3], &source) != 1 ||
	    inet_pton(AF_INET, argv[4], &destination) != 1) {
		fputs("usage: sender DEVICE MAC SOURCE DESTINATION LENGTH "
		      "SECONDS RATE FLOWS DF APART SAMPLE COUNT\n",
		      stderr);
		return 2;
	}
	request.device = argv[1];
	request.source = source.s_addr;
	request.destination = destination.s_addr;
	request.length = strtoul(argv[5], NULL, 10);
	request.duration = (uint64_t)(atof(argv[6]) * SECOND);
	request.rate = strtoull(argv[7], NULL, 10);
	request.flows = (uint32_t)strtoul(argv[8], NULL, 10);
	request.df = (uint32_t)strtoul(argv[9], NULL, 10);
	request.apart = strtoul(argv[10], NULL, 10) != 0;
	request.sample = strtoull(argv[11], NULL, 10);
	request.limit = strtoull(argv[12], NULL, 10);
	if (request.limit == 0)
		request.limit = UINT64_MAX;
	if (!cdf_sender_is_valid(&request)) {
		fputs("sender: LENGTH, RATE, FLOWS, DF or SAMPLE is out of "
		      "range\n",
		      stderr);
		return 2;
	}
	error = cdf_sender_run(&request, &result, &operation);
	if (error < 0) {
		fprintf(stderr, "sender: %s %s: %s\n", operation,
			request.device, strerror(-error));
		return 1;
	}
	printf("{\"sent\":%llu,\"refused\":%llu,\"seconds\":%.6f,"
	       "\"heldSeconds\":%.6f}\n",
	       (unsigned long long)result.sent,
	       (unsigned long long)result.refused,
	       (double)result.elapsed / SECOND, (double)result.held / SECOND);
	return 0;
}
