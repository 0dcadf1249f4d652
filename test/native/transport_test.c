/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the transport inside a packet is found, and where it must not be: cut at
 * every byte, with lengths that lie, options, extension headers and tags. Every
 * packet lies in a buffer of its own size, so that a read behind it is noticed. */
#include <stdlib.h>

#include "packet/transport.h"

#include "layouts.h"
#include "tap.h"

static struct cdf_transport found;

static bool find(size_t length)
{
	uint8_t *held = malloc(length ? length : 1);
	bool is;

	memcpy(held, bytes, length);
	is = cdf_transport_find(held, length, &found);
	free(held);
	return is;
}

static bool found_at(size_t offset, size_t length, size_t payload)
{
	return found.offset == offset && found.length == length &&
	       found.payload == payload;
}

static bool pseudo_good(const struct layout *made)
{
	uint8_t sum[2];

	memcpy(sum, &found.pseudo, 2);
	return get16(sum) ==
	       pseudo_sum(bytes + made->ip, made->protocol, found.length);
}

/* The outer header's length and sum for a packet that ends here. */
static void end_at(size_t length)
{
	put16(bytes + 2, (unsigned int)length);
}

static void nestings(void)
{
	static const char *const names[] = {
		"plain",
		"gre ipv4",
		"gre ipv6",
		"gre ethernet ipv4",
		"gre ethernet vlan ipv4",
		"gre ethernet qinq ipv6",
	};

	for (size_t n = 0; n < sizeof(names) / sizeof(*names); n++) {
		for (uint8_t protocol = 6; protocol <= 17; protocol += 11) {
			size_t headers = protocol == 6 ? 20 : 8;
			struct layout made =
				build(names[n], protocol, 64, n ? 0x2000 : 0);
			size_t whole = made.datagram + 64;
			/* Only plain TCP has no second length that tells. */
			size_t least = n == 0 && protocol == 6 ? 40 : whole;
			bool good = find(whole) &&
				    found_at(made.datagram, 64, 64 - headers) &&
				    found.protocol == protocol &&
				    !found.gre_checksum && pseudo_good(&made);

			for (size_t cut = 0; cut < whole; cut++) {
				end_at(cut);
				good = good && find(cut) == (cut >= least);
			}
			ok(good, "%s, protocol %u: whole, and cut anywhere",
			   names[n], protocol);
		}
	}
}

static void tcp_headers(void)
{
	bool good = true;

	build("plain", 6, 60, 0);
	for (unsigned int words = 0; words < 16; words++) {
		size_t header = words * 4;

		bytes[32] = (uint8_t)(words << 4 | 15);
		good = good && find(80) == (words >= 5) &&
		       (words < 5 || found.payload == 60 - header);
		end_at(20 + header);
		good = good &&
		       (words < 5 || (find(20 + header) && found.payload == 0));
		end_at(20 + header - 1);
		good = good && (words < 6 || !find(20 + header - 1));
		end_at(80);
	}
	ok(good, "TCP's header is 20 to 60 bytes, all held");
}

static void udp_lengths(void)
{
	build("plain", 17, 60, 0);
	put16(bytes + 24, 7);
	ok(!find(80), "UDP's length is 8 at least");
	put16(bytes + 24, 8);
	ok(find(80) && found_at(20, 8, 0), "8 is enough");
	put16(bytes + 24, 60);
	ok(find(80) && found_at(20, 60, 52), "it may be all there is");
	put16(bytes + 24, 61);
	ok(!find(80), "and no more");
	build("plain", 17, 8, 0);
	ok(find(28) && found_at(20, 8, 0), "a datagram may be empty");
}

static void inner_ipv4(void)
{
	struct layout made = build("gre ipv4", 17, 40, 0);
	uint8_t *inner = bytes + made.ip;
	size_t whole = made.datagram + 40;

	inner[7] = 1;
	ok(!find(whole), "an inner fragment has no transport to finish");
	inner[7] = 0;
	inner[6] |= 0x20;
	ok(!find(whole), "nor its first one");
	inner[6] = 0;
	put16(inner + 2, 19);
	ok(!find(whole), "an inner length below its header's");
	put16(inner + 2, 61);
	ok(!find(whole), "or beyond what is there");
	put16(inner + 2, 60);
	/* What follows the inner packet is not its own. */
	end_at(whole + 10);
	ok(find(whole + 10) && found_at(made.datagram, 40, 32),
	   "padding behind the inner packet does not count");
	bytes[9] = 1;
	ok(!find(whole + 10), "ICMP is no transport with such a sum");
}

