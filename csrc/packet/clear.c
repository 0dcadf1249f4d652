/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clear.h"

#include "ipv4.h"
#include "transport.h"

/*
 * The kernel numbers the segments of a GSO packet upwards from the
 * identification set here, but does not say how many there will be. A segment
 * is taken to carry at least this much: the segments of a 1,500-byte path carry
 * 1,448 or so. Smaller ones may share a number with a neighbour, which matters
 * only where a link cuts packets of less than 1,252 bytes.
 */
#define SEGMENT_PAYLOAD 1200u

#define AT_IDENTIFICATION 4u
#define AT_FRAGMENT 6u

static enum cdf_action pass(struct cdf_counters *counters, enum cdf_counter why)
{
	counters->value[why]++;
	return CDF_PASS;
}

static bool may_stay(const struct cdf_packet *packet)
{
	return packet->place == CDF_MAY_STAY ||
	       packet->place == CDF_BRIDGE_MAY_STAY;
}

static bool at_bridge(const struct cdf_packet *packet)
{
	return packet->place == CDF_BRIDGE_LEAVES ||
	       packet->place == CDF_BRIDGE_MAY_STAY;
}

/*
 * Hand the packet to the companion queue, where the kernel segments it and
 * completes every checksum. In the bridge family the segments would lose their
 * Ethernet header, so there a GSO packet is left as it is.
 */
static enum cdf_action requeue(const struct cdf_packet *packet,
			       struct cdf_counters *counters,
			       enum cdf_counter otherwise)
{
	bool gso = packet->skb_flags & CDF_GSO;

	if (!packet->can_requeue || (gso && at_bridge(packet)))
		return pass(counters, otherwise);
	counters->value[CDF_requeued]++;
	return CDF_REQUEUE;
}

/* What has to happen to the checksum of the transport inside. */
enum finish {
	FINISH_NOTHING, /* it is right, or segmentation will make it so */
	FINISH_HERE,
	FINISH_UNSAFE, /* only the kernel can */
};

static enum finish plan_finish(const struct cdf_ipv4 *header,
			       const struct cdf_packet *packet,
			       struct cdf_transport *transport)
{
	bool gso = packet->skb_flags & CDF_GSO;
	bool not_ready = packet->skb_flags & CDF_CSUM_NOT_READY;

	if (!gso && !not_ready)
		return FINISH_NOTHING;
	if (!cdf_transport_find(packet->data, packet->length, transport))
		return FINISH_UNSAFE;
	/* Merged from packets that all had identification 0, it would give all
	 * of its segments the one set here (SKB_GSO_TCP_FIXEDID, of which
	 * nothing is told); segment by segment each gets its own. */
	if (gso && header->identification == 0)
		return FINISH_UNSAFE;
	/* Only TCP's segmentation makes checksums anew from a mangled packet:
	 * tcp4_gso_segment() does, __udp_gso_segment() takes what it finds. */
	if (gso && transport->protocol != CDF_PROTO_TCP)
		return FINISH_UNSAFE;
	if (gso && !may_stay(packet))
		return FINISH_NOTHING;
	/* A GSO packet that may be delivered here is checked as one datagram,
	 * and one that is forwarded after all is summed anew. */
	if (!not_ready || !cdf_transport_is_partial(packet->data, transport))
		return FINISH_UNSAFE;
	/* The GRE checksum of a merged packet is that of its first part. */
	if (gso && transport->gre_checksum)
		return FINISH_UNSAFE;
	return FINISH_HERE;
}

/* How many identifications it takes: one for each segment to come. */
static unsigned int run_length(const struct cdf_packet *packet,
			       const struct cdf_transport *transport)
{
	size_t run;

	if (!(packet->skb_flags & CDF_GSO))
		return 1;
	run = (transport->payload + SEGMENT_PAYLOAD - 1) / SEGMENT_PAYLOAD;
	_Static_assert(UINT16_MAX < SEGMENT_PAYLOAD * CDF_RUN_MAX,
		       "no payload has more segments than the longest run");
	/* A GSO packet has two segments at least. */
	return run > 1 ? (unsigned int)run : 2;
}

