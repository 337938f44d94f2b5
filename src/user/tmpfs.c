/* SPDX-License-Identifier: MIT */
/*
 * An empty directory of a sandbox's own: a tmpfs that is mounted nowhere and ends with its
 * descriptor, where the host lets this process have one; else a folder among its temporary files,
 * which is emptied at the end.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "user/mount_list.h"

enum {
	BYTES_A_FILE = 4096, /* a file for so many bytes, at most: inodes cost memory, too */
	FEWEST_FILES = 4096,
	MOST_FILES = 1 << 20,
	DEEPEST = 512, /* folders in folders: that are removed, a descriptor each */
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

/* In memory where there is such a place. */
static int make_folder(int *fd, char **temporary)
{
	const char *const parents[] = {getenv("TMPDIR"), "/dev/shm", "/tmp"};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(parents) / sizeof(parents[0]); i++) {
		if (!parents[i] || parents[i][0] != '/' ||
			(size_t)snprintf(path, sizeof(path), "%s/keg-XXXXXX", parents[i]) >=
				sizeof(path) ||
			!mkdtemp(path))
			continue;
		*fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		*temporary = strdup(path);
		if (*fd >= 0 && *temporary)
			return 0;
		if (*fd >= 0)
			close(*fd);
		free(*temporary);
		rmdir(path);
		return keg_fail(ENOMEM, "no memory or descriptor for a temporary folder");
	}
	return keg_fail_errno(errno, "making a temporary folder");
}

int keg_tmpfs_open(uint64_t bytes, int *fd, char **temporary)
{
	*temporary = NULL;
	*fd = mount_tmpfs(bytes);
	return *fd >= 0 ? 0 : make_folder(fd, temporary);
}

static bool is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* What is in the directory: beneath its descriptor only, and never through a link.
 * NOLINTNEXTLINE(misc-no-recursion): DEEPEST */
static void empty(int parent, const char *name, int depth)
{
	int fd = keg_beneath(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!directory) {
		if (fd >= 0)
			close(fd);
		return;
	}
	/* A program may have left a folder that it could not read itself. */
	(void)fchmod(fd, 0700);
	/* cppcheck-suppress readdirCalled -- nobody else reads this directory */
	while ((entry = readdir(directory))) {
		if (is_dots(entry->d_name) || unlinkat(fd, entry->d_name, 0) == 0)
			continue;
		if (depth < DEEPEST)
			empty(fd, entry->d_name, depth + 1);
		(void)unlinkat(fd, entry->d_name, AT_REMOVEDIR);
	}
	closedir(directory);
}

void keg_tmpfs_remove(int fd, const char *temporary)
{
	empty(fd, "", 0);
	(void)rmdir(temporary);
}
