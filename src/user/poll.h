/* SPDX-License-Identifier: MIT */
/* Waiting for files: what poll(2), select(2) and epoll_wait(2) have in common. */
#ifndef KEG_USER_POLL_H
#define KEG_USER_POLL_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

struct keg_task;

/* How long a call waits. */
struct keg_wait {
	bool for_ever;
	uint64_t deadline; /* CLOCK_MONOTONIC ns */
	bool look_only;    /* a timeout of zero */
};
#define KEG_WAIT_FOR_EVER ((struct keg_wait){.for_ever = true})

/* From a timeout in nanoseconds; negative: for ever. Goes on with an interrupted call's. */
struct keg_wait keg_wait_for(struct keg_task *task, int64_t ns);
/* A struct timespec of the program's; 0: for ever. -EFAULT, -EINVAL */
int keg_wait_read(struct keg_task *task, uint64_t at, struct keg_wait *wait);
/* What is left of it. */
struct timespec keg_wait_left(const struct keg_wait *wait);
/* Writes what is left to a struct timespec of the program's, if there is one; what fails, fails
 * silently, as the kernel has it. */
void keg_wait_write(struct keg_task *task, uint64_t at, const struct keg_wait *wait);
/* What a wait that was interrupted answers: it goes on with what is left, if no handler ran. */
int64_t keg_wait_interrupted(struct keg_task *task, const struct keg_wait *wait);

/* poll(2) with the program's descriptors: fills in revents, and answers how many there are, or
 * -EINTR, -ENOMEM. */
int64_t keg_poll(
	struct keg_task *task, struct pollfd *wanted, uint32_t count, const struct keg_wait *wait);

#endif
