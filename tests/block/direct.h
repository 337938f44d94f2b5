/* SPDX-License-Identifier: MIT */
/* O_DIRECT, which not every file system has. */
#ifndef KEG_TESTS_BLOCK_DIRECT_H
#define KEG_TESTS_BLOCK_DIRECT_H

#include <fcntl.h>
#include <unistd.h>

#include <keg/disk.h>

#include "testing.h"

/* The flags of a disk, without KEG_DISK_DIRECT where its file cannot be opened so: the test goes on
 * through the page cache, and says so. */
static inline uint32_t direct_if_there_is(const char *path, uint32_t flags)
{
	int fd;

	if (!(flags & KEG_DISK_DIRECT))
		return flags;
	fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (fd >= 0) {
		close(fd);
		return flags;
	}
	print_message(
		"SKIP: the file system of %s has no O_DIRECT: through the page cache\n", path);
	return flags & ~(uint32_t)KEG_DISK_DIRECT;
}

#endif
