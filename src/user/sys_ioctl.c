/* SPDX-License-Identifier: MIT */
/*
 * ioctl(2): terminals, and what all files have. What is not in the table never reaches the host:
 * not TIOCSTI, which types for the terminal's owner, nor anything of a device.
 */
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/termios.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/block.h"
#include "user/files.h"
#include "user/interfaces.h"
#include "user/pty.h"
#include "user/space.h"
#include "user/task.h"
#include "user/terminal.h"

struct ioctl {
	struct keg_task *task;
	struct keg_file *file;
	uint32_t number; /* the descriptor */
	uint32_t request;
	uint64_t argument;
};
typedef int64_t serve_function(const struct ioctl *call, size_t size);

static int64_t host(const struct ioctl *call, uint64_t argument)
{
	int64_t r = keg_block(
		call->task, SYS_ioctl, (uint64_t)call->file->fd, call->request, argument, 0, 0, 0);

	return r == -EINTR ? KEG_RESTART : r;
}

/* ---- Structures out of the host, and into it ---- */

#define KEG_IOCTL_MOST 64

static int64_t get(const struct ioctl *call, size_t size)
{
	unsigned char data[KEG_IOCTL_MOST] = {0};
	int64_t r = host(call, (uint64_t)(uintptr_t)data);

	return r < 0 ? r : keg_space_write(call->task->process->space, call->argument, data, size);
}

static int64_t set(const struct ioctl *call, size_t size)
{
	unsigned char data[KEG_IOCTL_MOST] = {0};

	if (keg_space_read(call->task->process->space, data, call->argument, size) < 0)
		return -EFAULT;
	return host(call, (uint64_t)(uintptr_t)data);
}

/* The mode of the terminal that the sandbox was given, which its user may want back. */
static int64_t set_mode(const struct ioctl *call, size_t size)
{
	int64_t r = keg_terminal_check_given(call->task, call->file, SIGTTOU);

	if (r == 0)
		r = set(call, size);
	if (r == 0)
		atomic_store(&call->task->process->user->terminal_set, true);
	return r;
}

static bool is_terminal(const struct ioctl *call)
{
	struct termios termios;

	return call->file->fd >= 0 && syscall(SYS_ioctl, call->file->fd, TCGETS, &termios) == 0;
}

/* The argument is a number, and the device a terminal: others may have another meaning for it. */
static int64_t number(const struct ioctl *call, size_t size)
{
	int64_t r;

	(void)size;
	if (!is_terminal(call))
		return -ENOTTY;
	r = keg_terminal_check_given(call->task, call->file, SIGTTOU);
	return r < 0 ? r : host(call, (uint32_t)call->argument);
}

/* tcflow(3). No key continues output that is suspended so, and it is also that of keg, which could
 * not even say why it ends, and of all others at the terminal. So it is not: it goes on. */
static int64_t flow(const struct ioctl *call, size_t size)
{
	if ((uint32_t)call->argument == TCOOFF && is_terminal(call))
		return 0;
	return number(call, size);
}

/* ---- Sessions and groups: the sandbox's, that the host knows nothing of ---- */

/* The terminal that the file is; NULL: it is none. */
static struct keg_terminal *terminal_of(const struct ioctl *call)
{
	const struct keg_pty_end *end = keg_pty_end_of(call->file);

	if (end)
		return &end->pty->terminal;
	return is_terminal(call) ? &call->task->process->user->terminal : NULL;
}

static int64_t get_group(const struct ioctl *call, size_t size)
{
	const struct keg_pty_end *end = keg_pty_end_of(call->file);
	struct keg_user *user = call->task->process->user;
	struct keg_terminal *terminal = terminal_of(call);
	bool told;
	pid_t group;

	if (!terminal)
		return -ENOTTY;
	pthread_mutex_lock(&user->lock);
	/* A master's is nobody's own: it tells of its slave. */
	told = keg_terminal_is_own(terminal, call->task->process) ||
	       (end && end->master && (call->request == TIOCGPGRP || terminal->session));
	group = call->request == TIOCGSID ? terminal->session : terminal->foreground;
	pthread_mutex_unlock(&user->lock);
	return told ? keg_space_write(call->task->process->space, call->argument, &group, size)
		    : -ENOTTY;
}

static int64_t set_group(const struct ioctl *call, size_t size)
{
	struct keg_user *user = call->task->process->user;
	struct keg_terminal *terminal = terminal_of(call);
	int64_t result;
	pid_t group;

	if (!terminal)
		return -ENOTTY;
	if (keg_space_read(call->task->process->space, &group, call->argument, size) < 0)
		return -EFAULT;
	pthread_mutex_lock(&user->lock);
	result = keg_terminal_set_group(terminal, call->task, group);
	pthread_mutex_unlock(&user->lock);
	return result;
}

