/* SPDX-License-Identifier: MIT */
/* Waiting for files. */
#include "user/poll.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "user/block.h"
#include "user/files.h"
#include "user/space.h"
#include "user/sys_signal.h"
#include "user/task.h"
#include "user/time.h"

#define NS 1000000000ull

/* ---- How long ---- */

struct keg_wait keg_wait_for(struct keg_task *task, int64_t ns)
{
	if (ns < 0)
		return KEG_WAIT_FOR_EVER;
	if (ns == 0)
		return (struct keg_wait){.look_only = true};
	return (struct keg_wait){.deadline = keg_time_deadline(task, ns)};
}

int keg_wait_read(struct keg_task *task, uint64_t at, struct keg_wait *wait)
{
	struct timespec time;
	int64_t ns = -1;

	if (at != 0) {
		if (keg_space_read(task->process->space, &time, at, sizeof(time)) < 0)
			return -EFAULT;
		ns = keg_time_ns(&time);
		if (ns < 0)
			return -EINVAL;
	}
	*wait = keg_wait_for(task, ns);
	return 0;
}

struct timespec keg_wait_left(const struct keg_wait *wait)
{
	uint64_t now = wait->look_only ? 0 : keg_now_ns();
	uint64_t left = now < wait->deadline ? wait->deadline - now : 0;

	return (struct timespec){(time_t)(left / NS), (long)(left % NS)};
}

void keg_wait_write(struct keg_task *task, uint64_t at, const struct keg_wait *wait)
{
	struct timespec left;

	if (at == 0 || wait->for_ever)
		return;
	left = keg_wait_left(wait);
	keg_space_write(task->process->space, at, &left, sizeof(left));
}

int64_t keg_wait_interrupted(struct keg_task *task, const struct keg_wait *wait)
{
	task->restart_deadline = wait->for_ever || wait->look_only ? 0 : wait->deadline;
	return KEG_RESTART_SLEEP;
}

/* ---- For what ---- */

#define KEG_POLL_FEW 16

struct polled {
	struct pollfd *fds;
	struct keg_file **files;
	struct pollfd few_fds[KEG_POLL_FEW];
	struct keg_file *few_files[KEG_POLL_FEW];
};

static int prepare(struct polled *polled, uint32_t count)
{
	polled->fds = polled->few_fds;
	polled->files = polled->few_files;
	if (count <= KEG_POLL_FEW)
		return 0;
	polled->fds = calloc(count, sizeof(*polled->fds));
	polled->files = calloc(count, sizeof(struct keg_file *));
	if (polled->fds && polled->files)
		return 0;
	free(polled->fds);
	free(polled->files);
	return -ENOMEM;
}

static void finish(struct polled *polled, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		keg_file_put(polled->files[i]);
	if (polled->fds == polled->few_fds)
		return;
	free(polled->fds);
	free(polled->files);
}

/* What is known without the host; -1: ask it. */
static int known(const struct pollfd *wanted, const struct keg_file *file)
{
	if (wanted->fd < 0)
		return 0;
	if (!file || file->kind == KEG_FILE_PATH)
		return POLLNVAL;
	/* What has no descriptor is a directory or a text: always ready. */
	if (file->fd < 0)
		return wanted->events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
	return -1;
}

static int64_t ask_host(struct keg_task *task, struct pollfd *fds, uint32_t count, bool look_only,
	const struct keg_wait *wait)
{
	struct timespec left = {0, 0};
	bool no_end = wait->for_ever && !look_only;

	if (look_only || wait->look_only)
		return keg_host_result(syscall(SYS_ppoll, fds, count, &left, NULL, 0));
	if (!no_end)
		left = keg_wait_left(wait);
	/* The kernel changes what it is given: nobody looks at it again. */
	return keg_block(task, SYS_ppoll, (uint64_t)(uintptr_t)fds, count,
		no_end ? 0 : (uint64_t)(uintptr_t)&left, 0, 0, 0);
}

int64_t keg_poll(
	struct keg_task *task, struct pollfd *wanted, uint32_t count, const struct keg_wait *wait)
{
	struct polled polled;
	uint32_t ready = 0;
	int64_t r;

	if (prepare(&polled, count) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		struct keg_file *file =
			wanted[i].fd < 0 ? NULL : keg_files_get(task->process->files, wanted[i].fd);
		int revents = known(&wanted[i], file);

		if (revents < 0)
			keg_signalfds_look(task, file);
		polled.files[i] = file;
		polled.fds[i] = (struct pollfd){-1, 0, 0};
		if (revents < 0)
			polled.fds[i] = (struct pollfd){file->fd,
				(short)keg_file_events(file, (uint16_t)wanted[i].events), 0};
		wanted[i].revents = (short)(revents < 0 ? 0 : revents);
		ready += revents > 0;
	}
	r = ask_host(task, polled.fds, count, ready > 0, wait);
	for (uint32_t i = 0; r >= 0 && i < count; i++) {
		if (polled.fds[i].fd >= 0)
			wanted[i].revents = polled.fds[i].revents;
	}
	finish(&polled, count);
	return r < 0 ? r : r + ready;
}
