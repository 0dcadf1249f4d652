/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "companion.h"

#include <string.h>
#include <unistd.h>

#include "kernel_queue.h"

void cdf_companion_start(struct cdf_companion *companion, uint16_t number)
{
	memset(companion, 0, sizeof(*companion));
	companion->number = number;
	companion->kernel = cdf_kernel_queue_open();
	pthread_mutex_init(&companion->lock, NULL);
}

void cdf_companion_end(struct cdf_companion *companion)
{
	if (companion->kernel >= 0)
		close(companion->kernel);
	pthread_mutex_destroy(&companion->lock);
}

static int send_verdict(const struct cdf_companion *companion,
			struct cdf_queue *queue, uint32_t packet_id)
{
	_Alignas(4) uint8_t buffer[CDF_VERDICT_SIZE];
	struct iovec iov = { buffer, sizeof(buffer) };

	cdf_message_write_verdict(buffer, cdf_queue_number(queue), packet_id,
				  cdf_verdict_to_queue(companion->number));
	return cdf_queue_send(queue, &iov, 1);
}

/* FNV-1a over protocol, addresses and ports; never 0. */
static uint32_t flow_of(const struct cdf_packet *packet)
{
	const uint8_t *header = packet->data;
	uint32_t hash = 2166136261u ^ header[9];
	uint32_t ports = (header[0] & 15u) * 4u;

	for (int i = 12; i < 20; i++)
		hash = (hash ^ header[i]) * 16777619u;
	for (uint32_t i = ports; i < ports + 4 && i < packet->length; i++)
		hash = (hash ^ header[i]) * 16777619u;
	return hash | 1;
}

static uint32_t *place_of(struct cdf_companion *companion, uint32_t flow)
{
	return &companion->lost_flow[flow / 2 % CDF_LOST_FLOWS];
}

enum cdf_sent_on cdf_companion_send(struct cdf_companion *companion,
				    struct cdf_queue *queue,
				    const struct cdf_message *message,
				    int *error)
{
	int fd = companion->kernel;
	uint16_t number = companion->number;
	struct cdf_kernel_queue before = { 0 }, after = { 0 };
	enum cdf_sent_on result = CDF_SENT_ON;
	uint32_t flow = flow_of(&message->packet);
	bool bound;

	pthread_mutex_lock(&companion->lock);
	bound = cdf_kernel_queue_read(fd, number, &before);
	*error = send_verdict(companion, queue, message->packet_id);
	if (*error < 0) {
		result = CDF_SENT_ON_FAILED;
	} else if (fd >= 0 && !cdf_kernel_queue_read(fd, number, &after)) {
		result = CDF_SENT_ON_PASSED;
	} else if (bound && before.sequence == after.sequence &&
		   before.queue_dropped == after.queue_dropped) {
		/* No number for a segment, and no drop that was counted. */
		result = CDF_SENT_ON_LOST;
		*place_of(companion, flow) = flow;
	}
	pthread_mutex_unlock(&companion->lock);
	return result;
}

bool cdf_companion_spares(struct cdf_companion *companion,
			  const struct cdf_packet *packet)
{
	uint32_t flow = flow_of(packet), *place = place_of(companion, flow);
	bool spares;

	pthread_mutex_lock(&companion->lock);
	spares = *place == flow;
	if (spares)
		*place = 0;
	pthread_mutex_unlock(&companion->lock);
	return spares;
}
