/* SPDX-License-Identifier: MIT */
/*
 * Preloaded into the file daemon where it runs without root. The lab's overlay opens files with
 * O_NOATIME, which is refused to those who do not own the file (open(2)); without it they may read.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/types.h>

typedef int (*openat_fn)(int dir, const char *path, int flags, ...);

int openat64(int dir, const char *path, int flags, ...);
int __openat64_2(int dir, const char *path, int flags);

static int open_next(int dir, const char *path, int flags, mode_t mode)
{
	openat_fn next = (openat_fn)dlsym(RTLD_NEXT, "openat64");

	return next(dir, path, flags & ~O_NOATIME, mode);
}

int openat64(int dir, const char *path, int flags, ...)
{
	__builtin_va_list args;
	mode_t mode = 0;

	if (flags & (O_CREAT | __O_TMPFILE)) {
		__builtin_va_start(args, flags);
		mode = __builtin_va_arg(args, mode_t);
		__builtin_va_end(args);
	}
	return open_next(dir, path, flags, mode);
}

/* What a fortified openat() without a mode calls. */
int __openat64_2(int dir, const char *path, int flags)
{
	return open_next(dir, path, flags, 0);
}
