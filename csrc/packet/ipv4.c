/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ipv4.h"

#include <string.h>

#define CHECKSUM_OFFSET 10

bool cdf_ipv4_read(const uint8_t *data, size_t held, struct cdf_ipv4 *header)
{
	if (held < CDF_IPV4_MIN_HEADER || data[0] >> 4 != 4)
		return false;
	header->header_length = (data[0] & 0x0fu) * 4;
	if (header->header_length < CDF_IPV4_MIN_HEADER ||
	    header->header_length > held)
		return false;
	header->total_length = cdf_load16(data + 2);
	header->identification = cdf_load16(data + 4);
	header->fragment = cdf_load16(data + 6);
	header->protocol = data[9];
	memcpy(&header->source, data + 12, sizeof(header->source));
	memcpy(&header->destination, data + 16, sizeof(header->destination));
	return true;
}

uint16_t cdf_sum(const uint8_t *data, size_t length, uint16_t start)
{
	/* 2^32 words of 32 bits fit before the accumulator can overflow. */
	uint64_t sum = start;
	uint32_t word;
	size_t i;

	for (i = 0; i + sizeof(word) <= length; i += sizeof(word)) {
		memcpy(&word, data + i, sizeof(word));
		sum += word;
	}
	if (i < length) {
		word = 0;
		memcpy(&word, data + i, length - i);
		sum += word;
	}
	return cdf_fold(sum);
}

bool cdf_ipv4_checksum_good(const uint8_t *data, size_t header_length)
{
	return cdf_sum(data, header_length, 0) == 0xffff;
}

void cdf_ipv4_replace(uint8_t *data, size_t offset, uint16_t value)
{
	uint16_t check, before, after;

	memcpy(&before, data + offset, 2);
	cdf_store16(data + offset, value);
	memcpy(&after, data + offset, 2);
	memcpy(&check, data + CHECKSUM_OFFSET, 2);
	check = cdf_checksum_after(check, before, after);
	memcpy(data + CHECKSUM_OFFSET, &check, 2);
}
