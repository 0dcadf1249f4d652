/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter_side.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <string.h>

#include "rtnetlink.h"

uint32_t cdf_filter_parent(enum cdf_direction direction)
{
	return TC_H_MAKE(TC_H_CLSACT, direction == CDF_INGRESS
					      ? TC_H_MIN_INGRESS
					      : TC_H_MIN_EGRESS);
}

uint32_t cdf_filter_info(void)
{
	return TC_H_MAKE(CDF_FILTER_PREFERENCE << 16, htons(ETH_P_ALL));
}

/* FNV-1a; never 0, by which the kernel would choose one. */
uint32_t cdf_filter_handle(const char *name)
{
	uint32_t hash = 0x811c9dc5u;

	for (; *name != '\0'; name++)
		hash = (hash ^ (uint8_t)*name) * 0x01000193u;
	return (hash & 0x7fffffff) | 1;
}

bool cdf_has_kind(const struct nlmsghdr *header, const char *kind)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, header, sizeof(struct tcmsg))
	{
		if (mnl_attr_get_type(attr) == TCA_KIND &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			return strcmp(mnl_attr_get_str(attr), kind) == 0;
	}
	return false;
}

/* @return whether the name is one of clear-df's */
static bool read_name(const char *text, struct cdf_filter *filter)
{
	size_t length;

	if (strncmp(text, CDF_FILTER_PREFIX, sizeof(CDF_FILTER_PREFIX) - 1) !=
	    0)
		return false;
	text += sizeof(CDF_FILTER_PREFIX) - 1;
	length = strlen(text);
	filter->brought_qdisc =
		length > 0 && text[length - 1] == CDF_FILTER_BROUGHT[0];
	length -= filter->brought_qdisc;
	if (length == 0 || length >= sizeof(filter->name))
		return false;
	memcpy(filter->name, text, length);
	filter->name[length] = '\0';
	return true;
}

static bool read_options(const struct nlmsghdr *header,
			 struct cdf_filter *filter)
{
	const struct nlattr *attr, *option;
	bool named = false;

	filter->program_id = 0;
	mnl_attr_for_each(attr, header, sizeof(struct tcmsg))
	{
		if (mnl_attr_get_type(attr) != TCA_OPTIONS)
			continue;
		mnl_attr_for_each_nested(option, attr)
		{
			if (mnl_attr_get_type(option) == TCA_BPF_NAME &&
			    mnl_attr_validate(option, MNL_TYPE_NUL_STRING) >= 0)
				named = read_name(mnl_attr_get_str(option),
						  filter);
			if (mnl_attr_get_type(option) == TCA_BPF_ID &&
			    mnl_attr_validate(option, MNL_TYPE_U32) >= 0)
				filter->program_id = mnl_attr_get_u32(option);
		}
	}
	return named;
}

static int on_filter(const struct nlmsghdr *header, void *data)
{
	struct cdf_side *side = data;
	const struct tcmsg *tcm = mnl_nlmsg_get_payload(header);
	uint32_t preference = TC_H_MAJ(tcm->tcm_info) >> 16;
	bool bpf = cdf_has_kind(header, "bpf");
	bool clear_df = bpf && preference == CDF_FILTER_PREFERENCE &&
			read_options(header, &side->found);

	/* Without a handle it is the head of its preference, no filter. */
	if (tcm->tcm_handle != 0)
		side->any = true;
	if (preference == CDF_FILTER_PREFERENCE && side->name != NULL) {
		bool mine =
			clear_df && strcmp(side->found.name, side->name) == 0;

		if (mine && tcm->tcm_handle != 0) {
			side->ours = true;
			side->mine = side->found;
		}
		if (!bpf ||
		    (!mine && tcm->tcm_handle == cdf_filter_handle(side->name)))
			side->foreign = true;
	}
	if (!clear_df || tcm->tcm_handle == 0)
		return MNL_CB_OK;
	side->brought |= side->found.brought_qdisc;
	if (side->each != NULL)
		side->each(&side->found, side->data);
	return MNL_CB_OK;
}

int cdf_side_read(struct cdf_side *side, struct cdf_place place)
{
	struct cdf_request request;
	struct nlmsghdr *header = cdf_request_begin(
		&request, RTM_GETTFILTER, NLM_F_DUMP, place.device,
		cdf_filter_parent(place.direction));

	side->found.place = place;
	return cdf_request_run(header, on_filter, side);
}
