/* SPDX-License-Identifier: MIT */
/*
 * signalfd(2): signals that are read from a file. Its descriptor is an eventfd, for poll(2), which
 * is readable while there is something to be read: it is made so when a signal is sent that a file
 * wants, and looked at again when it is waited for: by then the signal may have been taken
 * otherwise.
 *
 * What there is to be read is the reader's (signalfd(2), fork(2) semantics). A file is told of the
 * signals of one process: who made it, or the last that waited for it or read it.
 */
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include "user/block.h"
#include "user/files.h"
#include "user/signals.h"
#include "user/space.h"
#include "user/sys_signal.h"

struct keg_signalfd {
	struct keg_user *user;
	struct keg_signalfd *next; /* of the sandbox; lock held */
	keg_sigset set;            /* lock held */
	pid_t owner;               /* the process whose signals it is told of; lock held */
	bool readable;             /* so is the file; lock held */
	int fd;                    /* the file's */
};

static void make_readable(struct keg_signalfd *signals)
{
	const uint64_t one = 1;

	if (!signals->readable)
		signals->readable = write(signals->fd, &one, sizeof(one)) > 0;
}

static void make_unreadable(struct keg_signalfd *signals)
{
	uint64_t count;

	if (signals->readable)
		signals->readable = read(signals->fd, &count, sizeof(count)) < 0;
}

void keg_signalfds_tell(const struct keg_process *process, keg_sigset set)
{
	for (struct keg_signalfd *each = process->user->signalfds; each; each = each->next) {
		if (each->set & set && each->owner == process->pid)
			make_readable(each);
	}
}

/* Lock held. */
static void look_again(const struct keg_task *task, struct keg_signalfd *signals)
{
	if ((task->pending->set | task->process->pending->set) & signals->set)
		make_readable(signals);
	else
		make_unreadable(signals);
}

void keg_signalfds_look(struct keg_task *task, const struct keg_file *file)
{
	struct keg_user *user = task->process->user;
	struct keg_signalfd *own = file && file->kind == KEG_FILE_SIGNAL ? file->state : NULL;

	if (file && !own)
		return;
	pthread_mutex_lock(&user->lock);
	if (own) {
		own->owner = task->process->pid;
		look_again(task, own);
	}
	for (struct keg_signalfd *each = file ? NULL : user->signalfds; each; each = each->next) {
		if (each->owner == task->process->pid)
			look_again(task, each);
	}
	pthread_mutex_unlock(&user->lock);
}

/* The kernel's names for what siginfo_t has, by signalfd(2). */
static void describe(const siginfo_t *info, struct signalfd_siginfo *told)
{
	memset(told, 0, sizeof(*told));
	told->ssi_signo = (uint32_t)info->si_signo;
	told->ssi_errno = info->si_errno;
	told->ssi_code = info->si_code;
	told->ssi_pid = (uint32_t)info->si_pid;
	told->ssi_uid = info->si_uid;
	if (info->si_code == SI_TIMER) {
		told->ssi_tid = (uint32_t)info->si_timerid;
		told->ssi_overrun = (uint32_t)info->si_overrun;
	} else if (info->si_signo == SIGCHLD) {
		told->ssi_status = info->si_status;
		return;
	}
	told->ssi_int = info->si_int;
	told->ssi_ptr = (uint64_t)(uintptr_t)info->si_ptr;
}

/* What is there, up to `most`; nothing: the file is not readable any more. */
static size_t take_some(struct keg_task *task, struct keg_signalfd *signals, char *to, size_t most)
{
	struct keg_user *user = task->process->user;
	size_t count = 0;
	siginfo_t info;

	pthread_mutex_lock(&user->lock);
	signals->owner = task->process->pid;
	while (count < most && keg_signal_take(task, signals->set, &info)) {
		struct signalfd_siginfo told;

		describe(&info, &told);
		memcpy(to + count++ * sizeof(told), &told, sizeof(told));
	}
	if (count < most)
		make_unreadable(signals);
	pthread_mutex_unlock(&user->lock);
	return count;
}

