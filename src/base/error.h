/* SPDX-License-Identifier: MIT */
/* Telling of a failure: the negative errno that a function returns, and the sentence that explains
 * it. */
#ifndef KEG_BASE_ERROR_H
#define KEG_BASE_ERROR_H

#include <errno.h>
#include <stddef.h>

#include <keg/error.h>

/*
 * Notes a sentence for keg_error_message() and returns -error, so that a failing function ends with
 * `return keg_fail(EINVAL, "…")`. errno is left alone.
 */
int(keg_fail)(int error, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

/* The same with ": " and what the C library calls the error at the end. */
int(keg_fail_errno)(int error, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

/* Adds what was being done in front of the sentence that is noted: "creating the board: …". */
int keg_fail_within(int result, const char *format, ...)
	__attribute__((format(printf, 2, 3), cold));

/*
 * The members of a configuration that its caller knows. A caller compiled against an older header
 * has a smaller structure: what it lacks is zero. Copies into `own`, which has `own_size` bytes.
 * -EINVAL there is none, its size cannot be, or is larger than ours with anything set in the
 * excess.
 */
int keg_config_copy(
	void *own, size_t own_size, const void *given, size_t given_size, const char *what);

/* The analyzer sees only that these return an int: it is told that it is never 0. */
#ifdef __clang_analyzer__
#define keg_fail(error, ...)       ((keg_fail)(error, __VA_ARGS__), -EINVAL)
#define keg_fail_errno(error, ...) ((keg_fail_errno)(error, __VA_ARGS__), -EINVAL)
#endif

#endif
