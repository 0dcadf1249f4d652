/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nftables.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "netlink.h"

#define TARGET "NFQUEUE"
#define TARGET_REVISION 3u
/* NFTNL_UDATA_RULE_COMMENT: what nft(8) reads as a rule's comment. */
#define UDATA_COMMENT 0u
/* Of the first message of a request. */
#define SEQUENCE 1u

/* A transaction under way: one datagram of several messages. */
struct batch {
	struct mnl_nlmsg_batch *messages;
	uint32_t sequence;
	unsigned int acks;
};

static struct nlmsghdr *begin(struct batch *batch, uint16_t type,
			      uint16_t flags, uint8_t family)
{
	struct nlmsghdr *header =
		mnl_nlmsg_put_header(mnl_nlmsg_batch_current(batch->messages));
	struct nfgenmsg *generic;

	header->nlmsg_type = type;
	header->nlmsg_flags = NLM_F_REQUEST | flags;
	header->nlmsg_seq = batch->sequence++;
	generic = mnl_nlmsg_put_extra_header(header, sizeof(*generic));
	generic->nfgen_family = family;
	generic->version = NFNETLINK_V0;
	if (type == NFNL_MSG_BATCH_BEGIN || type == NFNL_MSG_BATCH_END)
		generic->res_id = htons(NFNL_SUBSYS_NFTABLES);
	batch->acks += (flags & NLM_F_ACK) != 0;
	return header;
}

static struct nlmsghdr *begin_change(struct batch *batch, uint16_t what,
				     uint16_t flags)
{
	return begin(batch, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | what),
		     (uint16_t)(NLM_F_CREATE | NLM_F_ACK | flags),
		     NFPROTO_IPV4);
}

static void put_target(struct nlmsghdr *header,
		       const struct cdf_queue_rule *rule)
{
	/* The kernel wants the size that XT_ALIGN() makes of it. */
	_Alignas(8) uint8_t info[8] = { 0 };
	struct xt_NFQ_info_v3 queue = {
		.queuenum = rule->first,
		.queues_total = rule->count,
		.flags = (uint16_t)((rule->bypass ? NFQ_FLAG_BYPASS : 0) |
				    (rule->by_cpu ? NFQ_FLAG_CPU_FANOUT : 0)),
	};
	struct nlattr *list, *element, *data;

	memcpy(info, &queue, sizeof(queue));
	list = mnl_attr_nest_start(header, NFTA_RULE_EXPRESSIONS);
	element = mnl_attr_nest_start(header, NFTA_LIST_ELEM);
	mnl_attr_put_strz(header, NFTA_EXPR_NAME, "target");
	data = mnl_attr_nest_start(header, NFTA_EXPR_DATA);
	mnl_attr_put_strz(header, NFTA_TARGET_NAME, TARGET);
	mnl_attr_put_u32(header, NFTA_TARGET_REV, htonl(TARGET_REVISION));
	mnl_attr_put(header, NFTA_TARGET_INFO, sizeof(info), info);
	mnl_attr_nest_end(header, data);
	mnl_attr_nest_end(header, element);
	mnl_attr_nest_end(header, list);
}

static void put_rule(struct batch *batch, const struct cdf_queue_rule *rule)
{
	struct nlmsghdr *header =
		begin_change(batch, NFT_MSG_NEWRULE, NLM_F_APPEND);
	size_t length = strlen(rule->comment) + 1;
	uint8_t comment[2 + CDF_COMMENT_MAX + 1] = { UDATA_COMMENT,
						     (uint8_t)length };

	memcpy(comment + 2, rule->comment, length);
	mnl_attr_put_strz(header, NFTA_RULE_TABLE, rule->table);
	mnl_attr_put_strz(header, NFTA_RULE_CHAIN, rule->chain);
	put_target(header, rule);
	mnl_attr_put(header, NFTA_RULE_USERDATA, 2 + length, comment);
	mnl_nlmsg_batch_next(batch->messages);
}

static void put_home(struct batch *batch, const struct cdf_queue_rule *rule)
{
	struct nlmsghdr *header = begin_change(batch, NFT_MSG_NEWTABLE, 0);

	mnl_attr_put_strz(header, NFTA_TABLE_NAME, rule->table);
	mnl_nlmsg_batch_next(batch->messages);
	header = begin_change(batch, NFT_MSG_NEWCHAIN, 0);
	mnl_attr_put_strz(header, NFTA_CHAIN_TABLE, rule->table);
	mnl_attr_put_strz(header, NFTA_CHAIN_NAME, rule->chain);
	mnl_nlmsg_batch_next(batch->messages);
}

/* @return the kernel's word on one of the messages, or NULL */
static const struct nlmsgerr *answer_in(const struct nlmsghdr *header,
					const struct batch *batch)
{
	if (header->nlmsg_type != NLMSG_ERROR ||
	    header->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr)) ||
	    header->nlmsg_seq - SEQUENCE >= batch->sequence - SEQUENCE)
		return NULL;
	return mnl_nlmsg_get_payload(header);
}

/* One answer for each message that asked for one; the first error counts. To the
 * message that begins it comes none but of a transaction that is refused whole
 * (nfnetlink_rcv_batch()). */
