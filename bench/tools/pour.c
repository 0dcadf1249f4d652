/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pour DEVICE MAC SOURCE DESTINATION LENGTH SECONDS RATE FLOWS DF APART SAMPLE
 *      COUNT
 *
 * Sends UDP datagrams of LENGTH bytes (IP header included) to the router whose
 * device has the address MAC, written to the link as whole frames: this end then
 * costs as little as it can, and checksums are complete, as they are in a packet
 * that came in by a wire. RATE is packets per second, 0 as many as go. FLOWS
 * source addresses from SOURCE on take turns. DF percent of the packets have DF
 * set, evenly spread; with APART 1 the others have sources of their own, because a
 * rule that queues only some packets lets the others overtake. One of SAMPLE is
 * marked for `tap`. Ends after SECONDS, or after COUNT packets unless that is 0,
 * and prints what it sent as JSON.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pour.h"

enum { SECOND = 1000000000 };

int main(int argc, char **argv)
{
	struct in_addr source, destination;
	struct cdf_poured poured;
	const char *operation = "";
	struct cdf_pour pour;
	uint8_t *mac = pour.mac;
	int error;

	if (argc != 13 ||
	    sscanf(argv[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1],
		   &mac[2], &mac[3], &mac[4], &mac[5]) != ETH_ALEN ||
	    inet_pton(AF_INET, argv[3], &source) != 1 ||
	    inet_pton(AF_INET, argv[4], &destination) != 1) {
		fputs("usage: pour DEVICE MAC SOURCE DESTINATION LENGTH "
		      "SECONDS RATE FLOWS DF APART SAMPLE COUNT\n",
		      stderr);
		return 2;
	}
	pour.device = argv[1];
	pour.source = source.s_addr;
	pour.destination = destination.s_addr;
	pour.length = strtoul(argv[5], NULL, 10);
	pour.duration = (uint64_t)(atof(argv[6]) * SECOND);
	pour.rate = strtoull(argv[7], NULL, 10);
	pour.flows = (uint32_t)strtoul(argv[8], NULL, 10);
	pour.df = (uint32_t)strtoul(argv[9], NULL, 10);
	pour.apart = strtoul(argv[10], NULL, 10) != 0;
	pour.sample = strtoull(argv[11], NULL, 10);
	pour.limit = strtoull(argv[12], NULL, 10);
	if (pour.limit == 0)
		pour.limit = UINT64_MAX;
	if (!cdf_pour_is_sound(&pour)) {
		fputs("pour: LENGTH, RATE, FLOWS, DF or SAMPLE is out of "
		      "range\n",
		      stderr);
		return 2;
	}
	error = cdf_pour_run(&pour, &poured, &operation);
	if (error < 0) {
		fprintf(stderr, "pour: %s %s: %s\n", operation, pour.device,
			strerror(-error));
		return 1;
	}
	printf("{\"sent\":%llu,\"refused\":%llu,\"seconds\":%.6f,"
	       "\"heldSeconds\":%.6f}\n",
	       (unsigned long long)poured.sent,
	       (unsigned long long)poured.refused,
	       (double)poured.elapsed / SECOND, (double)poured.held / SECOND);
	return 0;
}
