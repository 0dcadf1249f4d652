/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules that a capture cannot show: skb flags, hooks, the companion. The
 * others are held against scapy and tshark in test/oracle. */
#include "packet/clear.h"

#include "layouts.h"
#include "tap.h"

static void unfinished_checksums(void)
{
	static const char *const nestings[] = {
		"plain",
		"gre ipv4",
		"gre ipv6",
		"gre ethernet ipv4",
		"gre ethernet vlan ipv4",
		"gre ethernet qinq ipv4",
		"gre ethernet ipv6",
		"gre ethernet vlan ipv6",
		"gre ethernet qinq ipv6",
	};
	/* none, C, K, S and all */
	static const unsigned int flags[] = { 0, 0x8000, 0x2000, 0x1000,
					      0xb000 };

	for (size_t n = 0; n < sizeof(nestings) / sizeof(*nestings); n++) {
		for (size_t f = 0; f < (n ? 5u : 1u); f++) {
			for (uint8_t protocol = 6; protocol <= 17;
			     protocol += 11) {
				/* even, odd, header only */
				bool good = true;

				for (size_t length = 20; length < 1400;
				     length += 333) {
					struct layout made =
						build(nestings[n], protocol,
						      length, flags[f]);

					good &= apply(&made, CDF_CSUM_NOT_READY,
						      CDF_LEAVES,
						      false) == CDF_EDITED &&
						finished(&made) &&
						outer_cleared() &&
						counters.value[CDF_checksum_finished] ==
							1;
				}
				ok(good, "finished: %s, protocol %u, GRE %04x",
				   nestings[n], protocol, flags[f]);
			}
		}
	}
}

static void udp_zero(void)
{
	struct layout made = build("plain", 17, 10, 0);
	unsigned int rest;

	/* Choose the last two bytes so that the sum comes out as 0xffff. */
	put16(bytes + 28, 0);
	rest = plain_sum(bytes + 20, 10, 0);
	put16(bytes + 28, 0xffff - rest);
	apply(&made, CDF_CSUM_NOT_READY, CDF_LEAVES, false);
	ok(get16(bytes + 26) == 0xffff,
	   "a UDP checksum of zero is sent as 0xffff (RFC 768)");
}

static void what_cannot_be_finished(void)
{
	struct layout made = build("plain", 17, 100, 0);

	put16(bytes + 26, get16(bytes + 26) ^ 0x0100);
	ok(apply(&made, CDF_CSUM_NOT_READY, CDF_LEAVES, false) == CDF_PASS &&
		   untouched(&made) && counters.value[CDF_unfinished] == 1,
	   "a field that is no pseudo-header sum is left alone");
	ok(apply(&made, CDF_CSUM_NOT_READY, CDF_LEAVES, true) == CDF_REQUEUE &&
		   untouched(&made) && counters.value[CDF_requeued] == 1,
	   "... or goes to the companion, where the kernel finishes it");

	made = build("plain", 17, 100, 0);
	put16(bytes + 26, 0);
	ok(apply(&made, CDF_CSUM_NOT_READY, CDF_LEAVES, false) == CDF_PASS,
	   "nor is UDP without a checksum, whose inner one is unfinished");

	made = build("plain", 132, 100, 0);
	ok(apply(&made, CDF_CSUM_NOT_READY, CDF_LEAVES, true) == CDF_REQUEUE,
	   "SCTP goes to the companion");
	made = build("gre ipv4", 6, 100, 0x4000);
	ok(apply(&made, CDF_CSUM_NOT_READY, CDF_LEAVES, true) == CDF_REQUEUE,
	   "GRE with source routing is not understood");
	made = build("plain", 6, 100, 0);
	put_ipv4(bytes, 120, 7, DF | MF, 6);
	ok(apply(&made, CDF_CSUM_NOT_READY, CDF_LEAVES, false) == CDF_PASS,
	   "a fragment has no checksum to finish");
	made = build("plain", 6, 100, 0);
	put_ipv4(bytes, 120, 7, DF, 51);
	ok(apply(&made, CDF_CSUM_NOT_READY, CDF_LEAVES, false) == CDF_PASS,
	   "nor has what AH authenticates");
}

