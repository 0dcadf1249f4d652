/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packet rules: packet in, action out. Pure: no I/O, no clock. */
#ifndef CDF_CLEAR_H
#define CDF_CLEAR_H

#include "identification.h"
#include "packet.h"

/**
 * Decide on one packet and edit it in place.
 *
 * Clears DF (RFC 791) where that is sound, gives the packet an identification
 * (RFC 6864), updates the header checksum (RFC 1624) and, because a payload
 * verdict makes the kernel forget checksum offload (nfqnl_mangle() sets
 * ip_summed to CHECKSUM_NONE), finishes a TCP or UDP checksum that was left to
 * the hardware. TOS, TTL, options and payload are never touched.
 *
 * Exactly one of the counters that sort packets is raised: cleared,
 * already_clear, ah_passed, not_ipv4, malformed, truncated, bad_checksum,
 * unfinished or requeued.
 */
enum cdf_action cdf_clear(struct cdf_identifier *identifier,
			  struct cdf_packet *packet,
			  struct cdf_counters *counters);

#endif
