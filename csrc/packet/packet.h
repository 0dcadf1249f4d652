/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The nouns of the packet road: what a packet is before the rules, what they
 * decide about it, and what is counted. No I/O, no Node.
 */
#ifndef CDF_PACKET_H
#define CDF_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Every counter, once. The order is the layout of the block that the boundary
 * copies out; src/counters.ts gives each its unit and help, and the addon
 * refuses to load when the two lists differ.
 */
#define CDF_COUNTERS(X)                                                        \
	X(packets)                                                             \
	X(bytes)                                                               \
	X(batches)                                                             \
	X(cleared)                                                             \
	X(fragments)                                                           \
	X(gso)                                                                 \
	X(checksum_finished)                                                   \
	X(already_clear)                                                       \
	X(ah_passed)                                                           \
	X(not_ipv4)                                                            \
	X(malformed)                                                           \
	X(truncated)                                                           \
	X(bad_checksum)                                                        \
	X(unfinished)                                                          \
	X(requeued)                                                            \
	X(requeue_lost)                                                        \
	X(verdicts)                                                            \
	X(verdict_errors)                                                      \
	X(leaked)                                                              \
	X(overrun)                                                             \
	X(overload)                                                            \
	X(queue_full)                                                          \
	X(enobufs)                                                             \
	X(receive_errors)                                                      \
	X(identifications)

enum cdf_counter {
#define CDF_COUNTER_ENUM(name) CDF_##name,
	CDF_COUNTERS(CDF_COUNTER_ENUM)
#undef CDF_COUNTER_ENUM
		CDF_COUNTER_COUNT
};

/* One block of counters; plain numbers, owned by one thread. */
struct cdf_counters {
	uint64_t value[CDF_COUNTER_COUNT];
};

/* What the kernel says of a packet besides its bytes (NFQA_SKB_INFO). */
enum cdf_skb_flag {
	CDF_CSUM_NOT_READY = 1u << 0, /* NFQA_SKB_CSUMNOTREADY */
	CDF_GSO = 1u << 1,	      /* NFQA_SKB_GSO */
};

/* Bytes: a packet with more is a GSO packet; where the mean is more, most are. */
#define CDF_LARGE 4096u

/* Where the packet was taken, as far as the rules care. */
enum cdf_place {
	/* It leaves through a device: OUTPUT, FORWARD, POSTROUTING, a capture. */
	CDF_LEAVES,
	/* It may yet be delivered to this host: PREROUTING, INPUT. */
	CDF_MAY_STAY,
	/* A bridge-family hook: a queue without GSO loses the Ethernet header. */
	CDF_BRIDGE_LEAVES,
	CDF_BRIDGE_MAY_STAY,
};

/** The same place where no packet is delivered to this host. */
static inline enum cdf_place cdf_place_leaving(enum cdf_place place)
{
	if (place == CDF_MAY_STAY)
		return CDF_LEAVES;
	return place == CDF_BRIDGE_MAY_STAY ? CDF_BRIDGE_LEAVES : place;
}

/* A packet from the network header on; data is edited in place. */
struct cdf_packet {
	uint8_t *data;
	uint32_t length;	  /* bytes held */
	uint32_t original_length; /* bytes on the wire, >= length */
	uint32_t skb_flags;	  /* enum cdf_skb_flag */
	enum cdf_place place;
	bool can_requeue; /* a companion queue without GSO is bound */
};

/* What to tell the kernel. */
enum cdf_action {
	CDF_PASS,    /* accept as it came */
	CDF_EDITED,  /* accept with the edited bytes */
	CDF_REQUEUE, /* hand to the companion queue, as it came */
};

#endif
