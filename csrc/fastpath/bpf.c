/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bpf.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define VERIFIER_LOG (1u << 20)

static int call(enum bpf_cmd command, union bpf_attr *attr)
{
	long result = syscall(SYS_bpf, command, attr, sizeof(*attr));

	return result < 0 ? -errno : (int)result;
}

/* Before 5.11 maps and programs count as locked memory, and EPERM is the answer
 * when there is too little. */
static int call_charged(enum bpf_cmd command, union bpf_attr *attr)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	int result = call(command, attr);

	if (result != -EPERM || setrlimit(RLIMIT_MEMLOCK, &all) < 0)
		return result;
	return call(command, attr);
}

static uint64_t pointer(const void *at)
{
	return (uint64_t)(uintptr_t)at;
}

int cdf_bpf_map(const char *name, enum bpf_map_type type, uint32_t value_size,
		uint32_t entries, uint32_t flags, int btf, uint32_t btf_value)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = type;
	attr.key_size = sizeof(uint32_t);
	attr.value_size = value_size;
	attr.max_entries = entries;
	attr.map_flags = flags;
	strncpy(attr.map_name, name, sizeof(attr.map_name) - 1);
	if (btf_value != 0) {
		attr.btf_fd = (uint32_t)btf;
		attr.btf_key_type_id = 1;
		attr.btf_value_type_id = btf_value;
	}
	return call_charged(BPF_MAP_CREATE, &attr);
}

int cdf_bpf_write(int map, uint32_t key, const void *value)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)map;
	attr.key = pointer(&key);
	attr.value = pointer(value);
	return call(BPF_MAP_UPDATE_ELEM, &attr);
}

int cdf_bpf_read(int map, uint32_t key, void *value)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)map;
	attr.key = pointer(&key);
	attr.value = pointer(value);
	return call(BPF_MAP_LOOKUP_ELEM, &attr);
}

int cdf_bpf_freeze(int map)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)map;
	return call(BPF_MAP_FREEZE, &attr);
}

int cdf_bpf_btf(const void *blob, size_t size)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.btf = pointer(blob);
	attr.btf_size = (uint32_t)size;
	return call_charged(BPF_BTF_LOAD, &attr);
}

/* Its last lines say what the verifier did not like. */
static void keep_end(const char *text, char *log, size_t log_size)
{
	size_t length = strlen(text);
	size_t kept = length < log_size - 1 ? length : log_size - 1;

	memcpy(log, text + length - kept, kept);
	log[kept] = '\0';
}

/* The verifier gives up with EAGAIN while a signal is pending (do_check() in
 * kernel/bpf/verifier.c): meanwhile this thread takes none. */
static int load(union bpf_attr *attr)
{
	sigset_t all, before;
	int result;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = call_charged(BPF_PROG_LOAD, attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return result;
}

int cdf_bpf_load(const char *name, const struct bpf_insn *program, size_t count,
		 char *log, size_t log_size)
{
	union bpf_attr attr;
	char *text;
	int result, again;

	log[0] = '\0';
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_SCHED_CLS;
	attr.insns = pointer(program);
	attr.insn_cnt = (uint32_t)count;
	attr.license = pointer("GPL");
	strncpy(attr.prog_name, name, sizeof(attr.prog_name) - 1);
	result = load(&attr);
	if (result >= 0 || result == -EPERM)
		return result;
	text = calloc(1, VERIFIER_LOG);
	if (text == NULL)
		return result;
	attr.log_buf = pointer(text);
	attr.log_size = VERIFIER_LOG;
	attr.log_level = 1;
	again = load(&attr);
	if (again < 0)
		keep_end(text, log, log_size);
	free(text);
	/* A log that is full is an error of its own, ENOSPC. */
	return again < 0 ? result : again;
}

int cdf_bpf_program_by_id(uint32_t id)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_id = id;
	return call(BPF_PROG_GET_FD_BY_ID, &attr);
}

int cdf_bpf_map_by_id(uint32_t id)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_id = id;
	return call(BPF_MAP_GET_FD_BY_ID, &attr);
}

static int info(int fd, void *into, size_t size)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info = pointer(into);
	attr.info.info_len = (uint32_t)size;
	return call(BPF_OBJ_GET_INFO_BY_FD, &attr);
}

int cdf_bpf_program_info(int program, uint32_t *id, uint32_t *map_ids,
			 uint32_t *count)
{
	struct bpf_prog_info found;
	int result;

	memset(&found, 0, sizeof(found));
	found.nr_map_ids = *count;
	found.map_ids = pointer(map_ids);
	result = info(program, &found, sizeof(found));
	if (result < 0)
		return result;
	*id = found.id;
	if (found.nr_map_ids < *count)
		*count = found.nr_map_ids;
	return 0;
}

int cdf_bpf_map_info(int map, struct bpf_map_info *found)
{
	memset(found, 0, sizeof(*found));
	return info(map, found, sizeof(*found));
}

int cdf_bpf_try(int program, struct cdf_bpf_trial *trial)
{
	union bpf_attr attr;
	int result;

	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = (uint32_t)program;
	attr.test.data_in = pointer(trial->in);
	attr.test.data_size_in = trial->length;
	attr.test.data_out = pointer(trial->out);
	attr.test.data_size_out = trial->length;
	attr.test.ctx_in = pointer(&trial->context);
	attr.test.ctx_size_in = sizeof(trial->context);
	attr.test.repeat = trial->repeat;
	result = call(BPF_PROG_TEST_RUN, &attr);
	trial->nanoseconds = attr.test.duration;
	return result;
}
