/* SPDX-License-Identifier: MIT */
/* Pseudo terminals: how they are made, opened, hung up, and end. */
#include "user/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "user/system_files.h"
#include "user/task.h"

/* ---- What is printed of what is typed, and its signals ---- */

static void send_echo(struct keg_pty *pty)
{
	/* What there is no room for is not seen. */
	if (pty->echo_count && pty->slave_fd >= 0)
		(void)send(pty->slave_fd, pty->echo, pty->echo_count, MSG_DONTWAIT | MSG_NOSIGNAL);
	pty->echo_count = 0;
}

static void print(void *context, const uint8_t *bytes, size_t length)
{
	struct keg_pty *pty = context;

	if (pty->echo_count + length > sizeof(pty->echo))
		send_echo(pty);
	memcpy(pty->echo + pty->echo_count, bytes, length);
	pty->echo_count += length;
}

static void tell(void *context, int signo)
{
	struct keg_pty *pty = context;

	keg_terminal_signal(&pty->terminal, pty->user, signo);
}

/* A signal was typed: nothing is read or seen any more of what came before. */
static void discard(void *context)
{
	keg_pty_discard(context);
	keg_pty_packet_tell(context, TIOCPKT_FLUSHREAD | TIOCPKT_FLUSHWRITE);
}

void keg_pty_discard(struct keg_pty *pty)
{
	char some[4096];

	pty->echo_count = 0;
	while (pty->master_fd >= 0 && recv(pty->master_fd, some, sizeof(some), MSG_DONTWAIT) > 0)
		;
}

void keg_pty_settle(struct keg_pty *pty)
{
	bool readable = keg_line_is_readable(&pty->line);
	char byte = 0;

	keg_pty_packet_settle(pty);
	send_echo(pty);
	if (readable && !pty->readable && pty->master_fd >= 0)
		pty->readable = send(pty->master_fd, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
	else if (!readable && pty->readable && pty->slave_fd >= 0)
		pty->readable = recv(pty->slave_fd, &byte, 1, MSG_DONTWAIT) != 1;
	if (pty->waiting)
		pthread_cond_broadcast(&pty->user->changed);
}

/* ---- The list ---- */

struct keg_pty *keg_pty_find(const struct keg_user *user, int number)
{
	struct keg_pty *pty = user->ptys;

	while (pty && pty->number != number)
		pty = pty->next;
	return pty;
}

int keg_pty_next(const struct keg_user *user, int from)
{
	for (; from < KEG_PTYS_MOST; from++) {
		const struct keg_pty *pty = keg_pty_find(user, from);

		if (pty && pty->master_fd >= 0)
			return from;
	}
	return -1;
}

struct keg_terminal *keg_pty_terminal_of(const struct keg_process *process)
{
	for (struct keg_pty *each = process->user->ptys; each; each = each->next) {
		if (keg_terminal_is_own(&each->terminal, process))
			return &each->terminal;
	}
	return NULL;
}

int keg_pty_own_number(struct keg_task *task)
{
	struct keg_user *user = task->process->user;
	int number = -1;

	pthread_mutex_lock(&user->lock);
	for (struct keg_pty *each = user->ptys; each; each = each->next) {
		if (keg_terminal_is_own(&each->terminal, task->process))
			number = each->number;
	}
	pthread_mutex_unlock(&user->lock);
	return number;
}

static int insert(struct keg_pty *pty)
{
	struct keg_user *user = pty->user;

	while (keg_pty_find(user, pty->number)) {
		if (++pty->number == KEG_PTYS_MOST)
			return -ENOSPC;
	}
	pty->next = user->ptys;
	user->ptys = pty;
	return 0;
}

static void release(struct keg_pty *pty)
{
	if (--pty->references)
		return;
	for (struct keg_pty **at = &pty->user->ptys; *at; at = &(*at)->next) {
		if (*at == pty) {
			*at = pty->next;
			break;
		}
	}
	if (pty->slave_fd >= 0)
		close(pty->slave_fd);
	free(pty);
}

/* ---- Hanging up ---- */

bool keg_pty_is_gone(const struct keg_pty_end *end)
{
	return end->pty->master_fd < 0;
}

static void close_slave(struct keg_pty *pty)
{
	keg_line_flush(&pty->line);
	keg_pty_settle(pty);
	close(pty->slave_fd);
	pty->slave_fd = -1;
	pty->readable = false;
}

void keg_pty_process_ends(struct keg_process *process)
{
	struct keg_user *user = process->user;

	for (struct keg_pty *each = user->ptys; each; each = each->next) {
		if (keg_terminal_is_own(&each->terminal, process))
			keg_terminal_leave(&each->terminal, process, true);
	}
}

/* ---- Files ---- */

static void release_end(struct keg_file *file)
{
	struct keg_pty_end *end = file->state;
	struct keg_pty *pty = end->pty;
	struct keg_user *user = pty->user;

	pthread_mutex_lock(&user->lock);
	if (end->master) {
		pty->master_fd = -1;
		keg_terminal_hang_up(&pty->terminal, user);
		keg_line_flush(&pty->line);
		pthread_cond_broadcast(&user->changed);
	} else if (--pty->slaves == 0) {
		/* The master sees it as soon as the file's own descriptor is closed, too. */
		close_slave(pty);
	}
	release(pty);
	pthread_mutex_unlock(&user->lock);
	free(end);
}

static int stat_slave(struct keg_task *task, struct keg_file *file, struct stat *st)
{
	keg_pty_stat(task->process->user, ((struct keg_pty_end *)file->state)->pty->number, st);
	return 0;
}

static int stat_master(struct keg_task *task, struct keg_file *file, struct stat *st)
{
	(void)task, (void)file;
	keg_made_up_stat(st, S_IFCHR | 0666, "/dev/ptmx");
	st->st_rdev = makedev(5, 2);
	return 0;
}

static const struct keg_file_operations master_operations = {
	.read = keg_pty_read_master,
	.write = keg_pty_write_master,
	.stat = stat_master,
	.release = release_end,
};
static const struct keg_file_operations slave_operations = {
	.read = keg_pty_read_slave,
	.write = keg_pty_write_slave,
	.stat = stat_slave,
	.release = release_end,
};

struct keg_pty_end *keg_pty_end_of(const struct keg_file *file)
{
	return file->operations == &master_operations || file->operations == &slave_operations
		       ? file->state
		       : NULL;
}

/* A file that is no end yet. Takes over fd and path. */
static int make_file(
	int fd, int flags, char *path, struct keg_pty_end **end, struct keg_file **file)
{
	int r;

	*end = calloc(1, sizeof(**end));
	if (!*end || !path) {
		free(*end);
		free(path);
		close(fd);
		return -ENOMEM;
	}
	r = keg_file_create(KEG_FILE_TERMINAL, fd, flags, path, file);
	if (r < 0) {
		free(*end);
		return r;
	}
	(*file)->type = S_IFCHR;
	return 0;
}

/* Makes it that file's. Lock held. */
static void be(struct keg_pty *pty, struct keg_pty_end *end, bool master, struct keg_file *file)
{
	*end = (struct keg_pty_end){pty, master};
	pty->references++;
	file->state = end;
	file->operations = master ? &master_operations : &slave_operations;
}

static int make_pty(struct keg_user *user, int slave_fd, struct keg_pty **pty)
{
	*pty = calloc(1, sizeof(**pty));
	if (!*pty)
		return -ENOMEM;
	(*pty)->user = user;
	(*pty)->locked = true;
	(*pty)->slave_fd = slave_fd;
	(*pty)->line.print = print;
	(*pty)->line.signal = tell;
	(*pty)->line.discard = discard;
	(*pty)->line.context = *pty;
	keg_line_begin(&(*pty)->line);
	return 0;
}

int keg_pty_open_master(struct keg_task *task, int flags, char *path, struct keg_file **file)
{
	struct keg_user *user = task->process->user;
	struct keg_pty_end *end;
	struct keg_pty *pty;
	int fds[2], r;

	*file = NULL;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
		free(path);
		return (int)keg_host_result(-1);
	}
	r = make_file(fds[0], flags, path, &end, file);
	if (r < 0) {
		close(fds[1]);
		return r;
	}
	r = make_pty(user, fds[1], &pty);
	pthread_mutex_lock(&user->lock);
	if (r == 0 && (r = insert(pty)) == 0) {
		pty->master_fd = fds[0];
		be(pty, end, true, *file);
	}
	pthread_mutex_unlock(&user->lock);
	if (r == 0)
		return 0;
	free(pty);
	close(fds[1]);
	free(end);
	keg_file_put(*file);
	*file = NULL;
	return r;
}

