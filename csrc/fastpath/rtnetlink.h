/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request to rtnetlink about traffic control, and its answers. */
#ifndef CDF_FASTPATH_RTNETLINK_H
#define CDF_FASTPATH_RTNETLINK_H

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdint.h>

/* As much as an answer about one filter takes. */
#define CDF_REQUEST_MAX 1024u

struct cdf_request {
	_Alignas(8) uint8_t buffer[CDF_REQUEST_MAX];
};

/** Begin a request. @param flags besides NLM_F_REQUEST */
struct nlmsghdr *cdf_request_begin(struct cdf_request *request, uint16_t type,
				   uint16_t flags, int device, uint32_t parent);

static inline struct tcmsg *cdf_request_tcm(struct nlmsghdr *header)
{
	return mnl_nlmsg_get_payload(header);
}

/**
 * Send it and take what comes until the end of the dump or the acknowledgement.
 * @param each called for every message of a dump; may be NULL
 * @return 0 or -errno
 */
int cdf_request_run(const struct nlmsghdr *header, mnl_cb_t each, void *data);

#endif