static void policies(void)
{
	struct layout made;
	unsigned int first;

	cdf_identifier_set_policy(identifier, CDF_IDENTIFICATION_KEEP);
	made = build("plain", 17, 100, 0);
	put_ipv4(bytes, 120, 0x1234, DF, 17);
	apply(&made, 0, CDF_LEAVES, false);
	ok(get16(bytes + 4) == 0x1234 && outer_cleared(),
	   "keep keeps an identification");
	put_ipv4(bytes, 120, 0, DF, 17);
	apply(&made, 0, CDF_LEAVES, false);
	ok(outer_cleared(), "... and sets one where there is none");
	cdf_identifier_set_policy(identifier, CDF_IDENTIFICATION_SEQUENTIAL);
	put_ipv4(bytes, 120, 9, DF, 17);
	apply(&made, 0, CDF_LEAVES, false);
	first = get16(bytes + 4);
	put_ipv4(bytes, 120, 9, DF, 17);
	apply(&made, 0, CDF_LEAVES, false);
	ok(get16(bytes + 4) == (first == 0xffff ? 1 : first + 1),
	   "sequential counts");
	cdf_identifier_set_policy(identifier, CDF_IDENTIFICATION_RANDOM);
}

/* How a packet is sorted that begins with this byte, and of which so many bytes of
 * the whole are held. */
static enum cdf_counter sort_of(uint8_t first, uint32_t held, uint32_t whole)
{
	struct cdf_packet packet = { .data = bytes,
				     .length = held,
				     .original_length = whole };
	struct cdf_counters sorted = { 0 };
	unsigned int sort = 0;

	build("plain", 17, 100, 0);
	bytes[0] = first;
	cdf_clear(identifier, &packet, &sorted);
	while (sorted.value[sort] == 0)
		sort++;
	return (enum cdf_counter)sort;
}

static void cut_in_header(void)
{
	ok(sort_of(0x46, 23, 120) == CDF_truncated &&
		   sort_of(0x46, 24, 120) == CDF_truncated &&
		   sort_of(0x45, 1, 20) == CDF_truncated &&
		   sort_of(0x45, 0, 20) == CDF_truncated &&
		   sort_of(0x55, 0, 20) == CDF_truncated,
	   "a header of which the end was not captured is truncated");
	ok(sort_of(0x46, 23, 23) == CDF_malformed &&
		   sort_of(0x45, 19, 19) == CDF_malformed &&
		   sort_of(0x45, 0, 19) == CDF_malformed &&
		   sort_of(0x44, 23, 120) == CDF_malformed &&
		   sort_of(0x55, 1, 120) == CDF_malformed,
	   "one that no sound packet has is malformed");
}

/* Source NAT gives the packets of many senders one source: on the wire they have
 * one destination and one protocol in common, and nothing else tells them apart. */
static void senders_behind_nat(void)
{
	static bool seen[65536];
	const unsigned int senders = 5, promise = 30000;
	unsigned int repeated = 0;

	for (unsigned int i = 0; i < promise; i++) {
		struct layout made = build("plain", 17, 20, 0);
		unsigned int sum;

		bytes[15] = (uint8_t)(1 + i % senders);
		put16(bytes + 10, 0);
		sum = plain_sum(bytes, 20, 0);
		put16(bytes + 10, ~sum & 0xffff);
		if (apply(&made, 0, CDF_MAY_STAY, false) != CDF_EDITED)
			repeated = promise;
		repeated += seen[get16(bytes + 4)];
		seen[get16(bytes + 4)] = true;
	}
	ok(repeated == 0,
	   "%u datagrams of %u senders to one destination: %u repeated",
	   promise, senders, repeated);
}

int main(void)
{
	identifier = cdf_identifier_new(CDF_IDENTIFICATION_RANDOM);
	unfinished_checksums();
	udp_zero();
	what_cannot_be_finished();
	policies();
	cut_in_header();
	senders_behind_nat();
	cdf_identifier_free(identifier);
	return done();
}
