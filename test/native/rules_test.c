/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The edges of the packet rules: what is one byte too short, one bit off, or in
 * another order. Every packet lies in a buffer of its own size, so that a read
 * behind it is noticed. */
#include <stdlib.h>

#include "packet/clear.h"
#include "packet/ipv4.h"

#include "packets.h"
#include "tap.h"

static struct cdf_identifier *identifier;
static struct cdf_counters counters;
static uint8_t packet[70000];

/* The rules on the first length bytes, which become what they leave. */
static enum cdf_action clear_in(enum cdf_place place, uint32_t *length,
				uint32_t original, uint32_t flags)
{
	uint8_t *data = malloc(*length ? *length : 1);
	struct cdf_packet given = { .data = data,
				    .length = *length,
				    .original_length = original,
				    .skb_flags = flags,
				    .place = place,
				    .can_requeue = true };
	enum cdf_action action;

	memcpy(data, packet, *length ? *length : 1);
	memset(&counters, 0, sizeof(counters));
	action = cdf_clear(identifier, &given, &counters);
	memcpy(packet, data, *length);
	*length = given.length;
	free(data);
	return action;
}

static enum cdf_action clear_of(uint32_t length, uint32_t original,
				uint32_t flags)
{
	return clear_in(CDF_LEAVES, &length, original, flags);
}

/* A sum over the header as it is now. */
static void seal(void)
{
	unsigned int header = (packet[0] & 15u) * 4;

	put16(packet + 10, 0);
	put16(packet + 10, ~plain_sum(packet, header, 0) & 0xffff);
}

/* Nothing but a header, of a protocol for experiments. */
static void bare(unsigned int words, unsigned int total, unsigned int fragment)
{
	memset(packet, 0, 200);
	put_ipv4(packet, total, 7, fragment, 253);
	packet[0] = (uint8_t)(0x40 | words);
	seal();
}

static bool passes_as(enum cdf_counter why, uint32_t length, uint32_t original,
		      uint32_t flags)
{
	return clear_of(length, original, flags) == CDF_PASS &&
	       counters.value[why] == 1 && counters.value[CDF_cleared] == 0 &&
	       counters.value[CDF_identifications] == 0;
}

static void headers(void)
{
	struct cdf_ipv4 header;
	uint8_t held[24];
	bool good = true;

	bare(5, 20, 0x2001 | DF);
	memcpy(held, packet, 20);
	ok(cdf_ipv4_read(held, 20, &header) && header.header_length == 20 &&
		   header.total_length == 20 && header.identification == 7 &&
		   header.fragment == (0x2001 | DF) && header.protocol == 253 &&
		   memcmp(&header.source, packet + 12, 4) == 0 &&
		   memcmp(&header.destination, packet + 16, 4) == 0,
	   "a header of 20 bytes is read, field by field");
	ok(!cdf_ipv4_read(held, 19, &header), "one of 19 is not");
	held[0] = 0x46;
	ok(!cdf_ipv4_read(held, 23, &header) &&
		   cdf_ipv4_read(held, 24, &header) &&
		   header.header_length == 24,
	   "options have to be held as well");
	held[0] = 0x44;
	ok(!cdf_ipv4_read(held, 24, &header), "nor one that claims 16");
	held[0] = 0x35;
	ok(!cdf_ipv4_read(held, 24, &header), "nor version 3");
	held[0] = 0x55;
	ok(!cdf_ipv4_read(held, 24, &header), "nor version 5");
	for (unsigned int bit = 0x8000; bit; bit >>= 1) {
		header.fragment = (uint16_t)bit;
		good = good && cdf_ipv4_is_fragment(&header) == (bit <= 0x2000);
	}
	ok(good, "a fragment is what has MF or an offset");
}

static void sums(void)
{
	uint8_t data[80], *held;
	bool same = true, good = true;

	for (unsigned int i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i % 3 ? 0xff : i * 37 + 1);
	for (size_t length = 0; length <= sizeof(data); length++) {
		uint16_t sum;
		uint8_t bytes[2];

		held = malloc(length ? length : 1);
		memcpy(held, data, length);
		sum = cdf_sum(held, length, 0);
		memcpy(bytes, &sum, 2);
		same = same && get16(bytes) == plain_sum(data, length, 0);
		/* A start in memory order: 0xfeff of it, byte by byte. */
		memcpy(&sum, "\xfe\xff", 2);
		sum = cdf_sum(held, length, sum);
		memcpy(bytes, &sum, 2);
		same = same && get16(bytes) == plain_sum(data, length, 0xfeff);
		free(held);
	}
	ok(same, "sums of 0 to 80 bytes, with a start and without");
	for (unsigned int at = 2; at < 20; at += 2) {
		for (unsigned int value = 0; value <= 0xffff; value += 0xff) {
			if (at == 10)
				continue;
			bare(5, 20, DF);
			cdf_ipv4_replace(packet, at, (uint16_t)value);
			good = good && get16(packet + at) == value &&
			       cdf_ipv4_checksum_good(packet, 20);
		}
	}
	ok(good, "a word is replaced, and the header's sum stays right");
	bare(6, 24, DF);
	ok(cdf_ipv4_checksum_good(packet, 24) &&
		   (packet[23] ^= 1, !cdf_ipv4_checksum_good(packet, 24)),
	   "options count in it");
}

