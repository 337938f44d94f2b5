/* SPDX-License-Identifier: MIT */
/*
 * A sandbox without a machine: its mounts, a process and a task, for calls that take paths. What is
 * a program's address to the library is the test's own here (paths.c stands in for space.h).
 *
 * On the host there is a folder with two in it: `in`, for what is mounted, and `out`, which no
 * program may reach; out/secret is its file.
 */
#ifndef KEG_TESTS_USER_PATHS_H
#define KEG_TESTS_USER_PATHS_H

#include "testing.h"

#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <keg/user.h>

#include "user/files.h"
#include "user/mount_list.h"
#include "user/task.h"

struct paths {
	struct keg_user user;
	struct keg_process process;
	struct keg_task task;
	char host[64];
};

/* cmocka's: the sandbox, with nothing mounted, in *state. */
int make_paths(void **state);
int end_paths(void **state);
/* The same with `in` mounted at /in, and a file in it: dir/file. */
int make_bound(void **state);

/* The host's path of what is beneath its folder; good until the fourth call after. */
const char *host_path(const struct paths *paths, const char *name);
void make_folder(const struct paths *paths, const char *name);
void make_file(const struct paths *paths, const char *name, const char *text);
void make_link(const struct paths *paths, const char *to, const char *name);

/* A call of the program's. */
int64_t call(struct paths *paths, uint64_t number, const uint64_t args[6]);
#define CALL(paths, number, ...) call(paths, number, (const uint64_t[6]){__VA_ARGS__})
#define P(pointer)               ((uintptr_t)(pointer))
#define CWD                      ((uint64_t)AT_FDCWD)

/* Opens a path: a descriptor of the program's, or a negative errno. */
int open_path(struct paths *paths, const char *path, int flags);
/* What is in a file of the program's, up to 4095 characters; "" if it cannot be opened. */
const char *contents(struct paths *paths, const char *path);
const char *contents_at(struct paths *paths, int at, const char *path);

#endif
