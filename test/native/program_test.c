/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program of the fast path against the rules of the queue, without a kernel:
 * the instructions that the loader would hand over, in this machine's byte order,
 * run by bpf_machine.h. Each random frame goes through both; what differs but for
 * identification and checksum is a fault. test/addon does the same in the kernel,
 * which is little-endian there.
 */
#include "fastpath/instructions.inc"

#include "packet/clear.h"

#include "bpf_machine.h"
#include "packets.h"
#include "tap.h"

#define FRAMES 20000
#define ETHERNET 14u
#define INSTRUCTIONS (sizeof(cdf_program) / sizeof(cdf_program[0]))

static struct cdf_fast_settings settings = { .layout = CDF_FAST_LAYOUT,
					     .ethernet = 1 };
static struct cdf_fast_counters counted;
static struct cdf_fast_slot slots[CDF_FAST_SLOTS];
static struct cdf_fast_lease leases[CDF_FAST_SLOTS];

static struct bpf_insn program[INSTRUCTIONS];
static struct __sk_buff skb;
static uint8_t frame[2048];
static uint64_t state = 1;

static uint32_t draw(uint32_t below)
{
	return (uint32_t)(cdf_mix(state += 0x9e3779b97f4a7c15u) % below);
}

static uint64_t map_lookup(uint64_t map, uint64_t key, uint64_t a, uint64_t b,
			   uint64_t c)
{
	uint32_t at;

	(void)a, (void)b, (void)c;
	memcpy(&at, (const void *)(uintptr_t)key, sizeof(at));
	switch (map) {
	case CDF_FAST_MAP_cdf_settings:
		return bpf_pointer(&settings);
	case CDF_FAST_MAP_cdf_counters:
		return bpf_pointer(&counted);
	case CDF_FAST_MAP_cdf_slots:
		return bpf_pointer(&slots[at]);
	default:
		return bpf_pointer(&leases[at]);
	}
}

static uint64_t prandom(uint64_t a, uint64_t b, uint64_t c, uint64_t d,
			uint64_t e)
{
	(void)a, (void)b, (void)c, (void)d, (void)e;
	return draw(UINT32_MAX);
}

static uint64_t copy(uint64_t at, uint64_t bytes, uint64_t size, bool out)
{
	void *other = (void *)(uintptr_t)bytes;

	if (at + size > skb.len)
		return (uint64_t)-14;
	if (out)
		memcpy(other, frame + at, size);
	else
		memcpy(frame + at, other, size);
	return 0;
}

static uint64_t load_bytes(uint64_t context, uint64_t at, uint64_t to,
			   uint64_t size, uint64_t a)
{
	(void)context, (void)a;
	return copy(at, to, size, true);
}

static uint64_t store_bytes(uint64_t context, uint64_t at, uint64_t from,
			    uint64_t size, uint64_t flags)
{
	(void)context, (void)flags;
	return copy(at, from, size, false);
}

/* All is linear; locks are nobody's. */
static uint64_t nothing(uint64_t a, uint64_t b, uint64_t c, uint64_t d,
			uint64_t e)
{
	(void)a, (void)b, (void)c, (void)d, (void)e;
	return 0;
}

static bpf_helper helper(int number)
{
	switch (number) {
	case BPF_FUNC_map_lookup_elem:
		return map_lookup;
	case BPF_FUNC_get_prandom_u32:
		return prandom;
	case BPF_FUNC_skb_store_bytes:
		return store_bytes;
	case BPF_FUNC_skb_load_bytes:
		return load_bytes;
	default:
		return nothing;
	}
}

