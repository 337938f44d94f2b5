/* SPDX-License-Identifier: MIT */
/* O_DIRECT, which not every file system has. */
#ifndef KEG_TESTS_BLOCK_DIRECT_H
#define KEG_TESTS_BLOCK_DIRECT_H

#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "testing.h"

/* Skips the rest of the test, and removes the file, if it is wanted and cannot be had. */
static inline void need_direct(const char *path, bool wanted)
{
	int fd = wanted ? open(path, O_RDWR | O_DIRECT | O_CLOEXEC) : -1;

	if (fd >= 0)
		close(fd);
	if (fd >= 0 || !wanted)
		return;
	print_message("SKIP: the file system of %s has no O_DIRECT\n", path);
	unlink(path);
	skip();
}

#endif