static int await(struct mnl_socket *socket, const struct batch *batch)
{
	_Alignas(8) uint8_t buffer[16384];
	uint64_t end = cdf_clock_now() + CDF_NETLINK_PATIENCE;
	int fd = mnl_socket_get_fd(socket), result = 0;

	for (unsigned int seen = 0; seen < batch->acks;) {
		ssize_t got =
			cdf_netlink_receive(fd, buffer, sizeof(buffer), end);

		if (got < 0)
			return result < 0 ? result : (int)got;
		for (size_t at = 0; at < (size_t)got;) {
			const struct nlmsghdr *header =
				(const void *)(buffer + at);
			const struct nlmsgerr *answer;

			if (!cdf_netlink_ok(header, (size_t)got - at))
				break;
			at += cdf_netlink_step(header, (size_t)got - at);
			answer = answer_in(header, batch);
			if (answer == NULL)
				continue;
			if (result == 0)
				result = answer->error;
			seen = header->nlmsg_seq == SEQUENCE ? batch->acks
							     : seen + 1;
		}
	}
	return result;
}

static int change(const struct cdf_queue_rule *rule, bool commit)
{
	_Alignas(8) uint8_t buffer[8192];
	struct batch batch = { .sequence = SEQUENCE };
	struct mnl_socket *socket = NULL;
	int error;

	if (strlen(rule->comment) > CDF_COMMENT_MAX ||
	    strlen(rule->table) >= NFT_NAME_MAXLEN ||
	    strlen(rule->chain) >= NFT_NAME_MAXLEN)
		return -EINVAL;
	error = cdf_netlink_open(NETLINK_NETFILTER, &socket);
	if (error < 0)
		return error;
	/* Room for the largest message behind the limit, as libmnl asks for. */
	batch.messages = mnl_nlmsg_batch_start(buffer, sizeof(buffer) / 2);
	if (batch.messages == NULL) {
		mnl_socket_close(socket);
		return -ENOMEM;
	}
	begin(&batch, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC);
	mnl_nlmsg_batch_next(batch.messages);
	if (!commit)
		put_home(&batch, rule);
	put_rule(&batch, rule);
	/* A transaction without its end is checked, and forgotten. */
	if (commit) {
		begin(&batch, NFNL_MSG_BATCH_END, 0, AF_UNSPEC);
		mnl_nlmsg_batch_next(batch.messages);
	}
	if (mnl_socket_sendto(socket, mnl_nlmsg_batch_head(batch.messages),
			      mnl_nlmsg_batch_size(batch.messages)) < 0)
		error = -errno;
	else
		error = await(socket, &batch);
	mnl_nlmsg_batch_stop(batch.messages);
	mnl_socket_close(socket);
	return error;
}

int cdf_nft_queue_add(const struct cdf_queue_rule *rule)
{
	return change(rule, true);
}

int cdf_nft_queue_try(const struct cdf_queue_rule *rule)
{
	return change(rule, false);
}

static int read_generation(const struct nlattr *attribute, void *into)
{
	uint32_t *generation = into;

	if (mnl_attr_get_type(attribute) == NFTA_GEN_ID &&
	    mnl_attr_validate(attribute, MNL_TYPE_U32) >= 0)
		*generation = ntohl(mnl_attr_get_u32(attribute));
	return MNL_CB_OK;
}

int cdf_nft_generation(uint32_t *generation)
{
	_Alignas(8) uint8_t buffer[4096];
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *generic;
	struct mnl_socket *socket = NULL;
	uint64_t end = cdf_clock_now() + CDF_NETLINK_PATIENCE;
	ssize_t got = 0;
	int error = 0;

	header->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN;
	header->nlmsg_flags = NLM_F_REQUEST;
	header->nlmsg_seq = SEQUENCE;
	generic = mnl_nlmsg_put_extra_header(header, sizeof(*generic));
	generic->version = NFNETLINK_V0;
	error = cdf_netlink_open(NETLINK_NETFILTER, &socket);
	if (error < 0)
		return error;
	if (mnl_socket_sendto(socket, header, header->nlmsg_len) < 0)
		got = -errno;
	while (got >= 0) {
		got = cdf_netlink_receive(mnl_socket_get_fd(socket), buffer,
					  sizeof(buffer), end);
		if (got >= 0 && cdf_netlink_ok(header, (size_t)got) &&
		    header->nlmsg_seq == SEQUENCE)
			break;
	}
	mnl_socket_close(socket);
	if (got < 0)
		return (int)got;
	if (header->nlmsg_type != NLMSG_ERROR) {
		*generation = 0;
		mnl_attr_parse(header, sizeof(*generic), read_generation,
			       generation);
		return 0;
	}
	if (header->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr)))
		return -EBADMSG;
	return ((const struct nlmsgerr *)mnl_nlmsg_get_payload(header))->error;
}

int cdf_legacy_size(const char *table, uint32_t *entries, uint32_t *bytes)
{
	struct ipt_getinfo info = { 0 };
	socklen_t length = sizeof(info);
	int fd, error = 0;

	if (strlen(table) >= sizeof(info.name))
		return -EINVAL;
	memcpy(info.name, table, strlen(table) + 1);
	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (fd < 0)
		return -errno;
	if (getsockopt(fd, IPPROTO_IP, IPT_SO_GET_INFO, &info, &length) < 0)
		error = -errno;
	close(fd);
	*entries = info.num_entries;
	*bytes = info.size;
	return error;
}