/* TIOCSCTTY, TIOCNOTTY */
static int64_t set_own(const struct ioctl *call, size_t size)
{
	struct keg_process *process = call->task->process;
	struct keg_terminal *terminal = terminal_of(call);
	const struct keg_pty_end *end = keg_pty_end_of(call->file);
	int64_t result = 0;

	(void)size;
	if (!terminal || (end && end->master))
		return -ENOTTY;
	pthread_mutex_lock(&process->user->lock);
	if (end && keg_pty_is_gone(end))
		result = -EIO;
	else if (call->request == TIOCSCTTY)
		result = keg_terminal_take(terminal, process);
	else if (keg_terminal_is_own(terminal, process))
		keg_terminal_leave(terminal, process, false);
	else
		result = -ENOTTY;
	pthread_mutex_unlock(&process->user->lock);
	return result;
}

/* ---- What all files have ---- */

static int64_t close_on_exec(const struct ioctl *call, size_t size)
{
	int r = keg_files_cloexec(
		call->task->process->files, (int)call->number, call->request == FIOCLEX);

	(void)size;
	return r < 0 ? r : 0;
}

static int64_t not_wait(const struct ioctl *call, size_t size)
{
	int on;

	if (keg_space_read(call->task->process->space, &on, call->argument, size) < 0)
		return -EFAULT;
	return keg_file_set_flags(call->file, O_NONBLOCK, on ? O_NONBLOCK : 0);
}

/* As F_SETFL and O_ASYNC, of what sends signals on Linux: accepted, and none are sent. */
static int64_t signals(const struct ioctl *call, size_t size)
{
	int on;

	(void)size;
	if (!keg_file_waits(call->file))
		return -ENOTTY;
	return keg_space_read(call->task->process->space, &on, call->argument, size);
}

static int64_t not_served(const struct ioctl *call, size_t size)
{
	(void)call;
	(void)size;
	return -EOPNOTSUPP;
}

static const struct {
	uint32_t request;
	serve_function *serve;
	size_t size;
} requests[] = {
	{TCGETS, get, sizeof(struct termios)},
	{TCSETS, set_mode, sizeof(struct termios)},
	{TCSETSW, set_mode, sizeof(struct termios)},
	{TCSETSF, set_mode, sizeof(struct termios)},
	{(uint32_t)TCGETS2, get, sizeof(struct termios2)},
	{(uint32_t)TCSETS2, set_mode, sizeof(struct termios2)},
	{(uint32_t)TCSETSW2, set_mode, sizeof(struct termios2)},
	{(uint32_t)TCSETSF2, set_mode, sizeof(struct termios2)},
	{TCGETA, get, sizeof(struct termio)},
	{TIOCGWINSZ, get, sizeof(struct winsize)},
	{TIOCSWINSZ, set, sizeof(struct winsize)},
	{TIOCGPGRP, get_group, sizeof(pid_t)},
	{TIOCSPGRP, set_group, sizeof(pid_t)},
	{TIOCGSID, get_group, sizeof(pid_t)},
	{TIOCSCTTY, set_own, 0},
	{TIOCNOTTY, set_own, 0},
	{TIOCOUTQ, get, sizeof(int)},
	{FIONREAD, get, sizeof(int)},
	{TCSBRK, number, 0},
	{TCXONC, flow, 0},
	{TCFLSH, number, 0},
	{FIOCLEX, close_on_exec, 0},
	{FIONCLEX, close_on_exec, 0},
	{FIONBIO, not_wait, sizeof(int)},
	{FIOASYNC, signals, sizeof(int)},
	{FICLONE, not_served, 0},
	{FICLONERANGE, not_served, 0},
	{(uint32_t)FIDEDUPERANGE, not_served, 0},
};

static int64_t keg_sys_ioctl(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = keg_task_file(task, args[0]);
	const struct ioctl call = {task, file, (uint32_t)args[0], (uint32_t)args[1], args[2]};
	int64_t result;

	if (!file || file->kind == KEG_FILE_PATH)
		return -EBADF;
	if (keg_pty_end_of(file)) {
		result = keg_pty_ioctl(task, file, call.request, call.argument);
		if (result != KEG_NO_REQUEST)
			return result;
	}
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		if (requests[i].request == call.request)
			return requests[i].serve(&call, requests[i].size);
	}
	return keg_interface_ioctl(task, file, call.request, call.argument);
}

const struct keg_syscall keg_syscalls_ioctl[] = {
	{SYS_ioctl, "ioctl", "fxx", keg_sys_ioctl},
	{0},
};
