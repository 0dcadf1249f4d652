/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One question to the path: echo requests of one kind, and what came of each. */
#ifndef CDF_PROBE_H
#define CDF_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CDF_PROBE_TRIES_MAX 100u
/* IPv4 and ICMP header, and the token. */
#define CDF_PROBE_BYTES_MIN 36u
/* A fragment that carries 8 bytes. */
#define CDF_PROBE_FRAGMENT_MIN 28u

/* Addresses as they lie in memory; lengths with the IPv4 header. */
struct cdf_probe {
	uint32_t destination;
	uint32_t source;	 /* 0: as the route says */
	uint16_t bytes;		 /* of each request */
	uint16_t fragment_bytes; /* cut it into pieces of at most this many;
				  * 0: send it whole */
	bool dont_fragment;
	bool first;	   /* enough as soon as one is answered */
	uint16_t tries;	   /* at most CDF_PROBE_TRIES_MAX */
	uint64_t interval; /* nanoseconds to the next try while nothing came */
	uint64_t timeout;  /* nanoseconds to wait behind the last one */
};

enum cdf_probe_outcome {
	CDF_PROBE_PENDING, /* out, but no longer waited for */
	CDF_PROBE_LOST,	   /* nothing came in time */
	CDF_PROBE_ANSWERED,
	CDF_PROBE_FRAG_NEEDED,
	CDF_PROBE_UNREACHABLE,
	CDF_PROBE_REFUSED, /* this host did not send it */
	CDF_PROBE_OUTCOMES
};

/* What came of one try. Addresses as they lie in memory, 0 when unknown. */
struct cdf_probe_result {
	enum cdf_probe_outcome outcome;
	uint32_t from;	     /* who answered or complained */
	uint32_t source;     /* the address of this host that was used */
	uint32_t mtu;	     /* of frag needed the next hop's; of EMSGSIZE the
			      * device's; 0 when unknown */
	uint8_t type, code;  /* of the ICMP message */
	int error;	     /* of a refusal: -errno */
	uint64_t round_trip; /* nanoseconds */
	bool dont_fragment;  /* DF of the answer */
	uint32_t fragment;   /* bytes of the answer's largest fragment; 0: it
			      * came whole */
	uint64_t sent_at;    /* CLOCK_MONOTONIC, nanoseconds */
};

/**
 * Ask, and wait for what comes: needs CAP_NET_RAW. The next try goes out as soon
 * as the one before has its outcome. A frag needed or a refusal is final: no
 * more tries follow it, so that the rate limit of the router's ICMP lasts.
 *
 * Path MTUs that this host has cached are not heeded. The kernel still refuses
 * what exceeds the device's MTU: EMSGSIZE.
 * @param results room for tries of them
 * @param sent set to how many results there are
 * @param operation set to the step that failed
 * @return 0 or -errno
 */
int cdf_probe_run(const struct cdf_probe *probe,
		  struct cdf_probe_result *results, size_t *sent,
		  const char **operation);

#endif
