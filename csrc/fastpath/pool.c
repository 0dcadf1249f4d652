/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "bpf.h"
#include "program.h"

/*
 * The least that describes a value with a lock in it (Documentation/bpf/btf.rst):
 * u32; struct bpf_spin_lock { u32 val }; struct slot { lock at 0 }.
 */
static int slot_btf(void)
{
	static const char strings[] = "\0u32\0bpf_spin_lock\0val\0slot\0lock";
	struct {
		uint16_t magic;
		uint8_t version, flags;
		uint32_t header_size, types_at, types_size, strings_at,
			strings_size;
		uint32_t integer[4], lock[3], lock_member[3], slot[3],
			slot_member[3];
		char strings[sizeof(strings)];
	} blob = {
		.magic = 0xeb9f,
		.version = 1,
		.header_size = 24,
		.types_size = 64,
		.strings_at = 64,
		.strings_size = sizeof(strings),
		.integer = { 1, 1u << 24, 4, 32 },
		.lock = { 5, 4u << 24 | 1, 4 },
		.lock_member = { 19, 1, 0 },
		.slot = { 23, 4u << 24 | 1, sizeof(struct cdf_fast_slot) },
		.slot_member = { 28, 2, 0 },
	};

	memcpy(blob.strings, strings, sizeof(strings));
	return cdf_bpf_btf(&blob, 24 + 64 + sizeof(strings));
}

#define SLOT_TYPE 3u

static int randomize(void *into, size_t size)
{
	ssize_t got = getrandom(into, size, 0);

	return got == (ssize_t)size ? 0 : got < 0 ? -errno : -EIO;
}

/* The blocks in random order, but for the one with 0 in it. */
static void shuffle(struct cdf_fast_slot *slot, uint64_t seed)
{
	memset(slot, 0, sizeof(*slot));
	for (unsigned int i = 0; i < CDF_FAST_BLOCKS; i++) {
		unsigned int j = (unsigned int)(cdf_mix(seed + i) % (i + 1));

		slot->blocks.ring[i] = slot->blocks.ring[j];
		slot->blocks.ring[j] = (uint8_t)(i + 1);
	}
	slot->blocks.queued = CDF_FAST_BLOCKS;
}

static int fill(int slots)
{
	struct cdf_fast_slot slot;
	uint64_t random[3];

	for (uint32_t i = 0; i < CDF_FAST_SLOTS; i++) {
		int error = randomize(random, sizeof(random));

		if (error < 0)
			return error;
		shuffle(&slot, random[0]);
		slot.secret = random[1];
		slot.next = (uint16_t)random[2];
		error = cdf_bpf_write(slots, i, &slot);
		if (error < 0)
			return error;
	}
	return 0;
}

static int make_slots(void)
{
	int btf = slot_btf();
	int slots;

	if (btf < 0)
		return btf;
	slots = cdf_bpf_map("cdf_slots", BPF_MAP_TYPE_ARRAY,
			    sizeof(struct cdf_fast_slot), CDF_FAST_SLOTS, 0,
			    btf, SLOT_TYPE);
	close(btf);
	return slots;
}

int cdf_fast_pool_new(struct cdf_fast_pool *pool,
		      struct cdf_fast_failure *failure)
{
	int error;

	memset(failure, 0, sizeof(*failure));
	failure->operation = "BPF_MAP_CREATE";
	pool->leases = -1;
	pool->slots = make_slots();
	if (pool->slots < 0)
		return pool->slots;
	pool->leases = cdf_bpf_map("cdf_leases", BPF_MAP_TYPE_PERCPU_ARRAY,
				   sizeof(struct cdf_fast_lease),
				   CDF_FAST_SLOTS, 0, -1, 0);
	error = pool->leases < 0 ? pool->leases : fill(pool->slots);
	if (error == 0)
		error = randomize(&pool->hash_key, sizeof(pool->hash_key));
	if (error < 0)
		cdf_fast_pool_close(pool);
	return error;
}

void cdf_fast_pool_close(struct cdf_fast_pool *pool)
{
	if (pool->slots >= 0)
		close(pool->slots);
	if (pool->leases >= 0)
		close(pool->leases);
	pool->slots = pool->leases = -1;
}
