/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets of any nesting with a checksum left to the hardware, and the rules
 * applied to them. */
#ifndef LAYOUTS_H
#define LAYOUTS_H

#include "packet/clear.h"
#include "packets.h"

static struct cdf_identifier *identifier;
static struct cdf_counters counters;
static uint8_t bytes[70000], before[70000];

struct layout {
	const char *name;
	size_t ip;	 /* offset of the IP header next to the transport */
	size_t datagram; /* offset of the transport */
	uint8_t protocol;
	size_t length; /* of the datagram */
};

/* GRE flags and ethertypes in front of an inner IPv4 or IPv6 header. */
static size_t put_gre(size_t at, unsigned int flags, unsigned int ethertype)
{
	put16(bytes + at, flags);
	put16(bytes + at + 2, ethertype);
	at += 4;
	for (unsigned int bit = 0x8000; bit; bit >>= 1) {
		if (!(flags & bit))
			continue;
		memset(bytes + at, 0x11, 4);
		at += 4;
	}
	return at;
}

static size_t put_ethernet(size_t at, unsigned int tags, unsigned int ethertype)
{
	memset(bytes + at, 0x22, 12);
	at += 12;
	for (unsigned int i = 0; i < tags; i++) {
		put16(bytes + at, i + 1 < tags ? 0x88a8 : 0x8100);
		put16(bytes + at + 2, 100 + i);
		at += 4;
	}
	put16(bytes + at, ethertype);
	return at + 2;
}

/* A packet of the wanted nesting with a partial checksum innermost. */
static struct layout build(const char *nesting, uint8_t protocol, size_t length,
			   unsigned int gre_flags)
{
	struct layout made = { nesting, 0, 20, protocol, length };
	int version = 4;
	size_t at = 20;

	if (strcmp(nesting, "plain") != 0) {
		version = strstr(nesting, "ipv6") ? 6 : 4;
		unsigned int inner = version == 6 ? 0x86dd : 0x0800;

		if (strstr(nesting, "ethernet")) {
			at = put_gre(20, gre_flags, 0x6558);
			at = put_ethernet(at,
					  strstr(nesting, "qinq")   ? 2
					  : strstr(nesting, "vlan") ? 1
								    : 0,
					  inner);
		} else {
			at = put_gre(20, gre_flags, inner);
		}
		made.ip = at;
		if (version == 6)
			put_ipv6(bytes + at, (unsigned int)length, protocol);
		else
			put_ipv4(bytes + at, (unsigned int)length + 20, 0, DF,
				 protocol);
		made.datagram = at + (version == 6 ? 40 : 20);
	}
	put_ipv4(bytes, (unsigned int)(made.datagram + length), 0x1111, DF,
		 made.ip ? 47 : protocol);
	put_partial(bytes + made.datagram, bytes + made.ip, protocol, length);
	return made;
}

static inline enum cdf_action apply(const struct layout *made, uint32_t flags,
				    enum cdf_place place, bool can_requeue)
{
	struct cdf_packet packet = {
		.data = bytes,
		.length = (uint32_t)(made->datagram + made->length),
		.original_length = (uint32_t)(made->datagram + made->length),
		.skb_flags = flags,
		.place = place,
		.can_requeue = can_requeue,
	};

	memset(&counters, 0, sizeof(counters));
	memcpy(before, bytes, packet.length);
	return cdf_clear(identifier, &packet, &counters);
}

static inline bool finished(const struct layout *made)
{
	return transport_good(bytes + made->datagram, bytes + made->ip,
			      made->protocol, made->length);
}

static inline bool outer_cleared(void)
{
	return plain_sum(bytes, 20, 0) == 0xffff &&
	       (get16(bytes + 6) & DF) == 0 && get16(bytes + 4) != 0;
}

static inline bool untouched(const struct layout *made)
{
	return memcmp(bytes, before, made->datagram + made->length) == 0;
}

#endif
