/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rtnetlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "netlink.h"

#define SEQUENCE 1u
/* A dump comes in pieces of at most this. */
#define PIECE 32768u

struct nlmsghdr *cdf_request_begin(struct cdf_request *request, uint16_t type,
				   uint16_t flags, int device, uint32_t parent)
{
	struct nlmsghdr *header;
	struct tcmsg *tcm;

	memset(request, 0, sizeof(*request));
	header = mnl_nlmsg_put_header(request->buffer);
	header->nlmsg_type = type;
	header->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	header->nlmsg_seq = SEQUENCE;
	tcm = mnl_nlmsg_put_extra_header(header, sizeof(*tcm));
	tcm->tcm_family = AF_UNSPEC;
	tcm->tcm_ifindex = device;
	tcm->tcm_parent = parent;
	return header;
}

static int exchange(struct mnl_socket *socket, const struct nlmsghdr *header,
		    mnl_cb_t each, void *data)
{
	_Alignas(8) uint8_t piece[PIECE];
	unsigned int port = mnl_socket_get_portid(socket);
	uint64_t end = cdf_clock_now() + CDF_NETLINK_PATIENCE;
	int more = MNL_CB_OK;

	if (mnl_socket_sendto(socket, header, header->nlmsg_len) < 0)
		return -errno;
	while (more > MNL_CB_STOP) {
		ssize_t got = cdf_netlink_receive(mnl_socket_get_fd(socket),
						  piece, sizeof(piece), end);

		if (got < 0)
			return (int)got;
		more = mnl_cb_run(piece, (size_t)got, SEQUENCE, port, each,
				  data);
	}
	return more < 0 ? -errno : 0;
}

int cdf_request_run(const struct nlmsghdr *header, mnl_cb_t each, void *data)
{
	struct mnl_socket *socket = NULL;
	int result = cdf_netlink_open(NETLINK_ROUTE, &socket);

	if (result < 0)
		return result;
	result = exchange(socket, header, each, data);
	mnl_socket_close(socket);
	return result;
}
