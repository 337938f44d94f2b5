/* SPDX-License-Identifier: MIT */
/*
 * An empty directory of a sandbox's own: a tmpfs that is mounted nowhere and ends with its
 * descriptor, where the host lets this process have one; else a folder among its temporary files,
 * which is emptied at the end.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "user/mount_list.h"
#include "user/sys_path.h"

enum {
	DEEPEST = 512, /* folders in folders: that are removed, a descriptor each */
};

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
	*fd = keg_tmpfs_mount(bytes);
	return *fd >= 0 ? 0 : make_folder(fd, temporary);
}

static bool is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* Also if the program has left it so that neither it nor who ran it may read or change it. */
static int open_folder(int parent, const char *name)
{
	const int flags = O_DIRECTORY | O_NOFOLLOW;
	int folder = keg_beneath(parent, name, flags | O_PATH, 0), fd;

	if (folder < 0)
		return folder;
	(void)keg_path_chmod(folder, 0700);
	fd = keg_beneath(folder, "", flags | O_RDONLY, 0);
	close(folder);
	return fd;
}

/* What is in the directory: beneath its descriptor only, and never through a link.
 * NOLINTNEXTLINE(misc-no-recursion): DEEPEST */
static void empty(int parent, const char *name, int depth)
{
	int fd = open_folder(parent, name);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!directory) {
		if (fd >= 0)
			close(fd);
		return;
	}
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
