/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMP echo requests, and what comes back because of them. Pure: no I/O. */
#ifndef CDF_ICMP_H
#define CDF_ICMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CDF_PROTO_ICMP 1
#define CDF_ICMP_HEADER 8u
/* Bytes at the start of the payload that nobody else can guess. */
#define CDF_ICMP_TOKEN 8u

/* The requests that are out, to know by what answers them. */
struct cdf_icmp_request {
	uint32_t destination;	 /* as it lies in memory */
	uint16_t identifier;	 /* of all of them */
	uint16_t identification; /* of the first one's IPv4 header; others
				  * count up from it */
	uint16_t tries;		 /* their sequence numbers are below this */
	const uint8_t *payload;	 /* behind the ICMP header */
	size_t payload_length;	 /* at least CDF_ICMP_TOKEN */
};

enum cdf_icmp_kind {
	CDF_ICMP_FOREIGN, /* not about these requests, or not readable */
	CDF_ICMP_ANSWER,
	CDF_ICMP_FRAG_NEEDED,
	CDF_ICMP_UNREACHABLE, /* destination unreachable for another reason,
			       * time exceeded or parameter problem */
};

/* Addresses as they lie in memory. */
struct cdf_icmp {
	enum cdf_icmp_kind kind;
	uint16_t sequence;    /* of the request that it is about */
	uint8_t type, code;   /* RFC 792 */
	uint16_t mtu;	      /* of frag needed: next hop's, 0 when unknown */
	uint32_t source;      /* who says so */
	uint32_t destination; /* the address of this host */
	bool dont_fragment;   /* DF of what came back */
};

/**
 * Write an echo request, checksum included (RFC 792).
 * @param into CDF_ICMP_HEADER + payload_length bytes
 * @return its length
 */
size_t cdf_icmp_write(uint8_t *into, const struct cdf_icmp_request *request,
		      uint16_t sequence);

/**
 * Read an IPv4 packet of length bytes. An answer has to carry the request's
 * payload whole; an error has to quote a request: its destination, identifier,
 * sequence number and, as far as it is quoted, the token. Of a fragment that is
 * not the first there is only the IPv4 identification (RFC 792, RFC 1191).
 */
void cdf_icmp_read(const uint8_t *data, size_t length,
		   const struct cdf_icmp_request *request,
		   struct cdf_icmp *message);

#endif
