/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a queue is asked for: what is required, what is best effort, and what the
 * kernel said to each. */
#ifndef CDF_SETTING_H
#define CDF_SETTING_H

#include <stdbool.h>
#include <stdint.h>

struct mnl_socket;

/* Most packets that are taken in one recvmmsg() and answered at once. */
#define CDF_BATCH 64u

/* What a queue is asked for. */
struct cdf_queue_options {
	uint32_t copy_range;	 /* bytes of each packet */
	uint32_t queue_length;	 /* packets waiting in the kernel */
	uint32_t receive_buffer; /* bytes of the socket */
	bool fail_open;
	bool gso;
};

enum cdf_setting_kind {
	CDF_SETTING_BIND,
	CDF_SETTING_COPY_MODE,
	CDF_SETTING_COPY_RANGE,
	CDF_SETTING_RECEIVE_BUFFER,
	CDF_SETTING_SEND_BUFFER,
	CDF_SETTING_NO_ENOBUFS,
	CDF_SETTING_FAIL_OPEN,
	CDF_SETTING_GSO,
	CDF_SETTING_QUEUE_LENGTH,
	CDF_SETTING_COUNT
};

/* One row of what took and what was refused. */
struct cdf_setting {
	const char *name;
	bool required;
	uint32_t value;
	int error; /* 0 or -errno */
};

/** Fill settings (CDF_SETTING_COUNT rows) with what is asked for. */
void cdf_settings_start(struct cdf_setting *settings,
			const struct cdf_queue_options *options);

/** Size the receive buffer as asked for, as far as it goes. */
void cdf_settings_size(struct cdf_setting *settings, struct mnl_socket *socket);

/** Size the socket's buffers and silence ENOBUFS, each as far as it goes. */
void cdf_settings_tune(struct cdf_setting *settings, struct mnl_socket *socket);

#endif