static ssize_t signalfd_read(
	struct keg_task *task, struct keg_file *file, void *to, size_t length, int64_t offset)
{
	struct pollfd readable = {.fd = file->fd, .events = POLLIN};
	size_t most = length / sizeof(struct signalfd_siginfo), count;

	(void)offset;
	if (!most)
		return -EINVAL;
	for (;;) {
		count = take_some(task, file->state, to, most);
		if (count)
			return (ssize_t)(count * sizeof(struct signalfd_siginfo));
		if (file->flags & O_NONBLOCK)
			return -EAGAIN;
		if (keg_block(task, __NR_poll, (uint64_t)&readable, 1, (uint64_t)-1, 0, 0, 0) ==
			-EINTR)
			return KEG_RESTART;
	}
}

static void signalfd_release(struct keg_file *file)
{
	struct keg_signalfd *signals = file->state;
	struct keg_user *user = signals->user;

	pthread_mutex_lock(&user->lock);
	for (struct keg_signalfd **at = &user->signalfds; *at; at = &(*at)->next) {
		if (*at == signals) {
			*at = signals->next;
			break;
		}
	}
	pthread_mutex_unlock(&user->lock);
	free(signals);
}

static const struct keg_file_operations operations = {
	.read = signalfd_read,
	.release = signalfd_release,
};

/* Sets what the file wants, which may be there already. Lock held. */
static void set_wish(struct keg_task *task, struct keg_signalfd *signals, keg_sigset set)
{
	signals->set = set;
	signals->owner = task->process->pid;
	look_again(task, signals);
}

static int64_t create(struct keg_task *task, keg_sigset set, int flags)
{
	struct keg_user *user = task->process->user;
	struct keg_signalfd *signals = calloc(1, sizeof(*signals));
	int fd = signals ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1;
	int result = signals ? -errno : -ENOMEM;
	struct keg_file *file;

	if (fd >= 0)
		result = keg_file_create(
			KEG_FILE_SIGNAL, fd, O_RDWR | (flags & O_NONBLOCK), NULL, &file);
	if (fd < 0 || result < 0) {
		free(signals);
		return result;
	}
	signals->user = user;
	signals->fd = fd;
	file->operations = &operations;
	file->state = signals;
	pthread_mutex_lock(&user->lock);
	signals->next = user->signalfds;
	user->signalfds = signals;
	set_wish(task, signals, set);
	pthread_mutex_unlock(&user->lock);
	return keg_task_add_file(task, file, flags & O_CLOEXEC);
}

static int64_t change(struct keg_task *task, keg_sigset set, uint64_t number)
{
	KEG_HELD struct keg_file *file = keg_task_file(task, number);

	if (!file)
		return -EBADF;
	if (file->operations != &operations)
		return -EINVAL;
	pthread_mutex_lock(&task->process->user->lock);
	set_wish(task, file->state, set);
	pthread_mutex_unlock(&task->process->user->lock);
	return (int)number;
}

int64_t keg_sys_signalfd4(struct keg_task *task, const uint64_t args[6])
{
	int flags = (int)args[3];
	keg_sigset set;

	if (args[2] != KEG_SIGSET_BYTES || flags & ~(SFD_CLOEXEC | SFD_NONBLOCK))
		return -EINVAL;
	if (keg_space_read(task->process->space, &set, args[1], sizeof(set)) < 0)
		return -EFAULT;
	set &= ~KEG_UNBLOCKABLE;
	return (int)args[0] == -1 ? create(task, set, flags) : change(task, set, args[0]);
}

int64_t keg_sys_signalfd(struct keg_task *task, const uint64_t args[6])
{
	const uint64_t with_flags[6] = {args[0], args[1], args[2], 0};

	return keg_sys_signalfd4(task, with_flags);
}
