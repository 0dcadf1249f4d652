/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A raw ICMP socket whose IPv4 headers are our own. */
#ifndef CDF_RAW_H
#define CDF_RAW_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* An ICMP packet or a fragment of one. Addresses as they lie in memory. */
struct cdf_raw_piece {
	uint32_t source; /* 0: as the route says */
	uint32_t destination;
	uint16_t identification; /* not 0 */
	uint16_t fragment;	 /* flags and offset */
	const uint8_t *data;	 /* behind the IPv4 header */
	size_t length;
};

/**
 * Open it: needs CAP_NET_RAW. It hears echo replies and ICMP errors.
 *
 * Path MTUs that this host has cached are not heeded (IP_PMTUDISC_PROBE). What
 * exceeds the device's MTU is still refused: EMSGSIZE (raw_send_hdrinc()).
 *
 * IP_NODEFRAG is left off: connection tracking of this host has to see requests
 * whole, or its firewall takes the answers for strangers. What it put together
 * leaves in pieces of the size that they had (frag_max_size, ip_do_fragment()).
 * @param source the address to use, as it lies in memory; 0: as the route says
 * @param operation set to the step that failed
 * @return the descriptor, or -errno
 */
int cdf_raw_open(uint32_t source, const char **operation);

/**
 * Send it; the kernel fills in total length, header checksum and source.
 * @return 0 or -errno
 */
int cdf_raw_send(int fd, const struct cdf_raw_piece *piece);

/** The MTU that refuses it with EMSGSIZE; 0 when the kernel does not tell. */
uint32_t cdf_raw_refusing_mtu(int fd, const struct cdf_raw_piece *piece);

/**
 * Wait for an IPv4 packet, put together from its fragments by the kernel.
 * @param wait nanoseconds
 * @param fragment set to the bytes of its largest fragment, header included; 0
 *        when it came whole (IP_RECVFRAGSIZE)
 * @return its length, 0 when none came or a signal did, or -errno
 */
ssize_t cdf_raw_receive(int fd, uint64_t wait, uint8_t *into, size_t room,
			uint32_t *fragment);

#endif
