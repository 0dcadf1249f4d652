/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What comes back because of an echo request, and what only looks like it.
 * Every packet lies in memory of its own length, so that a byte too far shows. */
#include <stdlib.h>

#include "packets.h"
#include "probe/icmp.h"
#include "tap.h"

#define PAYLOAD 72u
#define ICMP (8u + PAYLOAD)

static uint8_t payload[PAYLOAD];
static struct cdf_icmp_request request = {
	.identifier = 0xbeef,
	.identification = 0x7001,
	.tries = 3,
	.payload = payload,
	.payload_length = PAYLOAD,
};

static void finish(uint8_t *icmp, size_t length)
{
	put16(icmp + 2, 0);
	put16(icmp + 2, ~plain_sum(icmp, length, 0) & 0xffff);
}

/* The request's packet as it was sent; its addresses are those of packets.h. */
static size_t put_request(uint8_t *at, uint16_t sequence)
{
	put_ipv4(at, 20 + ICMP, request.identification + sequence, DF, 1);
	return 20 + cdf_icmp_write(at + 20, &request, sequence);
}

static size_t put_answer(uint8_t *at, uint16_t sequence)
{
	size_t length = put_request(at, sequence);

	put_ipv4(at, (unsigned int)length, 9, 0, 1);
	at[20] = 0;
	finish(at + 20, ICMP);
	return length;
}

/* An ICMP error of type and code about the first quoted bytes of a packet. */
static size_t put_error(uint8_t *at, uint8_t type, uint8_t code,
			const uint8_t *quote, size_t quoted)
{
	put_ipv4(at, (unsigned int)(28 + quoted), 1, 0, 1);
	memset(at + 20, 0, 8);
	at[20] = type;
	at[21] = code;
	put16(at + 26, 1400);
	memcpy(at + 28, quote, quoted);
	finish(at + 20, 8 + quoted);
	return 28 + quoted;
}

static struct cdf_icmp read_packet(const uint8_t *packet, size_t length)
{
	uint8_t *exact = malloc(length + (length == 0));
	struct cdf_icmp message;

	memcpy(exact, packet, length);
	cdf_icmp_read(exact, length, &request, &message);
	free(exact);
	return message;
}

static bool foreign(const uint8_t *packet, size_t length)
{
	return read_packet(packet, length).kind == CDF_ICMP_FOREIGN;
}

static void written(void)
{
	uint8_t packet[20 + ICMP];

	put_request(packet, 2);
	ok(packet[20] == 8 && packet[21] == 0 && get16(packet + 24) == 0xbeef &&
		   get16(packet + 26) == 2 &&
		   memcmp(packet + 28, payload, PAYLOAD) == 0 &&
		   plain_sum(packet + 20, ICMP, 0) == 0xffff,
	   "a request has its numbers, its payload and a right checksum");
	ok(foreign(packet, sizeof(packet)), "our own request is no answer");
}

static void answers(void)
{
	uint8_t packet[20 + ICMP + 4] = { 0 };
	size_t length = put_answer(packet, 2);
	struct cdf_icmp message = read_packet(packet, length);
	bool all = true;

	ok(message.kind == CDF_ICMP_ANSWER && message.sequence == 2 &&
		   !message.dont_fragment && message.mtu == 0 &&
		   memcmp(&message.source, packet + 12, 4) == 0 &&
		   memcmp(&message.destination, packet + 16, 4) == 0,
	   "an answer is known by what was asked");
	ok(read_packet(packet, length + 4).kind == CDF_ICMP_ANSWER,
	   "padding behind it does no harm");
	for (size_t held = 0; held < length; held++)
		all = all && foreign(packet, held);
	ok(all, "it is no answer when it is cut anywhere");
	put_ipv4(packet, (unsigned int)length, 9, DF, 1);
	ok(read_packet(packet, length).dont_fragment, "its DF is told");
	put_ipv4(packet, (unsigned int)length, 9, MF, 1);
	ok(foreign(packet, length), "a fragment is no answer");
	put_ipv4(packet, (unsigned int)length, 9, 0, 17);
	ok(foreign(packet, length), "another protocol is none");
	put_ipv4(packet, 27, 9, 0, 1);
	ok(foreign(packet, length), "a length below the headers is none");
	put_ipv4(packet, (unsigned int)length - 1, 9, 0, 1);
	finish(packet + 20, ICMP - 1);
	ok(foreign(packet, length), "one without the last byte is none");
}

