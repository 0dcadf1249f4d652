/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a datagram from the kernel, read and answered as the worker
 * does: verdicts are written over what was read, and never outside of it.
 */
#include <assert.h>
#include <libmnl/libmnl.h>
#include <stdlib.h>
#include <string.h>

#include "packet/clear.h"
#include "queue/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static void answer(const struct cdf_message *message, const char *datagram,
		   size_t room)
{
	size_t bytes;
	const char *start = cdf_message_write_edited(message, 0, &bytes);

	if (start == NULL)
		return;
	assert(start >= datagram && start + bytes <= datagram + room);
	assert(mnl_nlmsg_ok((const struct nlmsghdr *)start, (int)bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	static struct cdf_identifier *identifier;
	struct cdf_counters counters = { 0 };
	struct cdf_datagram rest;
	struct cdf_message message;
	/* The worker's buffers are longer than any datagram; the padding behind
	 * the last attribute is all that may be needed of that. */
	size_t room = (size + 3) / 4 * 4;
	char *datagram;

	if (identifier == NULL)
		identifier = cdf_identifier_new(CDF_IDENTIFICATION_RANDOM);
	if (size > 65536)
		return 0;
	datagram = calloc(1, room + 4);
	memcpy(datagram, input, size);
	rest = (struct cdf_datagram){ datagram, size };
	while (cdf_message_next(&rest, &message)) {
		if (message.kind != CDF_MESSAGE_PACKET)
			continue;
		assert(message.packet.original_length >= message.packet.length);
		message.packet.can_requeue = true;
		if (cdf_clear(identifier, &message.packet, &counters) ==
		    CDF_EDITED)
			answer(&message, datagram, room + 4);
	}
	free(datagram);
	return 0;
}
