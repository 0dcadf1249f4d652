/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A bounds-checked view of an IPv4 header, and its checksum. */
#ifndef CDF_IPV4_H
#define CDF_IPV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipv4_rules.h"

/* Header fields in host byte order; addresses as they lie in memory. */
struct cdf_ipv4 {
	uint32_t header_length; /* bytes, 20-60 */
	uint32_t total_length;	/* bytes */
	uint16_t identification;
	uint16_t fragment; /* flags and offset */
	uint8_t protocol;
	uint32_t source;
	uint32_t destination;
};

static inline uint16_t cdf_load16(const uint8_t *at)
{
	return (uint16_t)((at[0] << 8) | at[1]);
}

static inline void cdf_store16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/**
 * Read the header at data, of which held bytes may be touched (RFC 791).
 * @return false when version or IHL is wrong or the header is not all held;
 *         total_length is reported as it stands, for the caller to judge
 */
bool cdf_ipv4_read(const uint8_t *data, size_t held, struct cdf_ipv4 *header);

/** A fragment: more follow, or it is not the first. */
static inline bool cdf_ipv4_is_fragment(const struct cdf_ipv4 *header)
{
	return (header->fragment & (CDF_IPV4_MF | CDF_IPV4_OFFSET)) != 0;
}

/**
 * One's complement sum of length bytes, folded to 16 bits, on top of sum
 * (RFC 1071). The result is in memory byte order: store it with memcpy. An odd
 * last byte counts as if a zero followed it.
 */
uint16_t cdf_sum(const uint8_t *data, size_t length, uint16_t sum);

/** Whether the header's own checksum is right (RFC 791). */
bool cdf_ipv4_checksum_good(const uint8_t *data, size_t header_length);

/**
 * Replace the 16-bit word at offset (even, within the header) by value (host
 * order) and update the header checksum by RFC 1624, equation 3.
 */
void cdf_ipv4_replace(uint8_t *data, size_t offset, uint16_t value);

#endif