static void strangers(void)
{
	static const struct {
		size_t offset;
		const char *what;
	} fields[] = { { 21, "code" },
		       { 24, "identifier" },
		       { 26, "sequence number" },
		       { 28, "token" },
		       { 20 + ICMP - 1, "last byte" } };
	uint8_t packet[20 + ICMP];
	size_t length;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		length = put_answer(packet, 0);
		packet[fields[i].offset] ^= 0x41;
		ok(foreign(packet, length), "a wrong %s alone: bad checksum",
		   fields[i].what);
		finish(packet + 20, ICMP);
		ok(foreign(packet, length), "a wrong %s, summed up: foreign",
		   fields[i].what);
	}
	length = put_answer(packet, 3);
	ok(foreign(packet, length), "a sequence number that was never sent");
}

static void errors(void)
{
	uint8_t sent[20 + ICMP], packet[256];
	size_t whole = put_request(sent, 1), length;
	struct cdf_icmp message;
	bool all = true;

	memcpy(&request.destination, sent + 16, 4);
	/* RFC 792 quotes 8 bytes behind the header, RFC 1812 as many as fit. */
	for (size_t quoted = 0; quoted <= whole; quoted++) {
		length = put_error(packet, 3, 4, sent, quoted);
		message = read_packet(packet, length);
		all = all &&
		      (quoted < 28 ? message.kind == CDF_ICMP_FOREIGN
				   : message.kind == CDF_ICMP_FRAG_NEEDED &&
					     message.sequence == 1 &&
					     message.mtu == 1400);
	}
	ok(all, "frag needed is read from 28 quoted bytes on");
	all = true;
	for (size_t held = 0; held < length; held++)
		all = all && foreign(packet, held);
	ok(all, "an error that is cut anywhere is not read");
	packet[60] ^= 1;
	ok(foreign(packet, length), "nor one with a wrong checksum");

	length = put_error(packet, 3, 13, sent, 28);
	message = read_packet(packet, length);
	ok(message.kind == CDF_ICMP_UNREACHABLE && message.type == 3 &&
		   message.code == 13 && message.mtu == 0,
	   "prohibited is unreachable, and has no MTU");
	length = put_error(packet, 11, 0, sent, 28);
	ok(read_packet(packet, length).kind == CDF_ICMP_UNREACHABLE,
	   "so is time exceeded");
	length = put_error(packet, 5, 1, sent, whole);
	ok(foreign(packet, length), "a redirect is let be");
}

static void quotes_of_others(void)
{
	static const struct {
		size_t offset;
		const char *what;
	} fields[] = { { 0, "version" },
		       { 9, "protocol" },
		       { 19, "destination" },
		       { 20, "type" },
		       { 21, "code" },
		       { 25, "identifier" },
		       { 26, "sequence number" },
		       { 35, "token" } };
	uint8_t sent[20 + ICMP], packet[256];
	size_t whole, length;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		whole = put_request(sent, 1);
		sent[fields[i].offset] ^= 0x21;
		length = put_error(packet, 3, 4, sent, whole);
		ok(foreign(packet, length), "a quote with another %s",
		   fields[i].what);
	}
	put_request(sent, 1);
	sent[0] = 0x4f;
	length = put_error(packet, 3, 4, sent, 30);
	ok(foreign(packet, length), "a quoted header longer than the quote");
}

static void quoted_fragments(void)
{
	uint8_t sent[20 + ICMP], packet[256];
	struct cdf_icmp message;
	size_t length;

	put_request(sent, 2);
	put_ipv4(sent, 60, request.identification + 2, 5, 1);
	length = put_error(packet, 11, 1, sent, 20);
	message = read_packet(packet, length);
	ok(message.kind == CDF_ICMP_UNREACHABLE && message.sequence == 2,
	   "a later fragment is known by its identification");
	put_ipv4(sent, 60, request.identification - 1, 5, 1);
	length = put_error(packet, 11, 1, sent, 28);
	ok(foreign(packet, length), "one of another packet is not");
}

int main(void)
{
	for (size_t i = 0; i < PAYLOAD; i++)
		payload[i] = (uint8_t)(i * 37 + 11);
	written();
	answers();
	strangers();
	errors();
	quotes_of_others();
	quoted_fragments();
	return done();
}