static void refused(void)
{
	uint32_t length = 26;

	packet[0] = 0x60;
	ok(passes_as(CDF_malformed, 0, 0, 0), "nothing at all is malformed");
	ok(passes_as(CDF_not_ipv4, 1, 1, 0), "one byte is enough for IPv6");
	bare(5, 20, DF);
	ok(passes_as(CDF_malformed, 19, 19, 0), "a header cut short");
	ok(clear_of(20, 20, 0) == CDF_EDITED &&
		   counters.value[CDF_cleared] == 1,
	   "not one that is whole");
	bare(5, 19, DF);
	ok(passes_as(CDF_malformed, 20, 20, 0), "a length below the header's");
	bare(6, 23, DF);
	ok(passes_as(CDF_malformed, 24, 24, 0), "options included");
	bare(6, 24, DF);
	ok(clear_of(24, 24, 0) == CDF_EDITED, "not one that is equal to it");
	bare(5, 21, DF);
	ok(passes_as(CDF_malformed, 20, 20, 0), "a length beyond what is held");
	bare(5, 20, DF);
	ok(clear_in(CDF_LEAVES, &length, 26, 0) == CDF_EDITED && length == 20,
	   "padding behind the packet is not handed back");
	bare(5, 20, DF);
	ok(passes_as(CDF_truncated, 20, 21, 0), "a copy that is cut");
	bare(5, 20, 0);
	ok(passes_as(CDF_truncated, 20, 21, CDF_GSO),
	   "of a GSO packet, where DF is clear anyway");
	bare(5, 20, DF);
	ok(clear_of(20, 21, CDF_GSO) == CDF_REQUEUE &&
		   counters.value[CDF_requeued] == 1 &&
		   counters.value[CDF_truncated] == 0,
	   "else it is segmented");
	bare(5, 20, DF);
	packet[8]++;
	ok(passes_as(CDF_bad_checksum, 20, 20, 0), "a wrong checksum stays");
	bare(5, 20, 0x2000);
	ok(passes_as(CDF_already_clear, 20, 20, 0), "DF that is clear");
	bare(5, 20, DF);
	packet[9] = 51;
	put16(packet + 4, 0);
	seal();
	ok(passes_as(CDF_ah_passed, 20, 20, 0), "AH without identification");
}

static void cleared(void)
{
	bool good = true;

	bare(5, 20, DF);
	packet[9] = 51;
	seal();
	ok(clear_of(20, 20, 0) == CDF_EDITED && get16(packet + 4) == 7 &&
		   counters.value[CDF_identifications] == 0,
	   "AH keeps the identification that it has");
	for (unsigned int fragment = 0x2000; fragment; fragment >>= 1) {
		bare(5, 20, DF | fragment);
		good = good && clear_of(20, 20, 0) == CDF_EDITED &&
		       get16(packet + 4) == 7 &&
		       get16(packet + 6) == fragment &&
		       counters.value[CDF_fragments] == 1 &&
		       counters.value[CDF_identifications] == 0;
	}
	ok(good, "fragments keep it too, and their place");
	bare(5, 20, 0x8000 | DF);
	ok(clear_of(20, 20, 0) == CDF_EDITED && get16(packet + 6) == 0x8000 &&
		   counters.value[CDF_fragments] == 0 &&
		   counters.value[CDF_gso] == 0 &&
		   counters.value[CDF_identifications] == 1 &&
		   counters.value[CDF_checksum_finished] == 0 &&
		   plain_sum(packet, 20, 0) == 0xffff,
	   "a whole packet loses DF and nothing else");
}

/* A GSO packet of TCP that leaves. @return identifications that it takes */
static uint64_t run_of(unsigned int payload, uint32_t flags)
{
	uint32_t length = 40 + payload;

	memset(packet, 0, length);
	put_ipv4(packet, length, 7, DF, 6);
	packet[32] = 0x50;
	if (clear_in(CDF_LEAVES, &length, length, flags) != CDF_EDITED)
		return 0;
	return counters.value[CDF_gso] == (flags & CDF_GSO ? 1u : 0u)
		       ? counters.value[CDF_identifications]
		       : 0;
}

static void runs(void)
{
	ok(run_of(1400, 0) == 1, "one packet takes one identification");
	ok(run_of(0, CDF_GSO) == 2 && run_of(1, CDF_GSO) == 2 &&
		   run_of(2400, CDF_GSO) == 2,
	   "a GSO packet two at least");
	ok(run_of(2401, CDF_GSO) == 3 && run_of(3600, CDF_GSO) == 3 &&
		   run_of(65495, CDF_GSO) == 55,
	   "and one for every 1,200 bytes begun");
}

static void requeued(void)
{
	uint32_t length = 120;

	for (int place = CDF_LEAVES; place <= CDF_BRIDGE_MAY_STAY; place++) {
		bool bridge = place >= CDF_BRIDGE_LEAVES;
		enum cdf_action gso, plain;

		memset(packet, 0, 120);
		put_ipv4(packet, 120, 7, DF, 132);
		gso = clear_in((enum cdf_place)place, &length, 120, CDF_GSO);
		plain = clear_in((enum cdf_place)place, &length, 120,
				 CDF_CSUM_NOT_READY);
		ok(plain == CDF_REQUEUE &&
			   gso == (bridge ? CDF_PASS : CDF_REQUEUE),
		   "place %d: what the kernel has to finish", place);
	}
}

int main(void)
{
	identifier = cdf_identifier_new(CDF_IDENTIFICATION_RANDOM);
	headers();
	sums();
	refused();
	cleared();
	runs();
	requeued();
	cdf_identifier_free(identifier);
	return done();
}
