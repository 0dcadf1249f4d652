/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs BPF instructions without a kernel: enough of the machine
 * (Documentation/bpf/instruction-set.rst) for csrc/fastpath/clear.bpf.c as clang
 * compiles it, in the byte order of the machine that this is compiled for.
 */
#ifndef BPF_MACHINE_H
#define BPF_MACHINE_H

#include <endian.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define STACK 512

typedef uint64_t (*bpf_helper)(uint64_t, uint64_t, uint64_t, uint64_t,
			       uint64_t);

struct bpf_machine {
	const struct bpf_insn *program;
	/* Of the context, whose data and data_end are pointers to what it
	 * shows as 32 bits. */
	struct __sk_buff *skb;
	uint8_t *data, *data_end;
	bpf_helper (*helper)(int number);
};

static inline uint64_t bpf_pointer(const void *at)
{
	return (uint64_t)(uintptr_t)at;
}

static inline uint64_t bpf_load(const struct bpf_machine *machine,
				uint64_t from, int size)
{
	uint64_t skb = bpf_pointer(machine->skb), eight;
	uint32_t four;
	uint16_t two;
	const void *at = (const void *)(uintptr_t)from;

	if (from == skb + offsetof(struct __sk_buff, data))
		return bpf_pointer(machine->data);
	if (from == skb + offsetof(struct __sk_buff, data_end))
		return bpf_pointer(machine->data_end);
	switch (size) {
	case BPF_B:
		return *(const uint8_t *)at;
	case BPF_H:
		memcpy(&two, at, 2);
		return two;
	case BPF_W:
		memcpy(&four, at, 4);
		return four;
	default:
		memcpy(&eight, at, 8);
		return eight;
	}
}

static inline void bpf_store(uint64_t to, int size, uint64_t value)
{
	void *at = (void *)(uintptr_t)to;
	uint32_t four = (uint32_t)value;
	uint16_t two = (uint16_t)value;
	uint8_t one = (uint8_t)value;

	switch (size) {
	case BPF_B:
		memcpy(at, &one, 1);
		break;
	case BPF_H:
		memcpy(at, &two, 2);
		break;
	case BPF_W:
		memcpy(at, &four, 4);
		break;
	default:
		memcpy(at, &value, 8);
	}
}

static inline uint64_t bpf_swap(int code, uint64_t value, int bits)
{
	bool big = BPF_SRC(code) == BPF_TO_BE;

	switch (bits) {
	case 16:
		return big ? htobe16((uint16_t)value)
			   : htole16((uint16_t)value);
	case 32:
		return big ? htobe32((uint32_t)value)
			   : htole32((uint32_t)value);
	default:
		return big ? htobe64(value) : htole64(value);
	}
}

/* @param bits 32 or 64 */
static inline uint64_t bpf_alu(int code, uint64_t to, uint64_t from, int bits)
{
	uint64_t mask = bits == 64 ? UINT64_MAX : UINT32_MAX, result;
	unsigned int shift = (unsigned int)from & (unsigned int)(bits - 1);

	to &= mask;
	from &= mask;
	switch (BPF_OP(code)) {
	case BPF_ADD:
		result = to + from;
		break;
	case BPF_SUB:
		result = to - from;
		break;
	case BPF_MUL:
		result = to * from;
		break;
	case BPF_DIV:
		result = from ? to / from : 0;
		break;
	case BPF_MOD:
		result = from ? to % from : to;
		break;
	case BPF_OR:
		result = to | from;
		break;
	case BPF_AND:
		result = to & from;
		break;
	case BPF_XOR:
		result = to ^ from;
		break;
	case BPF_LSH:
		result = to << shift;
		break;
	case BPF_RSH:
		result = to >> shift;
		break;
	case BPF_ARSH:
		result = bits == 64 ? (uint64_t)((int64_t)to >> shift)
				    : (uint32_t)((int32_t)to >> shift);
		break;
	case BPF_NEG:
		result = -to;
		break;
	case BPF_MOV:
		result = from;
		break;
	default:
		abort();
	}
	return result & mask;
}

static inline bool bpf_jumps(int code, uint64_t a, uint64_t b)
{
	switch (BPF_OP(code)) {
	case BPF_JA:
		return true;
	case BPF_JEQ:
		return a == b;
	case BPF_JNE:
		return a != b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	case BPF_JLT:
		return a < b;
	case BPF_JLE:
		return a <= b;
	case BPF_JSET:
		return (a & b) != 0;
	case BPF_JSGT:
		return (int64_t)a > (int64_t)b;
	case BPF_JSGE:
		return (int64_t)a >= (int64_t)b;
	case BPF_JSLT:
		return (int64_t)a < (int64_t)b;
	case BPF_JSLE:
		return (int64_t)a <= (int64_t)b;
	default:
		abort();
	}
}

/* @return what the program returns */
static inline int bpf_run(const struct bpf_machine *machine)
{
	uint64_t r[11] = { 0 };
	uint8_t stack[STACK] __attribute__((aligned(8)));

	r[1] = bpf_pointer(machine->skb);
	r[10] = bpf_pointer(stack + STACK);
	for (const struct bpf_insn *at = machine->program;; at++) {
		int code = at->code, class = BPF_CLASS(code);
		uint64_t *to = &r[at->dst_reg];
		uint64_t from = BPF_SRC(code) == BPF_X
					? r[at->src_reg]
					: (uint64_t)(int64_t)at->imm;

		if (code == (BPF_LD | BPF_IMM | BPF_DW)) {
			*to = (uint32_t)at[0].imm |
			      (uint64_t)(uint32_t)at[1].imm << 32;
			at++;
		} else if (class == BPF_LDX) {
			*to = bpf_load(machine,
				       r[at->src_reg] + (uint64_t)at->off,
				       BPF_SIZE(code));
		} else if (class == BPF_STX || class == BPF_ST) {
			bpf_store(*to + (uint64_t)at->off, BPF_SIZE(code),
				  class == BPF_STX
					  ? r[at->src_reg]
					  : (uint64_t)(int64_t)at->imm);
		} else if (class == BPF_ALU && BPF_OP(code) == BPF_END) {
			*to = bpf_swap(code, *to, at->imm);
		} else if (class == BPF_ALU || class == BPF_ALU64) {
			*to = bpf_alu(code, *to, from,
				      class == BPF_ALU ? 32 : 64);
		} else if (code == (BPF_JMP | BPF_CALL)) {
			r[0] = machine->helper(at->imm)(r[1], r[2], r[3], r[4],
							r[5]);
		} else if (code == (BPF_JMP | BPF_EXIT)) {
			return (int)r[0];
		} else if (class == BPF_JMP) {
			if (bpf_jumps(code, *to, from))
				at += at->off;
		} else {
			abort();
		}
	}
}

#endif
