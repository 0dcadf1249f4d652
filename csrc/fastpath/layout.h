/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the program in the kernel and the code that loads it have to agree on:
 * the values of its four maps. Raise CDF_FAST_LAYOUT with every change, so that
 * a later clear-df does not adopt maps that it would misread.
 *
 *   settings   one entry, what the program was loaded with; only read by a later
 *              clear-df, since the program has its values as constants
 *   counters   one entry for each CPU; each attached program has its own
 *   slots      the identifications, shared by all programs of an instance
 *   leases     the part of them that a CPU may give out without a lock
 */
#ifndef CDF_FASTPATH_LAYOUT_H
#define CDF_FASTPATH_LAYOUT_H

#include <linux/bpf.h>
#include <stddef.h>

#include "packet/id_blocks.h"

#define CDF_FAST_LAYOUT 1u

/* The maps, as the generated program refers to them, and their names. */
#define CDF_FAST_MAPS(X)                                                       \
	X(cdf_settings) X(cdf_counters) X(cdf_slots) X(cdf_leases)

enum cdf_fast_map {
#define CDF_FAST_ENUM(name) CDF_FAST_MAP_##name,
	CDF_FAST_MAPS(CDF_FAST_ENUM)
#undef CDF_FAST_ENUM
		CDF_FAST_MAP_COUNT
};

/* Every counter, once; src/fast-path/counters.ts gives each its help. Those in
 * the first list sort packets: each packet raises exactly one of them. */
#define CDF_FAST_SORTED(X)                                                     \
	X(cleared)                                                             \
	X(already_clear)                                                       \
	X(fits)                                                                \
	X(not_matched)                                                         \
	X(left_quic)                                                           \
	X(left_for_queue)                                                      \
	X(ah_passed)                                                           \
	X(not_ipv4)                                                            \
	X(malformed)                                                           \
	X(bad_checksum)                                                        \
	X(failed)

#define CDF_FAST_COUNTERS(X)                                                   \
	CDF_FAST_SORTED(X)                                                     \
	X(fragments)                                                           \
	X(gso)                                                                 \
	X(identifications)                                                     \
	X(long_runs)

enum cdf_fast_counter {
#define CDF_FAST_ENUM(name) CDF_FAST_##name,
	CDF_FAST_COUNTERS(CDF_FAST_ENUM)
#undef CDF_FAST_ENUM
		CDF_FAST_COUNTER_COUNT
};

struct cdf_fast_counters {
	__u64 value[CDF_FAST_COUNTER_COUNT];
};

enum cdf_fast_identification {
	CDF_FAST_RANDOM,
	CDF_FAST_KEEP,
	CDF_FAST_SEQUENTIAL,
};

/* What the kernel's own route is asked (bpf_fib_lookup()). */
enum cdf_fast_route {
	/* Nothing: the program stands where packets leave. */
	CDF_FAST_ROUTE_NONE,
	/* Only what the route cannot carry, or what is longer than larger_than
	 * and leaves by out_device. */
	CDF_FAST_ROUTE_MTU,
	/* Only what is forwarded and longer than larger_than. */
	CDF_FAST_ROUTE_FORWARDED,
};

/* A program's; the loader writes them into its instructions, each where the
 * program has cdf_setting_NAME, so that the verifier leaves out what they rule
 * out. */
struct cdf_fast_settings {
	__u32 layout;
	__u32 ethernet;	      /* 0: packets start with the IP header */
	__u32 identification; /* enum cdf_fast_identification */
	__u32 route;	      /* enum cdf_fast_route */
	__u32 larger_than;    /* bytes from the IP header on; 0: any length */
	__u32 out_device;     /* interface index; 0: any */
	__u32 leave_quic;     /* UDP from and to port 443 is left alone */
	__u32 source, source_mask; /* as they lie in the header; mask 0: any */
	__u32 destination, destination_mask;
	__u32 protocol;	  /* 0: any */
	__u32 port;	  /* of UDP, either end; 0: any */
	__u32 leave_zero; /* TCP with identification 0, one segment or many */
	__u64 hash_key;	  /* chooses the slot; of the slots, not of a program */
};

/* Pairs of destination and protocol share this many sequences. */
#define CDF_FAST_SLOTS 4096u

/*
 * Blocks go round in a slot: out at the head, back at the tail once used up. A
 * CPU that finds more than CDF_FAST_RESERVE in the ring may keep one for single
 * packets and one for runs; when the ring has fewer (some 19 CPUs at work in one
 * slot), the rest share two blocks under the slot's lock.
 *
 * The promise in numbers: 255 blocks (the one with 0 in it is left out), 39 of
 * which may be out. A block that comes back waits behind 255 less those that
 * are out; of those in front of it and of those that are out at most 39 may go
 * to, or stay with, somebody who hardly uses them. That leaves
 * 2 * 216 - 255 = 177 blocks that are used up first, each for 172 numbers or
 * more (two runs of 86): 30,444 between two uses of a number.
 */
#define CDF_FAST_BLOCKS 255u
#define CDF_FAST_RESERVE 216u

/* Longest run of numbers for the segments of one GSO packet. */
#define CDF_FAST_RUN_MAX 128u

/* Where single packets and runs are cut from. */
struct cdf_fast_lease {
	__u64 key[3]; /* the order in which a block's numbers are given */
	__u8 open;
	__u8 block;
	__u16 used; /* of CDF_BLOCK_SIZE */
	struct cdf_open_block run;
};

struct cdf_fast_slot {
	struct bpf_spin_lock lock;
	__u16 next; /* sequential */
	__u16 pad;
	struct cdf_blocks blocks;
	struct cdf_fast_lease shared;
	__u64 secret; /* of the keys */
};

/* Marks an instruction for the loader, as its src_reg: its imm is the place of a
 * setting, its off the size. None of the kernel's own marks. */
#define CDF_FAST_SETTING 15

#define CDF_FAST_SETTING_SIZE(name)                                            \
	sizeof(((struct cdf_fast_settings *)0)->name)
#define CDF_FAST_SETTING_AT(name) offsetof(struct cdf_fast_settings, name)

#endif
