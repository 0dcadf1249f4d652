/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What cdf_sender_run() writes into each datagram and the bench's `receiver` reads back. */
#ifndef CDF_TEST_HEADER_H
#define CDF_TEST_HEADER_H

#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <time.h>

#define TEST_MAGIC 0xc1ea0df0u
/* The discard service, as far as ports have services. */
#define TEST_PORT 9

enum { MAX_FLOWS = 64, MAX_LENGTH = 1500 };

/* In network byte order where a packet filter reads it, else in the host's. */
struct test_header {
	uint32_t magic;	  /* network byte order */
	uint32_t sampled; /* 0 or 1, network byte order */
	uint64_t sequence;
	uint64_t sent; /* nanoseconds of CLOCK_REALTIME */
	uint32_t flow;
} __attribute__((packed));

/* From the first byte of the Ethernet header; no IP options. */
struct frame {
	struct ethhdr ethernet;
	struct iphdr ip;
	struct udphdr udp;
	struct test_header test;
} __attribute__((packed));

/** Ones' complement sum of a number of bytes (RFC 1071), not folded. */
static inline uint64_t test_header_sum(const void *bytes, size_t length)
{
	const uint8_t *byte = bytes;
	uint64_t sum = 0;

	for (size_t i = 0; i + 1 < length; i += 2)
		sum += (uint64_t)(byte[i] << 8 | byte[i + 1]);
	if (length & 1)
		sum += (uint64_t)(byte[length - 1] << 8);
	return sum;
}

static inline uint16_t test_header_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static inline uint64_t test_header_now(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#endif
