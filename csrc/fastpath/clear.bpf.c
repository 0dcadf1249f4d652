/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet rules as a classifier at tc (cls_bpf, direct action): what cdf_clear()
 * does to a packet from the queue, done in the kernel. It never decides about a
 * packet: TC_ACT_UNSPEC gives every one to the next filter.
 *
 * Two things are simpler here than in the queue. No transport checksum has to be
 * finished, since the skb stays what it is. And the kernel says how many segments
 * a GSO packet has.
 *
 * One is harder: SKB_GSO_TCP_FIXEDID, by which GRO remembers that all packets
 * that it merged had one identification, is not to be seen. Kernels up to 6.12
 * drop such a packet once its DF is clear (inet_gso_segment()), later ones give
 * all of its segments the one identification set here. So GSO packets of TCP
 * with identification 0 are left alone, for the queue to take.
 */
#include <linux/bpf.h>

#include "layout.h"
#include "lease.h"
#include "packet/ipv4_rules.h"
#include "view.h"

#define SECTION(name) __attribute__((section(name), used))
#define MAP(name) SECTION(".maps") struct cdf_map name

#define TC_ACT_UNSPEC (-1)
#define AF_INET 2

/* The loader makes the maps; a reference to one names it, no more. */
struct cdf_map {
	__u32 unused;
};
MAP(cdf_settings);
MAP(cdf_counters);
MAP(cdf_slots);
MAP(cdf_leases);

