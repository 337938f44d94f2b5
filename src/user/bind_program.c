/* SPDX-License-Identifier: MIT */
/*
 * Showing a program to its sandbox, with what it needs to start.
 *
 * The program is not trusted, and neither is what it says that it needs: an interpreter is shown
 * only if it is a program, and of the folders in a run path only the libraries that are needed, if
 * they are any. So no program reaches a file of the host's by naming it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "user/ahead.h"
#include "user/dynamic.h"
#include "user/task.h"

enum { SCRIPTS_MOST = 4, LIBRARIES_MOST = 64 };

/* Where dynamic linkers look by themselves: glibc's, and musl's. */
static const char *const folders[] = {
	"/lib",
	"/lib64",
	"/usr/lib",
	"/usr/lib64",
	"/usr/local/lib",
	"/etc/ld.so.cache",
};
#define FOLDERS (sizeof(folders) / sizeof(*folders))

/* Libraries that were found by a run path; each is looked at for more. */
struct libraries {
	struct keg_user *user;
	const char *run_path; /* the program's */
	char *at[LIBRARIES_MOST];
	uint32_t count;
};

static bool in_folders(const char *path)
{
	for (size_t i = 0; i < FOLDERS; i++) {
		size_t length = strlen(folders[i]);

		if (!strncmp(path, folders[i], length) && path[length] == '/')
			return true;
	}
	return false;
}

static int show(struct keg_user *user, const char *path)
{
	return in_folders(path) ? 0 : keg_user_bind(user, path, NULL, 0);
}

/* Its descriptor, to be closed. O_NONBLOCK: a pipe must not hold this up. */
static int open_image(const char *path, struct keg_image *image)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int ret;

	if (fd < 0)
		return keg_fail_errno(errno, "opening %s", path);
	ret = keg_image_of_file(image, fd);
	if (ret) {
		close(fd);
		return keg_fail_within(ret, "%s", path);
	}
	return fd;
}

/* One folder of a run path, which ends at `end`, with $ORIGIN in its place, and a name. False: it
 * cannot be told, or does not fit. */
static bool make_path(char path[PATH_MAX], const char *folder, const char *end, const char *origin,
	const char *name)
{
	static const char *const spellings[] = {"$ORIGIN", "${ORIGIN}"};
	const char *slash = strrchr(origin, '/');
	int length = (int)(end - folder), before = 0;

	for (size_t i = 0; i < 2; i++) {
		size_t bytes = strlen(spellings[i]);

		if (bytes > (size_t)length || strncmp(folder, spellings[i], bytes) != 0)
			continue;
		folder += bytes;
		length -= (int)bytes;
		before = slash ? (int)(slash - origin) : 0;
		break;
	}
	while (length > 1 && folder[length - 1] == '/')
		length--;
	if (length == 1 && before && *folder == '/')
		length = 0; /* "$ORIGIN/" */
	if (memchr(folder, '$', (size_t)length) || (!before && *folder != '/'))
		return false;
	length = snprintf(path, PATH_MAX, "%.*s%.*s/%s", before, origin, length, folder, name);
	return length < PATH_MAX;
}

/* Whether it is a library; then it is shown, and noted. */
static int try_library(struct libraries *libraries, const char *path)
{
	struct keg_program program;
	struct keg_image image;
	int fd, ret;

	for (uint32_t i = 0; i < libraries->count; i++)
		if (!strcmp(libraries->at[i], path))
			return 1;
	fd = open_image(path, &image);
	if (fd < 0)
		return 0;
	ret = keg_program_read(&image, &program);
	close(fd);
	if (ret || !program.relocatable || libraries->count == LIBRARIES_MOST)
		return 0;
	ret = show(libraries->user, path);
	if (ret)
		return ret;
	libraries->at[libraries->count] = strdup(path);
	if (!libraries->at[libraries->count])
		return keg_fail(ENOMEM, "no memory for a library's name");
	libraries->count++;
	return 1;
}

static int find_library(
	struct libraries *libraries, const char *run_path, const char *origin, const char *name)
{
	char path[PATH_MAX];
	int ret = 0;

	while (*run_path && !ret) {
		const char *end = strchrnul(run_path, ':');

		if (make_path(path, run_path, end, origin, name))
			ret = try_library(libraries, path);
		run_path = *end ? end + 1 : end;
	}
	return ret;
}

/* What the program or library at `path` needs: by its own run path, then by the program's. */
static int find_libraries(struct libraries *libraries, const struct keg_image *image,
	const struct keg_program *program, const char *path)
{
	struct keg_dynamic dynamic;
	char name[PATH_MAX];
	int ret = keg_dynamic_open(&dynamic, image, program);

	while (!ret && (ret = keg_dynamic_next(&dynamic, name)) > 0) {
		ret = 0;
		if (strchr(name, '/'))
			continue;
		ret = find_library(libraries, dynamic.run_path, path, name);
		if (!ret && *libraries->run_path)
			ret = find_library(libraries, libraries->run_path, path, name);
		ret = ret < 0 ? ret : 0;
	}
	return ret;
}

