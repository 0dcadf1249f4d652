/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ESP in UDP (RFC 3948): the socket without which the kernel takes none, and
 * the keepalives that hold a NAT's way open. */
#ifndef CDF_ESPINUDP_H
#define CDF_ESPINUDP_H

#include <stdint.h>

/* Addresses as they lie in memory, ports in host byte order. */
struct cdf_espinudp_options {
	uint32_t local;
	uint32_t remote; /* gets the keepalives */
	uint16_t port;
	uint16_t remote_port;
	uint64_t keepalive; /* nanoseconds between two; 0: none are sent */
};

struct cdf_espinudp_counts {
	uint64_t keepalives; /* sent */
	uint64_t refused;    /* keepalives that the kernel did not send */
	uint64_t ike;	     /* packets with the non-ESP marker */
	uint64_t other;	     /* too short for ESP, and no keepalive */
	uint64_t dropped;    /* by the kernel: the buffer full, or a checksum
			      * wrong */
	int error;	     /* of the last keepalive: 0 or -errno */
	uint32_t from;	     /* who sent the last packet that was not ESP; 0:
			      * nobody has */
};

/* Belongs to one thread. */
struct cdf_espinudp {
	int fd; /* below 0: closed */
	struct cdf_espinudp_options options;
	struct cdf_espinudp_counts counts;
	uint64_t next; /* when the next keepalive is due */
};

/**
 * Open the socket: ESP in UDP to its port is decapsulated by the kernel from now
 * on (xfrm4_udp_encap_rcv()), whoever holds the associations. Needs no rights.
 * The port is not shared: EADDRINUSE while an IKE daemon has it.
 * @param operation set to the step that failed
 * @return 0 or -errno: ENOPROTOOPT without IPsec in the kernel, EADDRNOTAVAIL
 *         when the address is not this host's
 */
int cdf_espinudp_open(struct cdf_espinudp *espinudp,
		      const struct cdf_espinudp_options *options,
		      const char **operation);

/**
 * What has to be done now and then: send a keepalive when one is due (RFC 3948
 * §2.3, §4), and discard what reached the socket: packets with the non-ESP
 * marker (§2.2), which are for an IKE daemon, and odd ones. The other end's
 * keepalives never get here: the kernel eats them. Never waits; after a close it
 * does nothing.
 * @param now of cdf_clock_now()
 */
void cdf_espinudp_tend(struct cdf_espinudp *espinudp, uint64_t now);

/** Close the socket; the counts stay. Again is fine. */
void cdf_espinudp_close(struct cdf_espinudp *espinudp);

#endif
