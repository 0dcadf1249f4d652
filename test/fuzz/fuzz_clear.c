/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a packet, at any place, with any flags. Besides what the
 * sanitizers see: what is not edited stays as it was, and what is edited has
 * changed nothing but the identification, DF and the checksums.
 *
 * Input: flags, policy, bytes cut off, what to repair (4 bytes of head), then the
 * packet. Repairs get mutated packets past the length and checksum checks, which
 * chance alone hardly ever does.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "packet/clear.h"
#include "packet/ipv4.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static const enum cdf_counter sorts[] = {
	CDF_cleared,	  CDF_already_clear, CDF_ah_passed,
	CDF_not_ipv4,	  CDF_malformed,     CDF_truncated,
	CDF_bad_checksum, CDF_unfinished,    CDF_requeued,
};

static void check_edited(const uint8_t *before, const struct cdf_packet *packet,
			 const struct cdf_counters *counters)
{
	struct cdf_ipv4 old, new;
	size_t changed = 0;

	assert(cdf_ipv4_read(before, packet->length, &old));
	assert(cdf_ipv4_read(packet->data, packet->length, &new));
	assert(old.fragment & CDF_IPV4_DF);
	assert(new.fragment == (old.fragment & (uint16_t)~CDF_IPV4_DF));
	assert(cdf_ipv4_checksum_good(packet->data, new.header_length));
	if (cdf_ipv4_is_fragment(&old) || old.protocol == CDF_PROTO_AH)
		assert(new.identification == old.identification);
	else
		assert(new.identification != 0);
	for (size_t i = 0; i < packet->length; i++) {
		if (before[i] == packet->data[i] || (i >= 4 && i < 8) ||
		    i == 10 || i == 11)
			continue;
		assert(i >= new.header_length);
		changed++;
	}
	assert(changed <= 2 * counters->value[CDF_checksum_finished]);
}

static void repair(const struct cdf_packet *packet, uint8_t what)
{
	size_t header = packet->length ? (packet->data[0] & 0x0fu) * 4 : 0;
	uint16_t check;

	if (header < CDF_IPV4_MIN_HEADER || header > packet->length)
		return;
	if (what & 1)
		cdf_store16(packet->data + 2, (uint16_t)packet->length);
	if (what & 2) {
		cdf_store16(packet->data + 10, 0);
		check = (uint16_t)~cdf_sum(packet->data, header, 0);
		memcpy(packet->data + 10, &check, 2);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	static struct cdf_identifier *identifier;
	struct cdf_counters counters = { 0 };
	struct cdf_packet packet = { 0 };
	enum cdf_action action;
	uint64_t sorted = 0;
	uint8_t *before;

	if (identifier == NULL)
		identifier = cdf_identifier_new(CDF_IDENTIFICATION_RANDOM);
	if (size < 4)
		return 0;
	cdf_identifier_set_policy(identifier, input[1] % 3);
	packet.skb_flags = input[0] & 3;
	packet.place = input[0] >> 2 & 3;
	packet.can_requeue = input[0] >> 4 & 1;
	packet.length = (uint32_t)size - 4;
	packet.original_length = packet.length + input[2];
	/* Of its own, so that a byte past the end is seen. */
	packet.data = malloc(packet.length + (packet.length == 0));
	memcpy(packet.data, input + 4, packet.length);
	repair(&packet, input[3]);
	before = malloc(packet.length + (packet.length == 0));
	memcpy(before, packet.data, packet.length);

	action = cdf_clear(identifier, &packet, &counters);
	for (size_t i = 0; i < sizeof(sorts) / sizeof(*sorts); i++)
		sorted += counters.value[sorts[i]];
	assert(sorted == 1);
	if (action == CDF_EDITED)
		check_edited(before, &packet, &counters);
	else
		assert(memcmp(packet.data, before, packet.length) == 0);
	assert(action != CDF_REQUEUE || packet.can_requeue);
	free(before);
	free(packet.data);
	return 0;
}
