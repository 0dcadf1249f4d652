/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GSO packets: which are cleared whole, which go to the companion, and which
 * are better left alone. */
#include "packet/clear.h"

#include "layouts.h"
#include "tap.h"

static void super_packets(void)
{
	const uint32_t both = CDF_CSUM_NOT_READY | CDF_GSO;
	struct layout made = build("plain", 6, 60000, 0);
	unsigned int field = get16(bytes + 36);

	ok(apply(&made, both, CDF_LEAVES, true) == CDF_EDITED &&
		   outer_cleared() && get16(bytes + 36) == field &&
		   counters.value[CDF_gso] == 1 &&
		   counters.value[CDF_checksum_finished] == 0,
	   "TCP that leaves: segmentation makes the checksums");
	/* 60,000 less the TCP header, in segments of 1,200 */
	ok(counters.value[CDF_identifications] == 50,
	   "it takes a run of identifications");

	made = build("plain", 6, 60000, 0);
	ok(apply(&made, both, CDF_MAY_STAY, true) == CDF_EDITED &&
		   finished(&made) && outer_cleared() &&
		   counters.value[CDF_checksum_finished] == 1,
	   "TCP that may stay is finished as one datagram");
	made = build("gre ethernet ipv6", 6, 60000, 0x2000);
	ok(apply(&made, both, CDF_MAY_STAY, true) == CDF_EDITED &&
		   finished(&made),
	   "... inside GRE as well");
	made = build("gre ethernet ipv4", 6, 60000, 0);
	ok(apply(&made, both, CDF_LEAVES, true) == CDF_EDITED &&
		   !finished(&made) && outer_cleared(),
	   "TCP inside GRE that leaves is left to segmentation");

	made = build("plain", 6, 60000, 0);
	ok(apply(&made, CDF_GSO, CDF_MAY_STAY, true) == CDF_REQUEUE,
	   "one that hardware has merged and checked is segmented first");

	made = build("plain", 6, 60000, 0);
	put_ipv4(bytes, 60020, 0, DF, 6);
	ok(apply(&made, both, CDF_LEAVES, true) == CDF_REQUEUE,
	   "one that may be numbered alike throughout is segmented first");
	made = build("gre ethernet ipv4", 6, 60000, 0x8000);
	ok(apply(&made, both, CDF_MAY_STAY, false) == CDF_PASS,
	   "a merged packet's GRE checksum cannot be mended");

	made = build("plain", 17, 60000, 0);
	ok(apply(&made, both, CDF_LEAVES, true) == CDF_REQUEUE &&
		   untouched(&made),
	   "UDP goes to the companion");
	ok(apply(&made, both, CDF_LEAVES, false) == CDF_PASS &&
		   untouched(&made) && counters.value[CDF_unfinished] == 1,
	   "... and passes where there is none");
	ok(apply(&made, both, CDF_BRIDGE_LEAVES, true) == CDF_PASS,
	   "... and passes in the bridge family, which would lose the header");
	made = build("gre ethernet ipv4", 17, 60000, 0);
	ok(apply(&made, both, CDF_LEAVES, true) == CDF_REQUEUE,
	   "UDP inside GRE goes to the companion");
	made = build("plain", 6, 60000, 0);
	ok(apply(&made, both, CDF_BRIDGE_LEAVES, true) == CDF_EDITED,
	   "TCP in the bridge family is cleared whole");
}

static void truncation(void)
{
	struct layout made = build("plain", 6, 1000, 0);
	struct cdf_packet packet = { .data = bytes,
				     .length = 1020,
				     .original_length = 1021,
				     .skb_flags = CDF_GSO,
				     .can_requeue = true };

	put_ipv4(bytes, 1021, 0, DF, 6);
	memcpy(before, bytes, 1020);
	memset(&counters, 0, sizeof(counters));
	ok(cdf_clear(identifier, &packet, &counters) == CDF_REQUEUE &&
		   untouched(&made),
	   "a GSO packet longer than the copy is segmented");
	packet.can_requeue = false;
	ok(cdf_clear(identifier, &packet, &counters) == CDF_PASS &&
		   untouched(&made) && counters.value[CDF_truncated] == 1,
	   "... or passes, never cut");
}

int main(void)
{
	identifier = cdf_identifier_new(CDF_IDENTIFICATION_RANDOM);
	super_packets();
	truncation();
	cdf_identifier_free(identifier);
	return done();
}