/* A constant, which the loader puts here (layout.h). */
#define SETTING(name)                                                          \
	({                                                                     \
		__u64 value;                                                   \
		asm volatile("%0 = cdf_setting_" #name " ll" : "=r"(value));   \
		value;                                                         \
	})

static void *(*map_lookup)(void *map, const void *key) = (void *)1;
static __u32 (*prandom)(void) = (void *)7;
static long (*store_bytes)(struct __sk_buff *, __u32, const void *, __u32,
			   __u64) = (void *)9;
static long (*pull_data)(struct __sk_buff *, __u32) = (void *)39;
static long (*route_lookup)(void *, struct bpf_fib_lookup *, int,
			    __u32) = (void *)69;
static long (*spin_lock)(struct bpf_spin_lock *) = (void *)93;
static long (*spin_unlock)(struct bpf_spin_lock *) = (void *)94;

CDF_INLINE int matches(const struct __sk_buff *skb, const struct cdf_view *view)
{
	const struct cdf_header *ip = &view->ip;

	if (SETTING(source_mask) &&
	    ((ip->source ^ SETTING(source)) & SETTING(source_mask)))
		return 0;
	if (SETTING(destination_mask) &&
	    ((ip->destination ^ SETTING(destination)) &
	     SETTING(destination_mask)))
		return 0;
	if (SETTING(protocol) && ip->protocol != SETTING(protocol))
		return 0;
	return !SETTING(port) || cdf_view_has_port(skb, view, SETTING(port));
}

/*
 * Whether it fits where it goes, or goes nowhere from here. The look-up knows the
 * MTU of the device, and a route's own only where it is locked; forwarding goes
 * by it in any case (ip_dst_mtu_maybe_forward()), and so does larger_than.
 */
CDF_INLINE int fits(struct __sk_buff *skb, const struct cdf_view *view)
{
	struct bpf_fib_lookup ask = { 0 };
	int short_enough =
		SETTING(larger_than) && view->size <= SETTING(larger_than);
	int by_mtu = SETTING(route) == CDF_FAST_ROUTE_MTU;
	long answer;

	if (SETTING(route) == CDF_FAST_ROUTE_NONE)
		return short_enough;
	if (!by_mtu && short_enough)
		return 1;
	ask.family = AF_INET;
	ask.tot_len = by_mtu ? view->size : 0;
	ask.ifindex = skb->ingress_ifindex;
	ask.ipv4_src = view->ip.source;
	ask.ipv4_dst = view->ip.destination;
	ask.tos = view->ip.tos & 0x1c;
	answer = route_lookup(skb, &ask, sizeof(ask), 0);
	if (answer == BPF_FIB_LKUP_RET_FRAG_NEEDED)
		return 0;
	if (answer != BPF_FIB_LKUP_RET_SUCCESS &&
	    answer != BPF_FIB_LKUP_RET_NO_NEIGH)
		return 1;
	return short_enough ||
	       (SETTING(out_device) && ask.ifindex != SETTING(out_device));
}

/** @return the first identification of a run; 0 when there is none */
CDF_INLINE __u32 take(const struct cdf_header *ip, __u32 run)
{
	__u32 at = cdf_mix(SETTING(hash_key) ^
			   ((__u64)ip->protocol << 32 | ip->destination)) %
		   CDF_FAST_SLOTS;
	struct cdf_fast_lease *lease = map_lookup(&cdf_leases, &at);
	struct cdf_fast_slot *slot;
	__u64 key[3];
	__u32 first;

	if (!lease)
		return 0;
	if (CDF_LIKELY(SETTING(identification) != CDF_FAST_SEQUENTIAL &&
		       cdf_lease_fits(lease, run)))
		return cdf_lease_draw(lease, run);
	slot = map_lookup(&cdf_slots, &at);
	if (!slot)
		return 0;
#pragma unroll
	for (int i = 0; i < 3; i++)
		key[i] = cdf_mix(slot->secret ^
				 ((__u64)prandom() << 32 | prandom()));
	spin_lock(&slot->lock);
	if (SETTING(identification) == CDF_FAST_SEQUENTIAL)
		first = cdf_sequence_next(&slot->next, run);
	else
		first = cdf_slot_take(slot, lease, run, key);
	spin_unlock(&slot->lock);
	return first;
}

/* The 8 bytes from the identification to the checksum. */
struct edit {
	__u16 identification, fragment;
	__u8 ttl, protocol;
	__u16 check;
};

CDF_INLINE int store(struct __sk_buff *skb, const struct cdf_view *view,
		     __u16 identification)
{
	const struct cdf_header *ip = &view->ip;
	struct edit edit = {
		.identification = cdf_net16(identification),
		.fragment = cdf_net16(view->fragment & ~CDF_IPV4_DF),
		.ttl = ip->ttl,
		.protocol = ip->protocol,
	};

	edit.check = cdf_checksum_after(
		ip->check, (__u32)ip->identification + ip->fragment,
		(__u32)edit.identification + edit.fragment);
	/* The header's sum stays what it was: CHECKSUM_COMPLETE holds. */
	return store_bytes(skb, view->at + 4, &edit, sizeof(edit), 0);
}

#define LEAVE(why)                                                             \
	do {                                                                   \
		counters->value[CDF_FAST_##why]++;                             \
		return TC_ACT_UNSPEC;                                          \
	} while (0)

SECTION("tc") int clear_df(struct __sk_buff *skb)
{
	__u32 zero = 0, run, identification;
	struct cdf_fast_counters *counters = map_lookup(&cdf_counters, &zero);
	struct cdf_view view;
	const struct cdf_header *ip = &view.ip;
	int found;

	if (CDF_UNLIKELY(!counters))
		return TC_ACT_UNSPEC;
	/* Never so. It names the map of the settings, which therefore stays as
	 * long as the program. */
	if (SETTING(layout) != CDF_FAST_LAYOUT)
		map_lookup(&cdf_settings, &zero);
	found = cdf_view_find(skb, SETTING(ethernet), &view);
	if (CDF_UNLIKELY(found < 0)) {
		__u32 held = skb->len < HEADERS_MAX ? skb->len : HEADERS_MAX;

		if (pull_data(skb, held))
			LEAVE(malformed);
		found = cdf_view_find(skb, SETTING(ethernet), &view);
		if (found < 0)
			LEAVE(malformed);
	}
	if (CDF_UNLIKELY(found > 0))
		LEAVE(not_ipv4);
	view.header_length = (ip->version_length & 15) * 4;
	if (CDF_UNLIKELY(ip->version_length >> 4 != 4 ||
			 view.header_length < 20))
		LEAVE(malformed);
	if (CDF_UNLIKELY(!(view.fragment & CDF_IPV4_DF)))
		LEAVE(already_clear);
	view.length = cdf_net16(ip->total_length);
	/* A GSO packet of more than 64 KB has a length of 0. */
	if (CDF_UNLIKELY(view.length == 0) && skb->gso_size)
		view.length = skb->len - view.at;
	if (CDF_UNLIKELY(view.length < view.header_length ||
			 view.length > skb->len - view.at))
		LEAVE(malformed);
	if (CDF_UNLIKELY(!matches(skb, &view)))
		LEAVE(not_matched);
	if (SETTING(leave_quic) && ip->protocol == CDF_PROTO_UDP &&
	    cdf_view_has_port(skb, &view, 443))
		LEAVE(left_quic);
	if (CDF_UNLIKELY(cdf_view_measure(skb, &view)))
		LEAVE(malformed);
	if (CDF_UNLIKELY(fits(skb, &view)))
		LEAVE(fits);
	/* Never repair what is broken: the receiver must still see it. */
	if (CDF_UNLIKELY(cdf_view_sum(skb, &view) != 0xffff))
		LEAVE(bad_checksum);
	view.identification = cdf_net16(ip->identification);
	/* Where the queue comes behind, the whole flow is its: two pools of
	 * identifications know nothing of each other. */
	if (CDF_UNLIKELY(view.identification == 0) &&
	    ip->protocol == CDF_PROTO_TCP &&
	    (view.segments > 1 || SETTING(leave_zero)))
		LEAVE(left_for_queue);
	identification = view.identification;
	switch (cdf_identification_rule(
		view.fragment, ip->protocol, identification,
		SETTING(identification) == CDF_FAST_KEEP)) {
	case CDF_LEAVE_PACKET:
		LEAVE(ah_passed);
	case CDF_KEEP_IDENTIFICATION:
		break;
	case CDF_NEW_IDENTIFICATION:
		run = view.segments;
		if (CDF_UNLIKELY(run > CDF_FAST_RUN_MAX)) {
			counters->value[CDF_FAST_long_runs]++;
			run = CDF_FAST_RUN_MAX;
		}
		identification = take(ip, run);
		if (CDF_UNLIKELY(!identification))
			LEAVE(failed);
		counters->value[CDF_FAST_identifications] += run;
	}
	if (CDF_UNLIKELY(store(skb, &view, identification)))
		LEAVE(failed);
	if (CDF_UNLIKELY(view.fragment & (CDF_IPV4_MF | CDF_IPV4_OFFSET)))
		counters->value[CDF_FAST_fragments]++;
	if (CDF_UNLIKELY(view.segments > 1))
		counters->value[CDF_FAST_gso]++;
	LEAVE(cleared);
}

static const char licence[] SECTION("license") = "GPL";
