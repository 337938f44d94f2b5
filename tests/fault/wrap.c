/* SPDX-License-Identifier: MIT */
/*
 * The wrappers: the linker (--wrap) sends libkeg's calls of each function in calls.def to
 * __wrap_NAME, and __real_NAME is the function itself.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#if KEG_HAS_LIBURING
#include <liburing.h>
#endif
#if KEG_HAS_LZMA
#include <lzma.h>
#endif
#if KEG_HAS_SLIRP
#include <slirp/libslirp.h>
#endif
#if KEG_HAS_ZLIB
#include <zlib.h>
#endif
#if KEG_HAS_ZSTD
#include <zstd.h>
#endif

#include "fault/held.h"
#include "fault/inject.h"
#include "fault/requests.h"

#define SITE __builtin_return_address(0)

/* How functions fail, and how it shows that they have. */
#define FAIL_NULL_AND_ERRNO(error)         (errno = (error), NULL)
#define FAIL_MINUS_ONE_AND_ERRNO(error)    (errno = (error), -1)
#define FAIL_ERROR_NUMBER(error)           (error)
#define FAIL_MINUS_ERROR(error)            (-(error))
#define FAIL_Z_MEM(error)                  ((void)(error), Z_MEM_ERROR)
#define FAIL_LZMA_MEM(error)               ((void)(error), LZMA_MEM_ERROR)
#define FAILED_NULL_AND_ERRNO(result)      ((result) == NULL)
#define FAILED_MINUS_ONE_AND_ERRNO(result) ((result) < 0)
#define FAILED_MINUS_ERROR(result)         ((result) < 0)
#define FAILED_Z_MEM(result)               ((result) != Z_OK)
#define FAILED_LZMA_MEM(result)            ((result) != LZMA_OK)
#define FAILED_ERROR_NUMBER(result)        ((result) != 0)

/* What succeeding changes. */
#define NOTHING          (void)0
#define MAKES(kind, key) held_add(HELD_##kind, (uintptr_t)(key), SITE)
#define MOVES(kind, key) moves(HELD_##kind, (uintptr_t)(key), (uintptr_t)result, SITE)

static inline void moves(enum held_kind kind, uintptr_t old, uintptr_t new, const void *site)
{
	held_remove(kind, old, site);
	held_add(kind, new, site);
}

