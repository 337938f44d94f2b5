/* SPDX-License-Identifier: MIT */
/*
 * Pseudo terminals: their owners and modes (pty(7), grantpt(3)), which programs that log somebody
 * in set, and mesg(1). They say nothing about who may do what: all processes are one user's.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "user/pty.h"
#include "user/system_files.h"
#include "user/task.h"

/* devices.txt: UNIX98 pseudo terminals' slaves, 256 a major number. */
#define SLAVE_MAJOR 136

void keg_pty_stat(struct keg_user *user, int number, struct stat *st)
{
	const struct keg_pty *pty;
	char name[32];

	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	keg_made_up_stat(st, S_IFCHR | 0620, name);
	st->st_uid = geteuid();
	st->st_gid = getegid();
	st->st_rdev = makedev(SLAVE_MAJOR + (unsigned)number / 256, (unsigned)number % 256);
	pthread_mutex_lock(&user->lock);
	pty = keg_pty_find(user, number);
	if (pty && pty->owned) {
		st->st_gid = pty->group;
		st->st_mode = S_IFCHR | pty->mode;
	}
	pthread_mutex_unlock(&user->lock);
}

int keg_pty_number(const struct stat *st)
{
	unsigned number = (major(st->st_rdev) - SLAVE_MAJOR) * 256 + minor(st->st_rdev);

	return S_ISCHR(st->st_mode) && major(st->st_rdev) >= SLAVE_MAJOR && number < KEG_PTYS_MOST
		       ? (int)number
		       : -1;
}

int keg_pty_change(
	struct keg_task *task, const struct stat *was, uint32_t uid, uint32_t gid, uint32_t mode)
{
	struct keg_user *user = task->process->user;
	struct keg_pty *pty;

	/* Users are keg's own. */
	if (uid != UINT32_MAX && uid != was->st_uid)
		return -EPERM;
	pthread_mutex_lock(&user->lock);
	pty = keg_pty_find(user, keg_pty_number(was));
	if (pty) {
		pty->owned = true;
		pty->group = gid == UINT32_MAX ? was->st_gid : gid;
		pty->mode = (mode == UINT32_MAX ? was->st_mode : mode) & 07777;
	}
	pthread_mutex_unlock(&user->lock);
	return pty ? 0 : -ENOENT;
}
