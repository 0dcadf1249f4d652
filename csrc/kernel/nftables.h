/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two things about the firewall that no tool does: a queue rule in a chain of
 * our own where the kernel has no `queue` expression (CONFIG_NFT_QUEUE), and a
 * look whether anybody has changed the rules, cheap enough to repeat. */
#ifndef CDF_NFTABLES_H
#define CDF_NFTABLES_H

#include <stdbool.h>
#include <stdint.h>

/* A rule of the family ip with nothing but the target NFQUEUE of x_tables, by way
 * of nft_compat. */
struct cdf_queue_rule {
	const char *table;   /* at most NFT_NAME_MAXLEN - 1 characters */
	const char *chain;   /* that the rule is appended to */
	const char *comment; /* at most CDF_COMMENT_MAX characters */
	uint16_t first;
	uint16_t count; /* queues */
	bool bypass;
	bool by_cpu;
};

#define CDF_COMMENT_MAX 127u

/**
 * Append the rule in a transaction of its own.
 * @return 0 or -errno: ENOENT without nft_compat, xt_NFQUEUE, table or chain
 */
int cdf_nft_queue_add(const struct cdf_queue_rule *rule);

/**
 * Try the rule as `nft --check` would: table, chain and rule are made in a
 * transaction that is never committed. Nothing of it stays.
 * @return 0 or -errno
 */
int cdf_nft_queue_try(const struct cdf_queue_rule *rule);

/** The number of nft's last change in this network namespace. @return 0 or -errno */
int cdf_nft_generation(uint32_t *generation);

/**
 * How many entries and bytes a table of iptables-legacy has. The table has to be
 * there: the kernel would make it otherwise.
 * @return 0 or -errno
 */
int cdf_legacy_size(const char *table, uint32_t *entries, uint32_t *bytes);

#endif