#define CALL(name, type, parameters, arguments, failure, effect, ...)                              \
	type __real_##name parameters;                                                             \
	type __wrap_##name parameters;                                                             \
	type __wrap_##name parameters                                                              \
	{                                                                                          \
		int error = fault_here(FAULT_CALL_##name, 0, SITE);                                \
		type result;                                                                       \
                                                                                                   \
		if (error)                                                                         \
			return FAIL_##failure(error);                                              \
		result = __real_##name arguments;                                                  \
		if (!FAILED_##failure(result))                                                     \
			effect;                                                                    \
		return result;                                                                     \
	}

#define END(name, type, parameters, arguments, kind, key)                                          \
	type __real_##name parameters;                                                             \
	type __wrap_##name parameters;                                                             \
	type __wrap_##name parameters                                                              \
	{                                                                                          \
		fault_passes(SITE);                                                                \
		held_remove(HELD_##kind, (uintptr_t)(key), SITE);                                  \
		return __real_##name arguments;                                                    \
	}

#include "fault/calls.def"

/* ---- Those that are not like the others ---- */

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_openat(int folder, const char *path, int flags, ...);
int __wrap_openat(int folder, const char *path, int flags, ...);
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
int __real_close(int fd);
int __wrap_close(int fd);
void *__real_mmap(void *start, size_t bytes, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *start, size_t bytes, int protection, int flags, int fd, off_t offset);
int __real_munmap(void *start, size_t bytes);
int __wrap_munmap(void *start, size_t bytes);
int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
void *__real_dlsym(void *library, const char *name);
void *__wrap_dlsym(void *library, const char *name);

int __wrap_open(const char *path, int flags, ...)
{
	int error = fault_here(FAULT_CALL_open, 0, SITE);
	mode_t mode = 0;
	va_list rest;

	if (error)
		return FAIL_MINUS_ONE_AND_ERRNO(error);
	if (flags & O_CREAT) {
		va_start(rest, flags);
		mode = va_arg(rest, mode_t);
		va_end(rest);
	}
	return __real_open(path, flags, mode);
}

int __wrap_openat(int folder, const char *path, int flags, ...)
{
	int error = fault_here(FAULT_CALL_openat, 0, SITE);
	mode_t mode;
	va_list rest;

	va_start(rest, flags);
	mode = va_arg(rest, mode_t);
	va_end(rest);
	return error ? FAIL_MINUS_ONE_AND_ERRNO(error) : __real_openat(folder, path, flags, mode);
}

/* The kernel's six arguments, however many there are. A futex's waker is not made to fail. */
long __wrap_syscall(long number, ...)
{
	bool futex = number == SYS_futex;
	int error = futex ? 0 : fault_here(FAULT_CALL_syscall, (unsigned long)number, SITE);
	long arguments[6];
	va_list rest;

	if (futex)
		fault_passes(SITE);
	va_start(rest, number);
	for (int i = 0; i < 6; i++)
		arguments[i] = va_arg(rest, long);
	va_end(rest);
	if (error)
		return FAIL_MINUS_ONE_AND_ERRNO(error);
	return __real_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3],
		arguments[4], arguments[5]);
}

/* What fails to be given back is gone all the same: close(2). */
int __wrap_close(int fd)
{
	int error = fault_here(FAULT_CALL_close, 0, SITE);
	int rc = __real_close(fd);

	return error ? FAIL_MINUS_ONE_AND_ERRNO(error) : rc;
}

void *__wrap_mmap(void *start, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	int error = fault_here(FAULT_CALL_mmap, 0, SITE);
	void *area;

	if (error)
		return (errno = error, MAP_FAILED);
	area = __real_mmap(start, bytes, protection, flags, fd, offset);
	if (area != MAP_FAILED && !(flags & MAP_FIXED))
		held_map(bytes);
	return area;
}

int __wrap_munmap(void *start, size_t bytes)
{
	int error = fault_here(FAULT_CALL_munmap, 0, SITE);
	int rc = __real_munmap(start, bytes);

	if (!rc)
		held_unmap(bytes);
	return error ? FAIL_MINUS_ONE_AND_ERRNO(error) : rc;
}

/* What is found in a library by its name is not what the linker could send to a wrapper. */
static const struct {
	const char *name;
	void *wrapper;
} wrappers[] = {
#define CALL(name, ...) {#name, (void *)__wrap_##name},
#include "fault/calls.def"
};

/* Functions that libkeg does without where there are none, and nobody is to notice: GLib's, by
 * which libslirp is kept quiet. */
static bool is_optional(const char *name)
{
	return strncmp(name, "g_log_", 6) == 0;
}

void *__wrap_dlsym(void *library, const char *name)
{
	bool optional = is_optional(name);
	int error = optional ? 0 : fault_here(FAULT_CALL_dlsym, 0, SITE);
	void *found = error ? NULL : __real_dlsym(library, name);

	if (optional)
		fault_passes(SITE);
	for (size_t i = 0; found && i < sizeof(wrappers) / sizeof(wrappers[0]); i++) {
		if (strcmp(wrappers[i].name, name) == 0)
			return wrappers[i].wrapper;
	}
	return found;
}

/* Two requests that have one number are told apart. */
static unsigned long distinguish(unsigned long request, const void *argument)
{
	const struct kvm_create_device *device = argument;

	if (request == KVM_CREATE_DEVICE && device->flags & KVM_CREATE_DEVICE_TEST)
		return KVM_TEST_DEVICE;
	return request;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	void *argument;
	va_list rest;
	int error;

	va_start(rest, request);
	argument = va_arg(rest, void *);
	va_end(rest);
	error = fault_here(FAULT_CALL_ioctl, distinguish(request, argument), SITE);
	return error ? FAIL_MINUS_ONE_AND_ERRNO(error) : __real_ioctl(fd, request, argument);
}

/* Other symbols of the same functions: 64-bit files have their own. */
#define ALSO(symbol, name)                                                                         \
	extern __typeof__(__wrap_##name) __wrap_##symbol __attribute__((alias("__wrap_" #name)));

#include "fault/calls.def"
