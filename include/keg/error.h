/* SPDX-License-Identifier: MIT */
/*
 * How libkeg tells of failure.
 *
 * Every function that can fail returns 0 or a positive result when it succeeds and a negative errno
 * when it does not. keg_error_message() then says in words what was tried, on what, what the kernel
 * answered and, where it is known, what to do about it.
 */
#ifndef KEG_ERROR_H
#define KEG_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/* Marks what the shared library exports. */
#define KEG_API __attribute__((visibility("default")))

/*
 * The last failure of a libkeg function in the calling thread, as one sentence without a newline.
 * Never NULL; "" when nothing has failed yet. The text belongs to the thread and stands until its
 * next failing call; a success does not clear it.
 */
KEG_API const char *keg_error_message(void);

/* The library's version, "MAJOR.MINOR.PATCH". Static; any thread. */
KEG_API const char *keg_version(void);

#ifdef __cplusplus
}
#endif

#endif