/* Extension headers of the kind given, each of 8 bytes, in front of UDP. */
static size_t put_extensions(unsigned int count, uint8_t kind, uint8_t longer)
{
	struct layout made = build("gre ipv6", 17, 40, 0);
	size_t at = made.datagram, each = (longer + 1u) * 8;
	uint8_t datagram[40];

	memcpy(datagram, bytes + at, 40);
	bytes[made.ip + 6] = count ? kind : 17;
	for (unsigned int i = 0; i < count; i++, at += each) {
		memset(bytes + at, 0, each);
		bytes[at] = i + 1 < count ? kind : 17;
		bytes[at + 1] = longer;
	}
	memcpy(bytes + at, datagram, 40);
	put16(bytes + made.ip + 4, (unsigned int)(at + 40 - made.ip - 40));
	end_at(at + 40);
	return at;
}

static void extensions(void)
{
	static const uint8_t kinds[] = { 0, 43, 60 };
	bool good = true;
	size_t at;

	for (size_t k = 0; k < sizeof(kinds); k++) {
		for (unsigned int count = 0; count <= 9; count++) {
			at = put_extensions(count, kinds[k], 0);
			good = good && find(at + 40) == (count < 8) &&
			       (count >= 8 || found_at(at, 40, 32));
		}
		at = put_extensions(2, kinds[k], 3);
		good = good && find(at + 40) && found_at(at, 40, 32);
	}
	ok(good, "up to seven IPv6 extension headers, of any length");
	at = put_extensions(1, 44, 0);
	ok(!find(at + 40), "an IPv6 fragment is not understood");
	at = put_extensions(1, 60, 0);
	bytes[at - 7] = 6;
	/* Taken for UDP itself, it would be found. */
	put16(bytes + at - 4, 20);
	ok(!find(at + 40), "an extension header longer than the packet");
	put16(bytes + at - 44, 7);
	ok(!find(at + 40), "nor one of which less than 8 bytes are there");
	bytes[at - 48] = 0x50;
	ok(!find(at + 40), "nor version 5");
}

static void gre(void)
{
	struct layout made;
	bool good = true;

	for (unsigned int bit = 0x8000; bit; bit >>= 1) {
		bool known = bit == 0x8000 || bit == 0x2000 || bit == 0x1000;

		made = build("gre ipv4", 6, 40, bit);
		good = good && find(made.datagram + 40) == known &&
		       (!known || (found.gre_checksum == (bit == 0x8000) &&
				   found.offset == made.datagram));
	}
	ok(good, "GRE's checksum, key and sequence number, nothing else");
	made = build("gre ipv4", 6, 40, 0);
	put16(bytes + 22, 0x0806);
	ok(!find(made.datagram + 40), "no other protocol inside it");
	made = build("plain", 6, 60, 0);
	bytes[20] = 0x80;
	ok(find(80) && !found.gre_checksum, "a port is no flag of GRE");
}

static void tags(void)
{
	struct layout made = build("gre ethernet qinq ipv4", 6, 40, 0);
	size_t whole = made.datagram + 40;

	/* A third in front of the others, as a provider's. */
	memmove(bytes + 40, bytes + 36, whole - 36);
	put16(bytes + 40, 0x88a8);
	end_at(whole + 4);
	ok(!find(whole + 4), "two VLAN tags, not three");
	made = build("gre ethernet qinq ipv4", 6, 40, 0);
	put16(bytes + made.ip - 6, 0x88a8);
	ok(find(made.datagram + 40), "both may be a provider's");
	put16(bytes + made.ip - 2, 0x86dd);
	ok(!find(made.datagram + 40), "what is said to be IPv6 is read so");
}

/* Addresses for which the pseudo-header's sum is 0xffff, as UDP. */
static struct layout all_ones(void)
{
	struct layout made = build("plain", 17, 40, 0);

	put16(bytes + 18, 0);
	put16(bytes + 18, 0xffff - pseudo_sum(bytes, 17, 40));
	find(60);
	return made;
}

static void partial(void)
{
	struct layout made = build("plain", 6, 40, 0);

	find(60);
	ok(cdf_transport_is_partial(bytes, &found), "TCP's field is a sum");
	bytes[37] ^= 1;
	ok(!cdf_transport_is_partial(bytes, &found), "or is not");
	made = all_ones();
	put16(bytes + 26, 0xffff);
	ok(pseudo_good(&made) && cdf_transport_is_partial(bytes, &found),
	   "a sum of 0xffff");
	put16(bytes + 26, 0);
	ok(!cdf_transport_is_partial(bytes, &found),
	   "0 is UDP without a checksum");
}

static void zero(void)
{
	struct layout made = build("plain", 6, 40, 0);
	unsigned int rest;

	/* The last two bytes such that the sum comes out as 0xffff. */
	put16(bytes + 58, 0);
	rest = plain_sum(bytes + 20, 40, 0);
	put16(bytes + 58, 0xffff - rest);
	find(60);
	cdf_transport_finish(bytes, &found);
	ok(get16(bytes + 36) == 0 && made.protocol == 6,
	   "a TCP checksum of zero is sent as it is");
}

int main(void)
{
	nestings();
	tcp_headers();
	udp_lengths();
	inner_ipv4();
	extensions();
	gre();
	tags();
	partial();
	zero();
	(void)identifier;
	return done();
}