static enum cdf_identification_rule
rule_of(const struct cdf_identifier *identifier, const struct cdf_ipv4 *header)
{
	return cdf_identification_rule(
		header->fragment, header->protocol, header->identification,
		cdf_identifier_policy(identifier) == CDF_IDENTIFICATION_KEEP);
}

static void identify(struct cdf_identifier *identifier,
		     const struct cdf_ipv4 *header, struct cdf_packet *packet,
		     unsigned int run, struct cdf_counters *counters)
{
	struct cdf_pair pair = { header->destination, header->protocol };

	if (rule_of(identifier, header) != CDF_NEW_IDENTIFICATION)
		return;
	cdf_ipv4_replace(packet->data, AT_IDENTIFICATION,
			 cdf_identifier_take(identifier, &pair, run));
	counters->value[CDF_identifications] += run;
}

static enum cdf_action clear(struct cdf_identifier *identifier,
			     const struct cdf_ipv4 *header,
			     struct cdf_packet *packet,
			     struct cdf_counters *counters)
{
	struct cdf_transport transport = { 0 };
	enum finish finish = plan_finish(header, packet, &transport);

	if (finish == FINISH_UNSAFE)
		return requeue(packet, counters, CDF_unfinished);
	if (finish == FINISH_HERE) {
		cdf_transport_finish(packet->data, &transport);
		counters->value[CDF_checksum_finished]++;
	}
	identify(identifier, header, packet, run_length(packet, &transport),
		 counters);
	cdf_ipv4_replace(packet->data, AT_FRAGMENT,
			 header->fragment & (uint16_t)~CDF_IPV4_DF);
	/* Padding behind the packet is not its own: it is not handed back. */
	packet->length = header->total_length;
	counters->value[CDF_cleared]++;
	counters->value[CDF_fragments] += cdf_ipv4_is_fragment(header);
	counters->value[CDF_gso] += (packet->skb_flags & CDF_GSO) != 0;
	return CDF_EDITED;
}

/* What is held of a header that cannot be read may be the beginning of a sound
 * one. */
static bool is_cut_in_header(const struct cdf_packet *packet)
{
	size_t header = CDF_IPV4_MIN_HEADER;

	if (packet->length > 0) {
		if (packet->data[0] >> 4 != 4)
			return false;
		header = (packet->data[0] & 0x0fu) * 4;
	}
	return header >= CDF_IPV4_MIN_HEADER &&
	       header <= packet->original_length;
}

enum cdf_action cdf_clear(struct cdf_identifier *identifier,
			  struct cdf_packet *packet,
			  struct cdf_counters *counters)
{
	struct cdf_ipv4 header;
	bool truncated = packet->length < packet->original_length;

	if (packet->length >= 1 && packet->data[0] >> 4 == 6)
		return pass(counters, CDF_not_ipv4);
	if (!cdf_ipv4_read(packet->data, packet->length, &header))
		return pass(counters, is_cut_in_header(packet) ? CDF_truncated
							       : CDF_malformed);
	/* A returned payload replaces the packet: a short one would cut it. The
	 * kernel copies less than the largest GSO packet. */
	if (truncated) {
		if ((packet->skb_flags & CDF_GSO) &&
		    (header.fragment & CDF_IPV4_DF))
			return requeue(packet, counters, CDF_truncated);
		return pass(counters, CDF_truncated);
	}
	if (header.total_length < header.header_length ||
	    header.total_length > packet->length)
		return pass(counters, CDF_malformed);
	if (!cdf_ipv4_checksum_good(packet->data, header.header_length))
		return pass(counters, CDF_bad_checksum);
	if (!(header.fragment & CDF_IPV4_DF))
		return pass(counters, CDF_already_clear);
	if (rule_of(identifier, &header) == CDF_LEAVE_PACKET)
		return pass(counters, CDF_ah_passed);
	return clear(identifier, &header, packet, counters);
}
