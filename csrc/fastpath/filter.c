/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <stdio.h>
#include <string.h>

#include "filter_side.h"
#include "rtnetlink.h"

/* More devices than anybody has a clsact on. */
#define DEVICES_MAX 4096

struct qdiscs {
	int device; /* the one that is asked about; 0: all */
	int count;
	int with[DEVICES_MAX];
	bool clsact, other;
};

static int on_qdisc(const struct nlmsghdr *header, void *data)
{
	struct qdiscs *qdiscs = data;
	const struct tcmsg *tcm = mnl_nlmsg_get_payload(header);
	bool clsact;

	if (tcm->tcm_parent != TC_H_CLSACT ||
	    (qdiscs->device != 0 && tcm->tcm_ifindex != qdiscs->device))
		return MNL_CB_OK;
	clsact = cdf_has_kind(header, "clsact");
	qdiscs->clsact |= clsact;
	qdiscs->other |= !clsact;
	if (clsact && qdiscs->count < DEVICES_MAX)
		qdiscs->with[qdiscs->count++] = tcm->tcm_ifindex;
	return MNL_CB_OK;
}

static int find_qdiscs(struct qdiscs *qdiscs, int device)
{
	struct cdf_request request;
	struct nlmsghdr *header = cdf_request_begin(&request, RTM_GETQDISC,
						    NLM_F_DUMP, device, 0);

	memset(qdiscs, 0, sizeof(*qdiscs));
	qdiscs->device = device;
	return cdf_request_run(header, on_qdisc, qdiscs);
}

int cdf_filter_list(void (*each)(const struct cdf_filter *filter, void *data),
		    void *data)
{
	struct qdiscs qdiscs;
	int error = find_qdiscs(&qdiscs, 0);

	for (int i = 0; error == 0 && i < qdiscs.count * 2; i++) {
		struct cdf_side side = { .each = each, .data = data };
		struct cdf_place place = { qdiscs.with[i / 2],
					   i % 2 ? CDF_EGRESS : CDF_INGRESS };

		error = cdf_side_read(&side, place);
		/* The device, or its qdisc, has gone meanwhile. */
		if (error == -ENODEV || error == -EINVAL || error == -ENOENT)
			error = 0;
	}
	return error;
}

static int change_qdisc(uint16_t type, uint16_t flags, int device)
{
	struct cdf_request request;
	struct nlmsghdr *header = cdf_request_begin(
		&request, type, NLM_F_ACK | flags, device, TC_H_CLSACT);

	cdf_request_tcm(header)->tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	mnl_attr_put_strz(header, TCA_KIND, "clsact");
	return cdf_request_run(header, NULL, NULL);
}

/* @param brought whether this brings it */
static int ensure_qdisc(int device, bool *brought)
{
	struct qdiscs qdiscs;
	int error = find_qdiscs(&qdiscs, device);

	*brought = false;
	if (error < 0 || qdiscs.clsact)
		return error;
	if (qdiscs.other)
		return -EADDRINUSE;
	error = change_qdisc(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, device);
	if (error == -EEXIST)
		return 0; /* another program was faster */
	*brought = error == 0;
	return error;
}

static int put_filter(struct cdf_place place, const char *name, bool brought,
		      int program)
{
	struct cdf_request request;
	struct nlmsghdr *header = cdf_request_begin(
		&request, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_ACK,
		place.device, cdf_filter_parent(place.direction));
	struct nlattr *options;
	char text[sizeof(CDF_FILTER_PREFIX) + CDF_FILTER_NAME_MAX + 1];

	snprintf(text, sizeof(text), CDF_FILTER_PREFIX "%s%s", name,
		 brought ? CDF_FILTER_BROUGHT : "");
	cdf_request_tcm(header)->tcm_handle = cdf_filter_handle(name);
	cdf_request_tcm(header)->tcm_info = cdf_filter_info();
	mnl_attr_put_strz(header, TCA_KIND, "bpf");
	options = mnl_attr_nest_start(header, TCA_OPTIONS);
	mnl_attr_put_u32(header, TCA_BPF_FD, (uint32_t)program);
	mnl_attr_put_strz(header, TCA_BPF_NAME, text);
	mnl_attr_put_u32(header, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	mnl_attr_nest_end(header, options);
	return cdf_request_run(header, NULL, NULL);
}

static enum cdf_direction opposite(enum cdf_direction direction)
{
	return direction == CDF_INGRESS ? CDF_EGRESS : CDF_INGRESS;
}

/* Take the qdisc away where nobody has a filter in it. */
static int drop_empty_qdisc(struct cdf_place place)
{
	struct cdf_side here = { 0 }, there = { 0 };
	struct cdf_place other = { place.device, opposite(place.direction) };
	int error = cdf_side_read(&here, place);

	if (error == 0)
		error = cdf_side_read(&there, other);
	if (error < 0 || here.any || there.any)
		return error;
	return change_qdisc(RTM_DELQDISC, 0, place.device);
}

int cdf_filter_attach(struct cdf_place place, const char *name, int program)
{
	struct cdf_side here = { .name = name }, there = { 0 };
	struct cdf_place other = { place.device, opposite(place.direction) };
	bool brought;
	int error;

	if (strlen(name) >= CDF_FILTER_NAME_MAX)
		return -ENAMETOOLONG;
	error = ensure_qdisc(place.device, &brought);
	if (error == 0 && !brought)
		error = cdf_side_read(&here, place);
	if (error == 0 && !brought)
		error = cdf_side_read(&there, other);
	if (error == 0 && here.foreign)
		error = -EEXIST;
	if (error == 0)
		error = put_filter(place, name,
				   brought || here.brought || there.brought,
				   program);
	if (error < 0 && brought)
		(void)drop_empty_qdisc(place);
	return error;
}

int cdf_filter_look(struct cdf_place place, const char *name,
		    struct cdf_filter *mine)
{
	struct cdf_side side = { .name = name };
	struct qdiscs qdiscs;
	int error = find_qdiscs(&qdiscs, place.device);

	if (error < 0)
		return error;
	if (!qdiscs.clsact)
		return qdiscs.other ? -EADDRINUSE : -ENOENT;
	error = cdf_side_read(&side, place);
	if (error < 0)
		return error;
	if (!side.ours)
		return side.foreign ? -EEXIST : -ENOENT;
	*mine = side.mine;
	return 0;
}

int cdf_filter_detach(struct cdf_place place, const char *name)
{
	struct cdf_side here = { .name = name };
	struct cdf_request request;
	struct nlmsghdr *header;
	int error = cdf_side_read(&here, place);

	if (error < 0)
		/* The kernel says EINVAL of a device without a qdisc for it. */
		return error == -EINVAL ? -ENOENT : error;
	if (!here.ours)
		return -ENOENT;
	header = cdf_request_begin(&request, RTM_DELTFILTER, NLM_F_ACK,
				   place.device,
				   cdf_filter_parent(place.direction));
	cdf_request_tcm(header)->tcm_handle = cdf_filter_handle(name);
	cdf_request_tcm(header)->tcm_info = cdf_filter_info();
	mnl_attr_put_strz(header, TCA_KIND, "bpf");
	error = cdf_request_run(header, NULL, NULL);
	if (error < 0)
		return error;
	return here.mine.brought_qdisc ? drop_empty_qdisc(place) : 0;
}
