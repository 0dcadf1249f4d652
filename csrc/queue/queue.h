/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One netfilter queue: open, bind, configure, receive a batch, answer one. */
#ifndef CDF_QUEUE_H
#define CDF_QUEUE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "message.h"
#include "queue_config.h"

struct cdf_queue;

/**
 * Open a socket, bind the queue and configure it, held: packets come only after
 * cdf_queue_release().
 * @param settings CDF_SETTING_COUNT rows, filled in whatever the outcome; they
 *        have to outlive the queue
 * @return 0, or -errno, see cdf_queue_config_bind()
 */
int cdf_queue_open(struct cdf_queue **queue, uint16_t number,
		   const struct cdf_queue_options *options,
		   struct cdf_setting *settings);

/** Packets come from now on. */
void cdf_queue_release(struct cdf_queue *queue);

uint16_t cdf_queue_number(const struct cdf_queue *queue);
/** For poll(2). */
int cdf_queue_fd(const struct cdf_queue *queue);
/** The netlink port id that /proc/net/netfilter/nfnetlink_queue shows. */
uint32_t cdf_queue_port(const struct cdf_queue *queue);

/**
 * Receive what is there, up to so many datagrams (CDF_BATCH at most), without
 * waiting. They stay until the next call.
 * @return how many, or -EAGAIN, -ENOBUFS or another -errno
 */
int cdf_queue_receive(struct cdf_queue *queue, struct cdf_datagram *datagram,
		      unsigned int want);

/** Give the memory of the receive buffers back until packets reach them anew. */
void cdf_queue_trim(struct cdf_queue *queue);

/**
 * Send several messages at once.
 * @return 0 or -errno; on error the kernel has taken none of them
 */
int cdf_queue_send(struct cdf_queue *queue, const struct iovec *iov,
		   size_t count);

/**
 * How much of the receive buffer is taken, in bytes as the kernel counts them
 * (skb->truesize).
 * @return 0 or -errno
 */
int cdf_queue_backlog(const struct cdf_queue *queue, uint32_t *taken,
		      uint32_t *room);

/**
 * Make the receive buffer smaller for a while, to so many bytes as
 * cdf_queue_backlog() counts them, where it could be made larger again.
 */
void cdf_queue_shorten(struct cdf_queue *queue, uint32_t bytes);
/** Give it back the size that the settings ask for. */
void cdf_queue_lengthen(struct cdf_queue *queue);

/** See cdf_queue_config_fail_open(). */
int cdf_queue_fail_open(struct cdf_queue *queue, bool on);

/** Let new packets pass the queue by, see cdf_queue_config_hold(). */
int cdf_queue_hold(struct cdf_queue *queue);

/**
 * Bind and configure again after the queue was lost; packets come at once.
 * @param still_ours set to whether no one else had it in the meantime
 * @return 0 or -errno, see cdf_queue_config_bind()
 */
int cdf_queue_rebind(struct cdf_queue *queue, bool *still_ours);

/** What came while the queue was being bound, since the last call. */
struct cdf_strays cdf_queue_strays(struct cdf_queue *queue);

/** Unbind and close. The kernel drops packets that are still unanswered. */
void cdf_queue_close(struct cdf_queue *queue);

#endif
