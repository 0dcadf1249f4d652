/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the queue's rules (clear.c) and the program in the kernel
 * (fastpath/clear.bpf.c) have in common: the header's fields, its checksum, and
 * what becomes of an identification. Inline, and calls nothing.
 */
#ifndef CDF_IPV4_RULES_H
#define CDF_IPV4_RULES_H

#include <stdint.h>

#include "inline.h"

#define CDF_IPV4_MIN_HEADER 20u
#define CDF_IPV4_DF 0x4000u
#define CDF_IPV4_MF 0x2000u
#define CDF_IPV4_OFFSET 0x1fffu

#define CDF_PROTO_TCP 6
#define CDF_PROTO_UDP 17
#define CDF_PROTO_GRE 47
#define CDF_PROTO_AH 51

/** A one's complement sum folded to 16 bits (RFC 1071). */
CDF_INLINE uint16_t cdf_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/**
 * The header checksum after 16-bit words were replaced (RFC 1624, equation 3).
 * All in memory byte order.
 * @param before sum of at most two words as they were
 * @param after sum of the words in their place
 */
CDF_INLINE uint16_t cdf_checksum_after(uint16_t check, uint32_t before,
				       uint32_t after)
{
	uint16_t folded = cdf_fold(before);

	return (uint16_t)~cdf_fold((uint64_t)(uint16_t)~check +
				   (uint16_t)~folded + after);
}

enum cdf_identification_rule {
	CDF_KEEP_IDENTIFICATION,
	CDF_NEW_IDENTIFICATION,
	CDF_LEAVE_PACKET,
};

/**
 * What becomes of the identification of a packet whose DF is to be cleared.
 * Siblings of a fragment carry the same one. AH authenticates it, so that none
 * can be given, and without one the packet cannot be fragmented (RFC 4302).
 * @param fragment the word with flags and offset, host byte order
 * @param keep whether one that is not 0 stays
 */
CDF_INLINE enum cdf_identification_rule
cdf_identification_rule(uint16_t fragment, uint8_t protocol,
			uint16_t identification, int keep)
{
	if (fragment & (CDF_IPV4_MF | CDF_IPV4_OFFSET))
		return CDF_KEEP_IDENTIFICATION;
	if (protocol == CDF_PROTO_AH)
		return identification == 0 ? CDF_LEAVE_PACKET
					   : CDF_KEEP_IDENTIFICATION;
	return keep && identification != 0 ? CDF_KEEP_IDENTIFICATION
					   : CDF_NEW_IDENTIFICATION;
}

#endif
