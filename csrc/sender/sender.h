/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sender of the benches: UDP datagrams, written to a link as whole frames. */
#ifndef CDF_SENDER_H
#define CDF_SENDER_H

#include <linux/if_ether.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Addresses as they lie in memory. */
struct cdf_sender {
	const char *device;
	/* Of the router's device; another one's frames it drops as they come. */
	uint8_t mac[ETH_ALEN];
	uint32_t source; /* the first of `flows` that take turns */
	uint32_t destination;
	size_t length;	   /* bytes of each, IP header included */
	uint64_t duration; /* nanoseconds */
	uint64_t rate;	   /* packets per second; 0: as many as go */
	uint32_t flows;
	uint32_t df;	 /* percent that have DF set, evenly spread */
	bool apart;	 /* those without DF have sources of their own */
	uint64_t sample; /* one of so many is marked for `receiver` */
	uint64_t limit;	 /* the end comes after so many, too */
};

struct cdf_sender_result {
	uint64_t sent;
	uint64_t refused; /* the link dropped them, and said so */
	uint64_t elapsed; /* nanoseconds */
	/* Nanoseconds that it was kept from its processor and did not catch up. */
	uint64_t held;
};

/** Whether length, flows, share, sample and rate are within what can be sent. */
bool cdf_sender_is_valid(const struct cdf_sender *request);

/**
 * Send: needs CAP_NET_RAW. Checksums are complete, as they are in a packet that
 * came in by a wire; a packet with DF has the identification 0 (RFC 6864).
 * @param operation set to the step that failed
 * @return 0 or -errno
 */
int cdf_sender_run(const struct cdf_sender *request,
		   struct cdf_sender_result *result, const char **operation);

#endif
