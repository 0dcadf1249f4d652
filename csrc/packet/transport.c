/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "transport.h"

#include <string.h>

#include "ipv4.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_QINQ 0x88a8
#define ETHERTYPE_BRIDGED 0x6558 /* Ethernet in GRE, RFC 1701 */

#define GRE_CHECKSUM 0x8000
#define GRE_KEY 0x2000
#define GRE_SEQUENCE 0x1000

#define IPV6_HEADER 40u
#define IPV6_HOP_BY_HOP 0
#define IPV6_ROUTING 43
#define IPV6_DESTINATION 60
#define IPV6_MAX_EXTENSIONS 8

/* A stretch of the packet that is still to be read. */
struct span {
	const uint8_t *data;
	size_t length;
};

static bool skip(struct span *span, size_t bytes)
{
	if (bytes > span->length)
		return false;
	span->data += bytes;
	span->length -= bytes;
	return true;
}

static bool read_ipv4(struct span *span, uint8_t *protocol, uint16_t *sum)
{
	struct cdf_ipv4 header;

	if (!cdf_ipv4_read(span->data, span->length, &header) ||
	    cdf_ipv4_is_fragment(&header) ||
	    header.total_length < header.header_length ||
	    header.total_length > span->length)
		return false;
	*protocol = header.protocol;
	*sum = cdf_sum(span->data + 12, 8, 0);
	span->length = header.total_length;
	return skip(span, header.header_length);
}

static bool read_ipv6(struct span *span, uint8_t *protocol, uint16_t *sum)
{
	size_t payload;

	if (span->length < IPV6_HEADER || span->data[0] >> 4 != 6)
		return false;
	payload = cdf_load16(span->data + 4);
	*protocol = span->data[6];
	*sum = cdf_sum(span->data + 8, 32, 0);
	if (payload > span->length - IPV6_HEADER)
		return false;
	span->length = IPV6_HEADER + payload;
	skip(span, IPV6_HEADER);
	for (int i = 0; i < IPV6_MAX_EXTENSIONS; i++) {
		if (*protocol != IPV6_HOP_BY_HOP && *protocol != IPV6_ROUTING &&
		    *protocol != IPV6_DESTINATION)
			return true;
		if (span->length < 8)
			return false;
		*protocol = span->data[0];
		if (!skip(span, (span->data[1] + 1u) * 8))
			return false;
	}
	return false;
}

static bool read_ethernet(struct span *span, uint16_t *ethertype)
{
	if (span->length < 14)
		return false;
	*ethertype = cdf_load16(span->data + 12);
	skip(span, 14);
	for (int tags = 0; tags < 2; tags++) {
		if (*ethertype != ETHERTYPE_VLAN &&
		    *ethertype != ETHERTYPE_QINQ)
			break;
		if (span->length < 4)
			return false;
		*ethertype = cdf_load16(span->data + 2);
		skip(span, 4);
	}
	return true;
}

static bool read_gre(struct span *span, uint16_t *ethertype)
{
	uint16_t flags;
	size_t header = 4;

	if (span->length < 4)
		return false;
	flags = cdf_load16(span->data);
	if (flags & ~(GRE_CHECKSUM | GRE_KEY | GRE_SEQUENCE))
		return false;
	*ethertype = cdf_load16(span->data + 2);
	header += (flags & GRE_CHECKSUM) ? 4 : 0;
	header += (flags & GRE_KEY) ? 4 : 0;
	header += (flags & GRE_SEQUENCE) ? 4 : 0;
	return skip(span, header);
}

static bool read_inner(struct span *span, uint8_t *protocol, uint16_t *sum)
{
	uint16_t ethertype;

	if (!read_gre(span, &ethertype))
		return false;
	if (ethertype == ETHERTYPE_BRIDGED && !read_ethernet(span, &ethertype))
		return false;
	if (ethertype == ETHERTYPE_IPV4)
		return read_ipv4(span, protocol, sum);
	if (ethertype == ETHERTYPE_IPV6)
		return read_ipv6(span, protocol, sum);
	return false;
}

bool cdf_transport_find(const uint8_t *data, size_t length,
			struct cdf_transport *found)
{
	struct span span = { data, length };
	uint8_t tail[4] = { 0 };
	uint8_t protocol;
	uint16_t sum;
	size_t header;

	if (!read_ipv4(&span, &protocol, &sum))
		return false;
	found->gre_checksum = protocol == CDF_PROTO_GRE && span.length > 0 &&
			      (span.data[0] & GRE_CHECKSUM >> 8) != 0;
	if (protocol == CDF_PROTO_GRE && !read_inner(&span, &protocol, &sum))
		return false;

	if (protocol == CDF_PROTO_TCP) {
		if (span.length < 20)
			return false;
		header = (span.data[12] >> 4) * 4u;
		if (header < 20 || header > span.length)
			return false;
	} else if (protocol == CDF_PROTO_UDP) {
		header = 8;
		if (span.length < header)
			return false;
		if (cdf_load16(span.data + 4) < header ||
		    cdf_load16(span.data + 4) > span.length)
			return false;
		span.length = cdf_load16(span.data + 4);
	} else {
		return false;
	}
	found->protocol = protocol;
	found->offset = (size_t)(span.data - data);
	found->length = span.length;
	found->payload = span.length - header;
	tail[1] = protocol;
	cdf_store16(tail + 2, (uint16_t)span.length);
	found->pseudo = cdf_sum(tail, 4, sum);
	return true;
}

static size_t check_offset(const struct cdf_transport *transport)
{
	return transport->offset +
	       (transport->protocol == CDF_PROTO_TCP ? 16 : 6);
}

bool cdf_transport_is_partial(const uint8_t *data,
			      const struct cdf_transport *transport)
{
	uint16_t held;

	memcpy(&held, data + check_offset(transport), 2);
	/* One's complement has two zeros; NAT may have left the other. */
	/* 0 is UDP without a checksum: the sum of addresses and protocol never
	 * folds to it. */
	return held != 0 && held % 0xffff == transport->pseudo % 0xffff;
}

void cdf_transport_finish(uint8_t *data, const struct cdf_transport *transport)
{
	uint16_t check = (uint16_t)~cdf_sum(data + transport->offset,
					    transport->length, 0);

	if (check == 0 && transport->protocol == CDF_PROTO_UDP)
		check = 0xffff;
	memcpy(data + check_offset(transport), &check, 2);
}