/* As the loader does, but for the maps, which stay numbers. */
static void load(uint32_t identification)
{
	uint64_t value;
	uint32_t number;

	settings.identification = identification;
	memcpy(program, cdf_program, sizeof(program));
	for (size_t i = 0; i < INSTRUCTIONS; i++) {
		struct bpf_insn *here = &program[i];

		if (here->code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		if (here->src_reg == CDF_FAST_SETTING) {
			const char *at = (const char *)&settings + here->imm;

			memcpy(&number, at, sizeof(number));
			value = number;
			if (here->off == sizeof(value))
				memcpy(&value, at, sizeof(value));
			here[0].src_reg = 0;
			here[0].imm = (int32_t)(uint32_t)value;
			here[1].imm = (int32_t)(uint32_t)(value >> 32);
		}
		i++;
	}
	memset(&counted, 0, sizeof(counted));
	memset(leases, 0, sizeof(leases));
	for (uint32_t i = 0; i < CDF_FAST_SLOTS; i++) {
		memset(&slots[i], 0, sizeof(slots[i]));
		for (unsigned int b = 0; b < CDF_FAST_BLOCKS; b++)
			slots[i].blocks.ring[b] = (uint8_t)(b + 1);
		slots[i].blocks.queued = CDF_FAST_BLOCKS;
		slots[i].next = 1;
	}
}

/* A frame of some shape, most of them sound. @return where its IP header is */
static uint32_t make(void)
{
	static const uint8_t protocols[] = { 1, 6, 17, 47, 51, 50 };
	uint32_t tags = draw(3), at = ETHERNET, options = draw(3) * 4;
	uint32_t length = 20 + options + 8 + draw(600);
	unsigned int fragment = draw(5) ? DF : 0;

	memset(frame, 0, sizeof(frame));
	for (uint32_t i = 0; i < tags; i++, at += 4)
		put16(frame + at - 2, i ? 0x8100 : 0x88a8);
	put16(frame + at - 2, draw(40) ? 0x0800 : 0x86dd);
	if (draw(6) == 0)
		fragment |= draw(2) ? MF : 1 + draw(100);
	for (uint32_t i = 0; i < length; i++)
		frame[at + i] = (uint8_t)draw(256);
	put_ipv4(frame + at, length, draw(4) ? draw(65536) : 0, fragment,
		 protocols[draw(6)]);
	frame[at] = (uint8_t)(0x45 + options / 4);
	frame[at + 1] = (uint8_t)draw(256);
	put16(frame + at + 10, 0);
	put16(frame + at + 10,
	      ~plain_sum(frame + at, 20 + options, 0) & 0xffff);
	if (draw(20) == 0)
		frame[at + draw(20)] ^= (uint8_t)(1 << draw(8));
	skb = (struct __sk_buff){ .len = at + length - (draw(30) ? 0 : 4) };
	return at;
}

/* Whether both say the same of it. */
static bool agree(uint32_t at, struct cdf_identifier *identifier,
		  struct cdf_counters *counters)
{
	uint8_t queue[sizeof(frame)], *ip = queue + at;
	uint64_t before = counters->value[CDF_cleared];
	struct bpf_machine machine = {
		.program = program,
		.skb = &skb,
		.data = frame,
		.data_end = frame + skb.len,
		.helper = helper,
	};
	uint64_t fast = counted.value[CDF_FAST_cleared];
	bool is_ipv4 = get16(frame + at - 2) == 0x0800, cleared;
	/* Both give one of their own: not to a fragment, not under AH. */
	bool given = (get16(frame + at + 6) & 0x3fff) == 0 &&
		     frame[at + 9] != 51 &&
		     (settings.identification != CDF_FAST_KEEP ||
		      get16(frame + at + 4) == 0);

	memcpy(queue, frame, sizeof(queue));
	if (is_ipv4) {
		struct cdf_packet packet = { .data = ip,
					     .length = skb.len - at,
					     .original_length = skb.len - at };

		cdf_clear(identifier, &packet, counters);
	}
	/* -1 is TC_ACT_UNSPEC, whatever was done. */
	if (bpf_run(&machine) != -1)
		return false;
	cleared = counted.value[CDF_FAST_cleared] != fast;
	if (cleared != (counters->value[CDF_cleared] != before))
		return false;
	if (cleared && (get16(frame + at + 4) != 0) != (get16(ip + 4) != 0))
		return false;
	if (cleared &&
	    plain_sum(frame + at, (frame[at] & 15u) * 4, 0) != 0xffff)
		return false;
	if (cleared && given) {
		memcpy(frame + at + 4, ip + 4, 2);
		memcpy(frame + at + 10, ip + 10, 2);
	}
	return memcmp(frame, queue, sizeof(frame)) == 0;
}

static void compare(uint32_t fast, enum cdf_identification_policy policy,
		    const char *name)
{
	struct cdf_identifier *identifier = cdf_identifier_new(policy);
	struct cdf_counters counters = { 0 };
	uint64_t sorted = 0;
	int different = 0;

	load(fast);
	for (int i = 0; i < FRAMES; i++)
		different += !agree(make(), identifier, &counters);
	for (int i = 0; i <= CDF_FAST_failed; i++)
		sorted += counted.value[i];
	ok(different == 0, "%s: what the queue makes of %d frames, but for %d",
	   name, FRAMES, different);
	/* 4 in 5 have DF, 9 in 10 of them are sound. */
	ok(counted.value[CDF_FAST_cleared] > FRAMES / 2 &&
		   sorted == (uint64_t)FRAMES,
	   "%s: most of them cleared, each counted once", name);
	cdf_identifier_free(identifier);
}

int main(void)
{
	compare(CDF_FAST_RANDOM, CDF_IDENTIFICATION_RANDOM, "random");
	compare(CDF_FAST_KEEP, CDF_IDENTIFICATION_KEEP, "keep");
	return done();
}
