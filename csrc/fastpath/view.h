/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the program in the kernel reads of a packet. Part of clear.bpf.c. */
#ifndef CDF_FASTPATH_VIEW_H
#define CDF_FASTPATH_VIEW_H

#include <linux/bpf.h>

#include "packet/ipv4_rules.h"

#define ETHERNET_HEADER 14u
#define VLAN_TAG 4u
#define TAGS_MAX 2
#define PROTOCOL_IPV4 0x0800
#define PROTOCOL_VLAN 0x8100
#define PROTOCOL_QINQ 0x88a8

/* Held in the linear part before the header is read a second time. */
#define HEADERS_MAX (ETHERNET_HEADER + TAGS_MAX * VLAN_TAG + 60u)

/* bpf_skb_load_bytes() */
static long (*load_bytes)(const struct __sk_buff *, __u32, void *,
			  __u32) = (void *)26;

/* As it lies on the wire. */
struct cdf_header {
	__u8 version_length, tos;
	__u16 total_length, identification, fragment;
	__u8 ttl, protocol;
	__u16 check;
	__u32 source, destination;
};

/* A packet as far as it is known; numbers in host byte order. */
struct cdf_view {
	__u32 at; /* of the IP header */
	__u32 header_length;
	__u32 length;	/* as the header says, or of the whole GSO packet */
	__u32 segments; /* 1 when it is no GSO packet */
	__u32 size;	/* of each packet on the wire, from the IP header on */
	__u16 identification;
	__u16 fragment;
	struct cdf_header ip;
};

CDF_INLINE __u16 cdf_net16(__u16 value)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return __builtin_bswap16(value);
#else
	return value;
#endif
}

/*
 * Finds the IP header and copies it.
 * @return 0; 1 when it is not IPv4; -1 when it may lie behind the linear part
 */
CDF_INLINE int cdf_view_find(const struct __sk_buff *skb, __u32 ethernet,
			     struct cdf_view *view)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	__u32 at = 0, protocol;
	struct cdf_header *ip;

	if (ethernet) {
		if (CDF_UNLIKELY(data + ETHERNET_HEADER > end))
			return -1;
		protocol = *(__u16 *)(data + 12);
		at = ETHERNET_HEADER;
#pragma unroll
		for (int tag = 0; tag < TAGS_MAX; tag++) {
			if (CDF_LIKELY(protocol == cdf_net16(PROTOCOL_IPV4)))
				break;
			if (protocol != cdf_net16(PROTOCOL_VLAN) &&
			    protocol != cdf_net16(PROTOCOL_QINQ))
				return 1;
			if (data + at + VLAN_TAG > end)
				return -1;
			protocol = *(__u16 *)(data + at + 2);
			at += VLAN_TAG;
		}
	} else {
		protocol = skb->protocol;
	}
	if (CDF_UNLIKELY(protocol != cdf_net16(PROTOCOL_IPV4)))
		return 1;
	ip = data + at;
	if (CDF_UNLIKELY((void *)(ip + 1) > end))
		return -1;
	view->at = at;
	view->ip = *ip;
	view->fragment = cdf_net16(ip->fragment);
	return 0;
}

/* The header's sum, options included. @return 0xffff when it is right */
CDF_INLINE __u32 cdf_view_sum(const struct __sk_buff *skb,
			      const struct cdf_view *view)
{
	const __u32 *words = (const __u32 *)&view->ip;
	__u64 sum = 0;
	__u32 word;

#pragma unroll
	for (int i = 0; i < 5; i++)
		sum += words[i];
#pragma unroll
	for (int i = 5; i < 15; i++) {
		if (CDF_LIKELY(4u * i >= view->header_length))
			break;
		if (load_bytes(skb, view->at + 4 * i, &word, 4))
			return 0;
		sum += word;
	}
	return cdf_fold(sum);
}

/* What it will weigh on the wire, and in how many parts. */
CDF_INLINE int cdf_view_measure(const struct __sk_buff *skb,
				struct cdf_view *view)
{
	__u32 payload = skb->gso_size, transport = 8, headers;
	__u8 offset;

	view->size = view->length;
	view->segments = 1;
	if (CDF_LIKELY(payload == 0))
		return 0;
	if (view->ip.protocol == CDF_PROTO_TCP) {
		if (load_bytes(skb, view->at + view->header_length + 12,
			       &offset, 1))
			return -1;
		transport = (offset >> 4) * 4;
	}
	headers = view->header_length + transport;
	view->size = payload + headers;
	view->segments = skb->gso_segs;
	/* Packets of virtual machines come uncounted. */
	if (view->segments == 0 && view->length > headers)
		view->segments =
			(view->length - headers + payload - 1) / payload;
	if (view->segments < 2)
		view->segments = 2;
	return 0;
}

CDF_INLINE int cdf_view_has_port(const struct __sk_buff *skb,
				 const struct cdf_view *view, __u16 wanted)
{
	__u16 port[2];

	if (view->fragment & CDF_IPV4_OFFSET)
		return 0; /* only a first fragment has ports */
	if (load_bytes(skb, view->at + view->header_length, port, 4))
		return 0;
	return port[0] == cdf_net16(wanted) || port[1] == cdf_net16(wanted);
}

#endif