static int look_at_library(struct libraries *libraries, const char *path)
{
	struct keg_program program;
	struct keg_image image;
	int fd = open_image(path, &image), ret;

	if (fd < 0)
		return 0; /* gone since */
	ret = keg_program_read(&image, &program);
	if (!ret)
		ret = find_libraries(libraries, &image, &program, path);
	close(fd);
	return ret == -ENOEXEC ? 0 : ret;
}

static int show_libraries(struct keg_user *user, const struct keg_image *image,
	const struct keg_program *program, const char *path)
{
	struct libraries libraries = {.user = user, .run_path = ""};
	struct keg_dynamic dynamic;
	int ret = keg_dynamic_open(&dynamic, image, program);

	if (ret)
		return ret;
	ret = find_libraries(&libraries, image, program, path);
	libraries.run_path = dynamic.run_path;
	for (uint32_t i = 0; i < libraries.count && !ret; i++)
		ret = look_at_library(&libraries, libraries.at[i]);
	for (uint32_t i = 0; i < libraries.count; i++)
		free(libraries.at[i]);
	return ret;
}

static int show_interpreter(struct keg_user *user, const char *path)
{
	struct keg_program program;
	struct keg_image image;
	int fd, ret;

	if (*path != '/')
		return keg_fail(ENOEXEC, "the interpreter %s: not an absolute path", path);
	fd = open_image(path, &image);
	if (fd < 0)
		return fd;
	ret = keg_program_read(&image, &program);
	if (!ret)
		keg_ahead_read(user, fd, &program);
	close(fd);
	return ret ? keg_fail_within(ret, "the interpreter %s", path) : show(user, path);
}

static int show_elf(struct keg_user *user, const struct keg_image *image, const char *path)
{
	struct keg_program program;
	int ret = keg_program_read(image, &program);

	if (!ret && *program.interpreter)
		ret = show_interpreter(user, program.interpreter);
	if (!ret && *program.interpreter)
		ret = show_libraries(user, image, &program, path);
	if (!ret)
		keg_ahead_read(user, image->fd, &program);
	return ret;
}

static int show_program(struct keg_user *user, const char *path, int scripts);

/* As deep as `scripts` says.
 * NOLINTBEGIN(misc-no-recursion) */

/* #!/usr/bin/env PROGRAM: that program, where it is looked for when there is no PATH. */
static int show_env(struct keg_user *user, const struct keg_script *script, int scripts)
{
	static const char *const paths[] = {"/usr/local/bin", "/usr/bin", "/bin"};
	const char *slash = strrchr(script->interpreter, '/');
	char path[PATH_MAX];

	if (!slash || strcmp(slash, "/env") != 0 || !*script->argument ||
		strpbrk(script->argument, " \t/=") || *script->argument == '-')
		return 0;
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		snprintf(path, sizeof(path), "%s/%s", paths[i], script->argument);
		if (!access(path, X_OK))
			return show_program(user, path, scripts);
	}
	return 0;
}

static int show_script(struct keg_user *user, const char *start, size_t bytes, int scripts)
{
	struct keg_script script;
	int ret;

	if (!scripts)
		return keg_fail(ELOOP, "more than %d scripts deep", SCRIPTS_MOST);
	ret = keg_script_read(start, bytes, &script);
	if (ret)
		return ret;
	if (*script.interpreter != '/')
		return keg_fail(ENOEXEC, "its interpreter, %s, is not an absolute path",
			script.interpreter);
	ret = show_program(user, script.interpreter, scripts - 1);
	return ret ? ret : show_env(user, &script, scripts - 1);
}

/* The program last: what it needs is known to be what it should be by then. */
static int show_program(struct keg_user *user, const char *path, int scripts)
{
	char start[KEG_SCRIPT_LINE];
	struct keg_image image;
	size_t bytes;
	int ret, fd = open_image(path, &image);

	if (fd < 0)
		return fd;
	bytes = image.bytes < sizeof(start) ? (size_t)image.bytes : sizeof(start);
	ret = keg_image_read(&image, 0, start, bytes);
	if (!ret && keg_program_is_elf(start, bytes))
		ret = show_elf(user, &image, path);
	else if (!ret && keg_script_is(start, bytes))
		ret = show_script(user, start, bytes, scripts);
	else if (!ret)
		ret = keg_fail(ENOEXEC, "neither an ELF program nor a script");
	close(fd);
	if (!ret)
		ret = show(user, path);
	return ret ? keg_fail_within(ret, "%s", path) : 0;
}
/* NOLINTEND(misc-no-recursion) */

int keg_user_bind_program(struct keg_user *user, const char *path)
{
	int ret = 0;

	if (*path != '/')
		return keg_fail(EINVAL, "%s: not an absolute path", path);
	for (size_t i = 0; i < FOLDERS && !ret; i++)
		ret = keg_user_bind(user, folders[i], NULL, KEG_USER_OPTIONAL);
	return ret ? ret : show_program(user, path, SCRIPTS_MOST);
}
