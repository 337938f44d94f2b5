/* SPDX-License-Identifier: MIT */
/* System calls in words, as strace writes them, from the table's argument letters. */
#ifndef KEG_USER_TRACE_H
#define KEG_USER_TRACE_H

#include <pthread.h>
#include <stdint.h>

#include <keg/user.h>

struct keg_task;
struct keg_syscall;

struct keg_tracer {
	pthread_mutex_t lock;
	keg_user_tracer *tell;
	void *context;
};

/* Strings that a call consumes are taken before it is served (execve's are gone after it): begin,
 * then end. */
struct keg_trace {
	char text[1024];
	uint32_t length;
	uint32_t written; /* arguments */
	uint64_t began;
	const struct keg_syscall *call;
};
/* `number` is below KEG_SYSCALL_LIMIT. */
void keg_trace_begin(
	struct keg_trace *trace, struct keg_task *task, uint64_t number, const uint64_t args[6]);
void keg_trace_end(struct keg_trace *trace, struct keg_task *task, uint64_t number,
	const uint64_t args[6], int64_t result, bool returned, bool served);

#endif
