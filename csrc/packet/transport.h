/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding and finishing a TCP or UDP checksum that was left to the hardware
 * (CHECKSUM_PARTIAL): directly in IPv4, or inside GRE, with or without an
 * Ethernet header and up to two VLAN tags, over IPv4 or IPv6.
 */
#ifndef CDF_TRANSPORT_H
#define CDF_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The innermost TCP or UDP header of a packet. */
struct cdf_transport {
	size_t offset;	 /* of the header, from the outer network header */
	size_t length;	 /* bytes from there to the end of the datagram */
	size_t payload;	 /* bytes behind the TCP or UDP header */
	uint16_t pseudo; /* folded pseudo-header sum, memory byte order */
	uint8_t protocol;
	bool gre_checksum; /* it lies inside GRE that has one */
};

/**
 * Find the innermost TCP or UDP header of a whole IPv4 packet.
 * @param length bytes that may be touched
 * @return false when there is none, or a layer on the way is not understood,
 *         is a fragment or runs past length
 */
bool cdf_transport_find(const uint8_t *data, size_t length,
			struct cdf_transport *found);

/**
 * Whether the checksum field holds what the kernel leaves for hardware to
 * finish: the folded pseudo-header sum, not complemented (skbuff.h,
 * CHECKSUM_PARTIAL). Anything else must not be finished here.
 */
bool cdf_transport_is_partial(const uint8_t *data,
			      const struct cdf_transport *transport);

/**
 * Finish the checksum, as skb_checksum_help() does: sum the datagram over the
 * pseudo-header sum that the field already holds. A UDP result of 0 becomes
 * 0xffff (RFC 768). A GRE checksum outside stays right: the kernel computed it
 * for the finished datagram (lco_csum()).
 */
void cdf_transport_finish(uint8_t *data, const struct cdf_transport *transport);

#endif