/* A slave is opened after the last was closed: a new pair, of which the master gets its end. */
static int connect_again(struct keg_pty *pty)
{
	int fds[2], r;

	if (pty->slave_fd >= 0)
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return (int)keg_host_result(-1);
	r = (int)keg_host_result(dup3(fds[0], pty->master_fd, O_CLOEXEC));
	close(fds[0]);
	if (r < 0) {
		close(fds[1]);
		return r;
	}
	pty->slave_fd = fds[1];
	pty->readable = false;
	keg_pty_settle(pty);
	return 0;
}

/* A descriptor for the slave, if it can be opened. Lock held. */
static int connect_slave(const struct keg_user *user, int number, struct keg_pty **pty)
{
	int r;

	*pty = keg_pty_find(user, number);
	if (!*pty || (*pty)->master_fd < 0)
		return -ENXIO;
	if ((*pty)->locked)
		return -EIO;
	r = connect_again(*pty);
	return r < 0 ? r : (int)keg_host_result(fcntl((*pty)->slave_fd, F_DUPFD_CLOEXEC, 0));
}

int keg_pty_open_slave(struct keg_task *task, int number, int flags, struct keg_file **file)
{
	struct keg_user *user = task->process->user;
	struct keg_pty_end *end;
	struct keg_pty *pty;
	char name[32];
	int r, fd;

	*file = NULL;
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	pthread_mutex_lock(&user->lock);
	r = fd = connect_slave(user, number, &pty);
	if (r >= 0)
		r = make_file(fd, flags & ~O_NOCTTY, strdup(name), &end, file);
	if (r >= 0) {
		be(pty, end, false, *file);
		pty->slaves++;
		if (!(flags & O_NOCTTY))
			(void)keg_terminal_take(&pty->terminal, task->process);
	}
	pthread_mutex_unlock(&user->lock);
	return r < 0 ? r : 0;
}
