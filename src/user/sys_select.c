/* SPDX-License-Identifier: MIT */
/* select(2) and pselect(2): poll(2) in other words. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "user/poll.h"
#include "user/signals.h"
#include "user/space.h"
#include "user/task.h"
#include "user/time.h"

#define KEG_SELECT_MOST (1 << 20)
#define SETS            3

/* What a set asks for, and what puts a descriptor into it: select(2), "Correspondence". */
static const struct {
	short wanted, found;
} sets[SETS] = {
	{POLLIN | POLLRDNORM | POLLRDBAND, POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR},
	{POLLOUT | POLLWRNORM | POLLWRBAND, POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR},
	{POLLPRI, POLLPRI},
};

struct selection {
	struct keg_task *task;
	uint64_t at[SETS];     /* in the program; 0: none */
	uint64_t *bits[SETS];  /* here */
	uint32_t words, count; /* of a set; of descriptors */
	struct pollfd *fds;
	uint32_t used;
};

static int load(struct selection *selection)
{
	size_t bytes = selection->words * sizeof(uint64_t);

	for (int i = 0; i < SETS; i++) {
		selection->bits[i] = calloc(selection->words + 1, sizeof(uint64_t));
		if (!selection->bits[i])
			return -ENOMEM;
		if (selection->at[i] && bytes > 0 &&
			keg_space_read(selection->task->process->space, selection->bits[i],
				selection->at[i], bytes) < 0)
			return -EFAULT;
	}
	return 0;
}

/* One entry for each descriptor that is in any of the sets; the sets are empty after it. */
static int list(struct selection *selection)
{
	uint32_t used = 0;

	for (uint32_t n = 0; n < selection->count; n++) {
		for (int i = 0; i < SETS; i++) {
			if (selection->bits[i][n / 64] >> n % 64 & 1) {
				used++;
				break;
			}
		}
	}
	selection->fds = calloc(used + 1, sizeof(*selection->fds));
	if (!selection->fds)
		return -ENOMEM;
	for (uint32_t n = 0; n < selection->count; n++) {
		struct pollfd *fd = &selection->fds[selection->used];

		for (int i = 0; i < SETS; i++) {
			if (selection->bits[i][n / 64] >> n % 64 & 1)
				fd->events = (short)(fd->events | sets[i].wanted);
		}
		if (!fd->events)
			continue;
		fd->fd = (int)n;
		selection->used++;
	}
	for (int i = 0; i < SETS; i++)
		memset(selection->bits[i], 0, selection->words * sizeof(uint64_t));
	return 0;
}

/* The sets as they become: how many bits, or -EBADF. */
static int64_t results(struct selection *selection)
{
	int64_t bits = 0;

	for (uint32_t k = 0; k < selection->used; k++) {
		const struct pollfd *fd = &selection->fds[k];

		if (fd->revents & POLLNVAL)
			return -EBADF;
		for (int i = 0; i < SETS; i++) {
			if (!(fd->events & sets[i].wanted) || !(fd->revents & sets[i].found))
				continue;
			selection->bits[i][fd->fd / 64] |= 1ull << fd->fd % 64;
			bits++;
		}
	}
	return bits;
}

static int store(struct selection *selection)
{
	size_t bytes = selection->words * sizeof(uint64_t);

	for (int i = 0; i < SETS; i++) {
		if (selection->at[i] && bytes > 0 &&
			keg_space_write(selection->task->process->space, selection->at[i],
				selection->bits[i], bytes) < 0)
			return -EFAULT;
	}
	return 0;
}

static int64_t select_at(struct keg_task *task, const uint64_t args[6], const struct keg_wait *wait)
{
	uint64_t limit = task->process->limits[RLIMIT_NOFILE].rlim_cur;
	int32_t count = (int32_t)(uint32_t)args[0];
	struct selection selection = {.task = task, .at = {args[1], args[2], args[3]}};
	int64_t r;

	if (count < 0)
		return -EINVAL;
	/* Descriptors that cannot be are not looked at, as the kernel has it. */
	if (limit > KEG_SELECT_MOST)
		limit = KEG_SELECT_MOST;
	selection.count = (uint64_t)count < limit ? (uint32_t)count : (uint32_t)limit;
	selection.words = (selection.count + 63) / 64;
	r = load(&selection);
	if (r == 0)
		r = list(&selection);
	if (r == 0)
		r = keg_poll(task, selection.fds, selection.used, wait);
	if (r >= 0)
		r = results(&selection);
	if (r >= 0 && store(&selection) < 0)
		r = -EFAULT;
	for (int i = 0; i < SETS; i++)
		free(selection.bits[i]);
	free(selection.fds);
	return r == -EINTR ? keg_wait_interrupted(task, wait) : r;
}

static int64_t keg_sys_select(struct keg_task *task, const uint64_t args[6])
{
	struct keg_wait wait = KEG_WAIT_FOR_EVER;
	struct timespec left;
	struct timeval time;
	int64_t r, ns;

	if (args[4] != 0) {
		if (keg_space_read(task->process->space, &time, args[4], sizeof(time)) < 0)
			return -EFAULT;
		if (time.tv_sec < 0 || time.tv_usec < 0)
			return -EINVAL;
		left = (struct timespec){
			time.tv_sec + time.tv_usec / 1000000, time.tv_usec % 1000000 * 1000};
		ns = keg_time_ns(&left);
		if (ns < 0)
			return -EINVAL;
		wait = keg_wait_for(task, ns);
	}
	r = select_at(task, args, &wait);
	if (args[4] != 0) {
		left = keg_wait_left(&wait);
		time = (struct timeval){left.tv_sec, left.tv_nsec / 1000};
		keg_space_write(task->process->space, args[4], &time, sizeof(time));
	}
	return r;
}

static int64_t keg_sys_pselect6(struct keg_task *task, const uint64_t args[6])
{
	struct {
		uint64_t at, size;
	} mask = {0, 0};
	struct keg_wait wait;
	int64_t r;

	if (args[5] != 0 && keg_space_read(task->process->space, &mask, args[5], sizeof(mask)) < 0)
		return -EFAULT;
	r = keg_wait_read(task, args[4], &wait);
	if (r == 0)
		r = keg_signal_mask(task, mask.at, mask.size);
	if (r < 0)
		return r;
	r = select_at(task, args, &wait);
	keg_wait_write(task, args[4], &wait);
	if (mask.at != 0 && r != KEG_RESTART_SLEEP)
		keg_signal_unmask(task);
	return r;
}

const struct keg_syscall keg_syscalls_select[] = {
	{SYS_select, "select", "dpppp", keg_sys_select},
	{SYS_pselect6, "pselect6", "dppptp", keg_sys_pselect6},
	{0},
};
