/* SPDX-License-Identifier: MIT */
/*
 * A tmpfs that is mounted nowhere, and ends with its descriptor. Who may not mount one makes it in
 * a user namespace, in which he may (user_namespaces(7)); it is entered by a short-lived process,
 * for this one, with all its threads, cannot leave its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/mount_list.h"

enum {
	BYTES_A_FILE = 4096, /* a file for so many bytes, at most: inodes cost memory, too */
	FEWEST_FILES = 4096,
	MOST_FILES = 1 << 20,
	STACK = 16384, /* of the process in the namespace: it calls little */
};

static int set(int fs, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return (int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, text, 0);
}

/* Its descriptor, or -1. */
static int mount_tmpfs(uint64_t bytes)
{
	uint64_t files = bytes / BYTES_A_FILE;
	int fs = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC), mount = -1;

	if (fs < 0)
		return -1;
	files = files < FEWEST_FILES ? FEWEST_FILES : files > MOST_FILES ? MOST_FILES : files;
	if (set(fs, "size", bytes) == 0 && set(fs, "nr_inodes", files) == 0 &&
		syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "mode", "1777", 0) == 0 &&
		syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		mount = (int)syscall(
			SYS_fsmount, fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID);
	close(fs);
	return mount;
}

/* ---- In a user namespace ---- */

struct errand {
	uint64_t bytes;
	unsigned uid, gid; /* as whom files are made: one who has no name in there can make none */
	int mount;         /* the answer: a descriptor, or -1 */
};

static bool tell(const char *file, const char *text, size_t length)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	bool told = fd >= 0 && write(fd, text, length) == (ssize_t)length;

	if (fd >= 0)
		close(fd);
	return told;
}

/* Outside and in the namespace a user is called the same. */
static bool map(const char *file, unsigned id)
{
	char text[32];
	int length = snprintf(text, sizeof(text), "%u %u 1", id, id);

	return tell(file, text, (size_t)length);
}

/* The other process: it has this one's memory and descriptors, and this one waits for its end. */
static int run_errand(void *argument)
{
	struct errand *errand = argument;

	if (tell("/proc/self/setgroups", "deny", 4) && map("/proc/self/uid_map", errand->uid) &&
		map("/proc/self/gid_map", errand->gid))
		errand->mount = mount_tmpfs(errand->bytes);
	return 0;
}

static int mount_in_namespace(uint64_t bytes)
{
	struct errand errand = {bytes, geteuid(), getegid(), -1};
	char stack[STACK] __attribute__((aligned(16)));
	sigset_t all, before;
	pid_t pid;

	/* A handler of the caller's must not run in it. No signal tells of its end, so that nobody
	 * else can wait for it but by __WCLONE. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = clone(run_errand, stack + sizeof(stack),
		CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_NEWUSER | CLONE_NEWNS, &errand);
	while (pid > 0 && waitpid(pid, NULL, (int)__WCLONE) < 0 && errno == EINTR)
		;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return errand.mount;
}

int keg_tmpfs_mount(uint64_t bytes)
{
	int mount = mount_tmpfs(bytes);

	return mount >= 0 ? mount : mount_in_namespace(bytes);
}
