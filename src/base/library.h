/* SPDX-License-Identifier: MIT */
/*
 * Libraries that are loaded when they are first needed, not with the program: most machines need
 * none of them, and each costs every start some time and every process some memory.
 *
 * The functions that are used of one are listed once:
 *
 *     #define FUNCTIONS(FUNCTION) FUNCTION(inflate) FUNCTION(inflateEnd)
 *
 *     struct functions {
 *         FUNCTIONS(KEG_LIBRARY_POINTER)
 *     };
 *     static const char *const names[] = {FUNCTIONS(KEG_LIBRARY_NAME) NULL};
 *
 * and have the types that the library's own header declares them with.
 */
#ifndef KEG_BASE_LIBRARY_H
#define KEG_BASE_LIBRARY_H

#include <stdbool.h>

#define KEG_LIBRARY_POINTER(function) __typeof__(function) *function;
#define KEG_LIBRARY_NAME(function)    #function,

struct keg_library {
	const char *name;
	const char *file;             /* its soname: another version may have other functions */
	const char *package;          /* Debian's that has it */
	const char *const *functions; /* their names; NULL ends them */
};

/*
 * Loads the library, or has it once more: each success needs a keg_library_close(). `functions`
 * points to a structure of nothing but a pointer for each name, in the same order.
 * -ENOTSUP it cannot be loaded, or lacks a function; `*handle` is NULL then.
 */
int keg_library_open(const struct keg_library *library, void **handle, void *functions);

/* A function of it, or of a library that it needs itself; NULL if there is none of that name. */
void *keg_library_find(void *handle, const char *name);

/* After this none of its functions may be called, nor anything be held of it. NULL is allowed. */
void keg_library_close(void *handle);

/* Whether it can be loaded, which costs as much. */
bool keg_library_is_there(const struct keg_library *library);

#endif
