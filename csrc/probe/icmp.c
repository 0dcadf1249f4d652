/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "icmp.h"

#include <netinet/ip_icmp.h>
#include <string.h>

#include "packet/ipv4.h"

size_t cdf_icmp_write(uint8_t *into, const struct cdf_icmp_request *request,
		      uint16_t sequence)
{
	size_t length = CDF_ICMP_HEADER + request->payload_length;
	uint16_t check;

	memset(into, 0, CDF_ICMP_HEADER);
	into[0] = ICMP_ECHO;
	cdf_store16(into + 4, request->identifier);
	cdf_store16(into + 6, sequence);
	memcpy(into + CDF_ICMP_HEADER, request->payload,
	       request->payload_length);
	check = (uint16_t)~cdf_sum(into, length, 0);
	memcpy(into + 2, &check, sizeof(check));
	return length;
}

static bool is_ours(const uint8_t *icmp, const struct cdf_icmp_request *request,
		    uint16_t *sequence)
{
	*sequence = cdf_load16(icmp + 6);
	return cdf_load16(icmp + 4) == request->identifier &&
	       *sequence < request->tries;
}

static bool is_answer(const uint8_t *icmp, size_t length,
		      const struct cdf_icmp_request *request,
		      uint16_t *sequence)
{
	return icmp[1] == 0 && is_ours(icmp, request, sequence) &&
	       length == CDF_ICMP_HEADER + request->payload_length &&
	       memcmp(icmp + CDF_ICMP_HEADER, request->payload,
		      request->payload_length) == 0;
}

/* The quoted lengths and checksums are not looked at: routers write them in
 * many ways, and RFC 4884 lets zeros and extensions follow the quote. */
static bool is_quoted(const uint8_t *quote, size_t length,
		      const struct cdf_icmp_request *request,
		      uint16_t *sequence)
{
	const uint8_t *icmp;
	struct cdf_ipv4 ip;
	size_t held;

	if (!cdf_ipv4_read(quote, length, &ip) ||
	    ip.protocol != CDF_PROTO_ICMP ||
	    ip.destination != request->destination)
		return false;
	if ((ip.fragment & CDF_IPV4_OFFSET) != 0) {
		*sequence =
			(uint16_t)(ip.identification - request->identification);
		return *sequence < request->tries;
	}
	icmp = quote + ip.header_length;
	held = length - ip.header_length;
	if (held < CDF_ICMP_HEADER || icmp[0] != ICMP_ECHO || icmp[1] != 0 ||
	    !is_ours(icmp, request, sequence))
		return false;
	return held < CDF_ICMP_HEADER + CDF_ICMP_TOKEN ||
	       memcmp(icmp + CDF_ICMP_HEADER, request->payload,
		      CDF_ICMP_TOKEN) == 0;
}

static enum cdf_icmp_kind kind_of(const uint8_t *icmp, size_t length,
				  const struct cdf_icmp_request *request,
				  uint16_t *sequence)
{
	bool quoted;

	if (icmp[0] == ICMP_ECHOREPLY)
		return is_answer(icmp, length, request, sequence)
			       ? CDF_ICMP_ANSWER
			       : CDF_ICMP_FOREIGN;
	if (icmp[0] != ICMP_DEST_UNREACH && icmp[0] != ICMP_TIME_EXCEEDED &&
	    icmp[0] != ICMP_PARAMETERPROB)
		return CDF_ICMP_FOREIGN;
	quoted = is_quoted(icmp + CDF_ICMP_HEADER, length - CDF_ICMP_HEADER,
			   request, sequence);
	if (!quoted)
		return CDF_ICMP_FOREIGN;
	return icmp[0] == ICMP_DEST_UNREACH && icmp[1] == ICMP_FRAG_NEEDED
		       ? CDF_ICMP_FRAG_NEEDED
		       : CDF_ICMP_UNREACHABLE;
}

void cdf_icmp_read(const uint8_t *data, size_t length,
		   const struct cdf_icmp_request *request,
		   struct cdf_icmp *message)
{
	const uint8_t *icmp;
	struct cdf_ipv4 ip;
	size_t held;

	*message = (struct cdf_icmp){ .kind = CDF_ICMP_FOREIGN };
	if (!cdf_ipv4_read(data, length, &ip) ||
	    ip.protocol != CDF_PROTO_ICMP || cdf_ipv4_is_fragment(&ip) ||
	    ip.total_length > length ||
	    ip.total_length < ip.header_length + CDF_ICMP_HEADER)
		return;
	icmp = data + ip.header_length;
	held = ip.total_length - ip.header_length;
	/* A raw socket is handed packets before the kernel sums them up. */
	if (cdf_sum(icmp, held, 0) != 0xffff)
		return;
	message->kind = kind_of(icmp, held, request, &message->sequence);
	message->type = icmp[0];
	message->code = icmp[1];
	message->source = ip.source;
	message->destination = ip.destination;
	message->dont_fragment = (ip.fragment & CDF_IPV4_DF) != 0;
	if (message->kind == CDF_ICMP_FRAG_NEEDED)
		message->mtu = cdf_load16(icmp + 6);
}
