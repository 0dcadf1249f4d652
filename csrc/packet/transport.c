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
#define IPV6_MAX_EXTENSIONS 7

#define NOT_UNDERSTOOD -1

/* A stretch of the packet that is still to be read. */
struct span {
	const uint8_t *data;
	size_t length;
};

/* Take bytes off the front. @return where they are; NULL when fewer are left */
static const uint8_t *take(struct span *span, size_t bytes)
{
	const uint8_t *taken = span->data;

	if (bytes > span->length)
		return NULL;
	span->data += bytes;
	span->length -= bytes;
	return taken;
}

/* Leave off what follows so many bytes. @return false when fewer are left */
static bool cut(struct span *span, size_t bytes)
{
	if (bytes > span->length)
		return false;
	span->length = bytes;
	return true;
}

/*
 * Each of the readers below takes a header off the span, cuts the span to what
 * the header says is its own, and returns what that is: a protocol or an
 * EtherType, or NOT_UNDERSTOOD. Those of IP add the addresses' sum.
 */

static int read_ipv4(struct span *span, uint16_t *sum)
{
	const uint8_t *data = span->data;
	struct cdf_ipv4 header;

	if (!cdf_ipv4_read(data, span->length, &header) ||
	    cdf_ipv4_is_fragment(&header) || !cut(span, header.total_length) ||
	    take(span, header.header_length) == NULL)
		return NOT_UNDERSTOOD;
	*sum = cdf_sum(data + 12, 8, 0);
	return header.protocol;
}

static bool is_extension(int protocol)
{
	return protocol == IPV6_HOP_BY_HOP || protocol == IPV6_ROUTING ||
	       protocol == IPV6_DESTINATION;
}

static int read_ipv6(struct span *span, uint16_t *sum)
{
	const uint8_t *header = take(span, IPV6_HEADER);
	int protocol;

	if (header == NULL || header[0] >> 4 != 6 ||
	    !cut(span, cdf_load16(header + 4)))
		return NOT_UNDERSTOOD;
	*sum = cdf_sum(header + 8, 32, 0);
	protocol = header[6];
	for (int i = 0; i < IPV6_MAX_EXTENSIONS && is_extension(protocol);
	     i++) {
		header = take(span, 8);
		if (header == NULL || take(span, header[1] * 8u) == NULL)
			return NOT_UNDERSTOOD;
		protocol = header[0];
	}
	return protocol;
}

/* A header whose last two bytes are an EtherType. */
static int read_tag(struct span *span, size_t bytes)
{
	const uint8_t *header = take(span, bytes);

	return header == NULL ? NOT_UNDERSTOOD : cdf_load16(header + bytes - 2);
}

static int read_ethernet(struct span *span)
{
	int ethertype = read_tag(span, 14);

	for (int tags = 0; tags < 2; tags++) {
		if (ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_QINQ)
			ethertype = read_tag(span, 4);
	}
	return ethertype;
}

static int read_gre(struct span *span, bool *has_checksum)
{
	const uint8_t *header = take(span, 4);
	size_t options = 0;
	uint16_t flags;

	if (header == NULL)
		return NOT_UNDERSTOOD;
	flags = cdf_load16(header);
	if (flags & ~(GRE_CHECKSUM | GRE_KEY | GRE_SEQUENCE))
		return NOT_UNDERSTOOD;
	*has_checksum = flags & GRE_CHECKSUM;
	options += (flags & GRE_CHECKSUM) ? 4 : 0;
	options += (flags & GRE_KEY) ? 4 : 0;
	options += (flags & GRE_SEQUENCE) ? 4 : 0;
	if (take(span, options) == NULL)
		return NOT_UNDERSTOOD;
	return cdf_load16(header + 2);
}

static int read_inner(struct span *span, uint16_t *sum, bool *has_checksum)
{
	int ethertype = read_gre(span, has_checksum);

	if (ethertype == ETHERTYPE_BRIDGED)
		ethertype = read_ethernet(span);
	if (ethertype == ETHERTYPE_IPV4)
		return read_ipv4(span, sum);
	if (ethertype == ETHERTYPE_IPV6)
		return read_ipv6(span, sum);
	return NOT_UNDERSTOOD;
}

/* On top of the addresses' sum. */
static uint16_t pseudo_sum(uint16_t sum, uint8_t protocol, size_t length)
{
	const uint8_t tail[] = { 0, protocol, (uint8_t)(length >> 8),
				 (uint8_t)length };

	return cdf_sum(tail, sizeof(tail), sum);
}

bool cdf_transport_find(const uint8_t *data, size_t length,
			struct cdf_transport *found)
{
	struct span span = { data, length };
	size_t least, header;
	uint16_t sum;
	int protocol = read_ipv4(&span, &sum);

	found->gre_checksum = false;
	if (protocol == CDF_PROTO_GRE)
		protocol = read_inner(&span, &sum, &found->gre_checksum);
	if (protocol != CDF_PROTO_TCP && protocol != CDF_PROTO_UDP)
		return false;
	least = protocol == CDF_PROTO_TCP ? 20 : 8;
	if (span.length < least)
		return false;
	if (protocol == CDF_PROTO_UDP && !cut(&span, cdf_load16(span.data + 4)))
		return false;
	header = protocol == CDF_PROTO_TCP ? (span.data[12] >> 4) * 4u : least;
	found->protocol = (uint8_t)protocol;
	found->offset = (size_t)(span.data - data);
	found->length = span.length;
	found->pseudo = pseudo_sum(sum, found->protocol, span.length);
	if (header < least || take(&span, header) == NULL)
		return false;
	found->payload = span.length;
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
