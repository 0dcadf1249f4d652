/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a packet from the raw socket. The token is all zeros here, so
 * that the fuzzer can get past it.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "probe/icmp.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	static const uint8_t payload[16];
	const struct cdf_icmp_request request = {
		.destination = 0x0202020a, /* 10.2.2.2 */
		.identifier = 0,
		.identification = 1,
		.tries = 3,
		.payload = payload,
		.payload_length = sizeof(payload),
	};
	struct cdf_icmp message;
	uint8_t *packet;

	if (size > 65536)
		return 0;
	/* In memory of its own length, so that a read too far shows. */
	packet = malloc(size);
	if (size > 0)
		memcpy(packet, input, size);
	cdf_icmp_read(packet, size, &request, &message);
	free(packet);
	assert(message.sequence < request.tries ||
	       message.kind == CDF_ICMP_FOREIGN);
	assert(message.mtu == 0 || message.kind == CDF_ICMP_FRAG_NEEDED);
	assert(message.kind != CDF_ICMP_ANSWER || size >= 20 + 8 + 16);
	return 0;
}
