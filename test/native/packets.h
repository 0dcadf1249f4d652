/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets for the tests, built field by field; checksums by a plain loop that
 * shares nothing with csrc/. */
#ifndef PACKETS_H
#define PACKETS_H

#include <stdint.h>
#include <string.h>

#define DF 0x4000
#define MF 0x2000

static inline void put16(uint8_t *at, unsigned int value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline unsigned int get16(const uint8_t *at)
{
	return at[0] * 256u + at[1];
}

/* Big-endian words, one at a time, carry folded at once (RFC 791, 1071). */
static inline unsigned int plain_sum(const uint8_t *data, size_t length,
				     unsigned int sum)
{
	for (size_t i = 0; i < length; i++) {
		sum += i % 2 ? data[i] : data[i] * 256u;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

/* An IPv4 header of 20 bytes at data. */
static inline void put_ipv4(uint8_t *data, unsigned int total,
			    unsigned int identification, unsigned int fragment,
			    uint8_t protocol)
{
	static const uint8_t addresses[8] = { 10, 1, 0, 2, 10, 2, 0, 2 };

	memset(data, 0, 20);
	data[0] = 0x45;
	put16(data + 2, total);
	put16(data + 4, identification);
	put16(data + 6, fragment);
	data[8] = 64;
	data[9] = protocol;
	memcpy(data + 12, addresses, 8);
	put16(data + 10, ~plain_sum(data, 20, 0) & 0xffff);
}

/* An IPv6 header of 40 bytes at data. */
static inline void put_ipv6(uint8_t *data, unsigned int payload, uint8_t next)
{
	memset(data, 0, 40);
	data[0] = 0x60;
	put16(data + 4, payload);
	data[6] = next;
	data[7] = 64;
	for (int i = 8; i < 40; i++)
		data[i] = (uint8_t)(i * 7);
}

/* The pseudo-header's sum of the IP header at ip for a datagram of length. */
static inline unsigned int pseudo_sum(const uint8_t *ip, uint8_t protocol,
				      size_t length)
{
	unsigned int sum = ip[0] >> 4 == 6 ? plain_sum(ip + 8, 32, 0)
					   : plain_sum(ip + 12, 8, 0);
	uint8_t tail[4] = { 0, protocol };

	put16(tail + 2, (unsigned int)length);
	return plain_sum(tail, 4, sum);
}

/* A TCP or UDP datagram of length bytes whose checksum is left to hardware:
 * the field holds the pseudo-header's sum. */
static inline void put_partial(uint8_t *at, const uint8_t *ip, uint8_t protocol,
			       size_t length)
{
	for (size_t i = 0; i < length; i++)
		at[i] = (uint8_t)(i * 31 + 5);
	if (protocol == 6) {
		at[12] = 0x50;
		put16(at + 16, pseudo_sum(ip, protocol, length));
	} else {
		put16(at + 4, (unsigned int)length);
		put16(at + 6, pseudo_sum(ip, protocol, length));
	}
}

/* Whether the finished datagram checks out at the receiver. */
static inline int transport_good(const uint8_t *at, const uint8_t *ip,
				 uint8_t protocol, size_t length)
{
	return plain_sum(at, length, pseudo_sum(ip, protocol, length)) ==
	       0xffff;
}

#endif
