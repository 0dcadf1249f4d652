/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * receiver DEVICE MEGABYTES MODE
 *
 * Keeps what `sender` sent and DEVICE received in a ring that the kernel fills by
 * itself, so that nothing runs here while it is filled: MODE `sampled` the marked
 * packets' headers, `every` all packets whole. At SIGTERM it goes through the ring
 * once and prints as JSON: how many came, nanoseconds from sending to arrival,
 * how many came behind a later one of their flow with the same DF, and with which
 * flaws.
 */
#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sender/test_header.h"

/*
 * A block is handed over when it is full or when its time is up, however little is
 * in it: 4096 of them last for 200 s of slow traffic.
 */
enum { BLOCK = 1 << 16, RETIRE_MS = 50, WHOLE = 2048 };

struct tally {
	uint64_t packets, with_df, disorder, bad_checksum, no_identification;
	int64_t *delay;
	size_t room;
	/* By flow, and by DF: what fail-open lets by overtakes the queue. */
	int64_t last[MAX_FLOWS][2];
};

static int attach(int fd, int sampled)
{
	const uint32_t magic = offsetof(struct frame, test.magic);
	const uint32_t mark = offsetof(struct frame, test.sampled);
	const uint32_t type = offsetof(struct frame, ethernet.h_proto);
	const uint32_t snap = sampled ? sizeof(struct frame) : WHOLE;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, type),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, magic),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TEST_MAGIC, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, mark),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, sampled ? 1 : 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, snap),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(*code), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
			  sizeof(program));
}

static uint8_t *open_ring(int fd, unsigned int blocks)
{
	struct tpacket_req3 want = {
		.tp_block_size = BLOCK,
		.tp_block_nr = blocks,
		.tp_frame_size = 4096,
		.tp_frame_nr = blocks * (BLOCK / 4096),
		.tp_retire_blk_tov = RETIRE_MS,
	};
	int version = TPACKET_V3;
	void *ring;

	if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version,
		       sizeof(version)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &want, sizeof(want)) < 0)
		return NULL;
	ring = mmap(NULL, (size_t)BLOCK * blocks, PROT_READ | PROT_WRITE,
		    MAP_SHARED, fd, 0);
	return ring == MAP_FAILED ? NULL : ring;
}

static int checksums_hold(const struct frame *frame, uint32_t held)
{
	uint64_t sum = IPPROTO_UDP + ntohs(frame->udp.len);
	uint32_t whole = sizeof(struct ethhdr) + ntohs(frame->ip.tot_len);

	if (test_header_fold(test_header_sum(&frame->ip, sizeof(frame->ip))) !=
	    0)
		return 0;
	/* Without all of it there is nothing to compare. */
	if (held < whole)
		return 1;
	sum += test_header_sum(&frame->ip.saddr, 8);
	sum += test_header_sum(&frame->udp, ntohs(frame->udp.len));
	return test_header_fold(sum) == 0;
}

static void take(struct tally *tally, const struct tpacket3_hdr *head)
{
	const struct frame *frame =
		(const void *)((const uint8_t *)head + head->tp_mac);
	uint64_t came = (uint64_t)head->tp_sec * 1000000000u + head->tp_nsec;
	uint32_t flow = frame->test.flow;
	int df = (ntohs(frame->ip.frag_off) & IP_DF) != 0;
	int64_t sequence = (int64_t)frame->test.sequence;

	if (head->tp_snaplen < sizeof(*frame) || flow >= MAX_FLOWS)
		return;
	if (tally->packets < tally->room)
		tally->delay[tally->packets] =
			(int64_t)(came - frame->test.sent);
	tally->packets++;
	tally->with_df += (uint64_t)df;
	tally->no_identification += !df && frame->ip.id == 0;
	tally->bad_checksum += !checksums_hold(frame, head->tp_snaplen);
	if (sequence <= tally->last[flow][df])
		tally->disorder++;
	else
		tally->last[flow][df] = sequence;
}

static void read_ring(struct tally *tally, uint8_t *ring, unsigned int blocks)
{
	for (unsigned int b = 0; b < blocks; b++) {
		struct tpacket_block_desc *block =
			(void *)(ring + (size_t)b * BLOCK);
		struct tpacket3_hdr *head;

		if (!(block->hdr.bh1.block_status & TP_STATUS_USER))
			return;
		head = (void *)((uint8_t *)block +
				block->hdr.bh1.offset_to_first_pkt);
		for (uint32_t i = 0; i < block->hdr.bh1.num_pkts; i++) {
			take(tally, head);
			head = (void *)((uint8_t *)head + head->tp_next_offset);
		}
	}
}

static int compare(const void *left, const void *right)
{
	int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

	return (a > b) - (a < b);
}

static void print(struct tally *tally, unsigned int missed)
{
	size_t n = tally->packets < tally->room ? tally->packets : tally->room;
	const double at[] = { 0.5, 0.99, 0.999, 1 };
	long long found[4] = { 0 };

	qsort(tally->delay, n, sizeof(*tally->delay), compare);
	for (int i = 0; i < 4 && n > 0; i++) {
		size_t place = (size_t)(at[i] * (double)n);

		found[i] = tally->delay[place < n ? place : n - 1];
	}
	printf("{\"packets\":%llu,\"missed\":%u,\"withDf\":%llu,"
	       "\"disorder\":%llu,\"badChecksum\":%llu,"
	       "\"noIdentification\":%llu,\"median\":%lld,\"p99\":%lld,"
	       "\"p999\":%lld,\"max\":%lld}\n",
	       (unsigned long long)tally->packets, missed,
	       (unsigned long long)tally->with_df,
	       (unsigned long long)tally->disorder,
	       (unsigned long long)tally->bad_checksum,
	       (unsigned long long)tally->no_identification, found[0], found[1],
	       found[2], found[3]);
}

int main(int argc, char **argv)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_IP) };
	struct tally tally = { .room = 4u << 20 };
	struct tpacket_stats_v3 statistics = { 0 };
	socklen_t length = sizeof(statistics);
	unsigned int blocks;
	uint8_t *ring = NULL;
	sigset_t end;
	int fd, signal;

	if (argc != 4) {
		fputs("usage: receiver DEVICE MEGABYTES sampled|every\n",
		      stderr);
		return 2;
	}
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigaddset(&end, SIGINT);
	sigprocmask(SIG_BLOCK, &end, NULL);
	blocks = (unsigned int)strtoul(argv[2], NULL, 10) * ((1 << 20) / BLOCK);
	at.sll_ifindex = (int)if_nametoindex(argv[1]);
	tally.delay = malloc(tally.room * sizeof(*tally.delay));
	memset(tally.last, -1, sizeof(tally.last));
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd >= 0 && attach(fd, strcmp(argv[3], "sampled") == 0) == 0)
		ring = open_ring(fd, blocks);
	if (ring == NULL || tally.delay == NULL ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0) {
		perror("receiver");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	sigwait(&end, &signal);
	/* Until the time of the last block is up. */
	poll(NULL, 0, 4 * RETIRE_MS);
	read_ring(&tally, ring, blocks);
	getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &statistics, &length);
	print(&tally, statistics.tp_drops);
	return 0;
}
