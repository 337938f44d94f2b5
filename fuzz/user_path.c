/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes path walking: the input makes a tree of directories, files and links, and opens paths in
 * it. What is opened is beneath what was mounted, and a path that is found is canonical.
 */
#include "fuzzing.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/files.h"
#include "user/mount_list.h"
#include "user/task.h"

enum { MAKE_FOLDER, MAKE_FILE, MAKE_LINK, OPEN, CREATE, LIST, CHANGE, STEPS };

struct sandbox {
	struct keg_user user;
	struct keg_process process;
	struct keg_task task;
	char host[32];
	int in; /* host/in */
};

static void set_up(struct sandbox *sandbox)
{
	char path[64];

	memset(sandbox, 0, sizeof(*sandbox));
	strcpy(sandbox->host, "/dev/shm/keg-fuzz-XXXXXX");
	fuzz_check(mkdtemp(sandbox->host) != NULL);
	fuzz_check(keg_mounts_create(&sandbox->user.mounts) == 0);
	fuzz_check(keg_fs_create("/", &sandbox->process.fs) == 0);
	fuzz_check(keg_files_create(&sandbox->process.files) == 0);
	pthread_mutex_init(&sandbox->user.lock, NULL);
	sandbox->user.processes = &sandbox->process;
	sandbox->process.user = &sandbox->user;
	sandbox->process.pid = 7;
	sandbox->process.tasks = &sandbox->task;
	sandbox->task.process = &sandbox->process;
	sandbox->task.tid = 7;
	snprintf(path, sizeof(path), "%s/in", sandbox->host);
	fuzz_check(mkdir(path, 0755) == 0);
	sandbox->in = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	fuzz_check(keg_mounts_bind(sandbox->user.mounts, path, "/rw", 1) == 0);
	fuzz_check(keg_mounts_bind(sandbox->user.mounts, path, "/ro", 0) == 0);
	fuzz_check(keg_mounts_bind(sandbox->user.mounts, path, "/rw/b/c", 0) == 0);
	fuzz_check(keg_mounts_system(sandbox->user.mounts) == 0);
}

static void tear_down(struct sandbox *sandbox)
{
	int fd = open(sandbox->host, O_PATH | O_DIRECTORY | O_CLOEXEC);

	keg_files_release(sandbox->process.files);
	keg_fs_release(sandbox->process.fs);
	keg_mounts_destroy(sandbox->user.mounts);
	pthread_mutex_destroy(&sandbox->user.lock);
	close(sandbox->in);
	keg_tmpfs_remove(fd, sandbox->host);
	close(fd);
}

/* Any path, of parts that may matter. */
static void take_path(struct fuzz_input *input, char path[256])
{
	static const char *const parts[] = {"a", "b", "c", "..", ".", "", "rw", "ro", "proc/self",
		"fd/0", "root", "cwd", "dev", "a/..", "../../..", "task/7"};
	uint32_t count = 1 + (uint32_t)fuzz_take(input, 1) % 8;

	path[0] = '\0';
	for (uint32_t i = 0; i < count; i++) {
		uint32_t what = (uint32_t)fuzz_take(input, 1);

		path = stpcpy(path, i || what & 0x80 ? "/" : "");
		path = stpcpy(path, parts[what % 16]);
	}
}

/* On the host, in a folder of the tree; never through a link. */
static void make(struct sandbox *sandbox, struct fuzz_input *input, uint32_t what)
{
	static const char *const folders[] = {"", "a", "b", "c", "a/a", "a/b", "b/a", "b/c"};
	static const char *const names[] = {"a", "b", "c", "fd"};
	uint32_t where = (uint32_t)fuzz_take(input, 1);
	int folder = keg_beneath(sandbox->in, folders[where % 8], O_PATH | O_DIRECTORY, 0), fd;
	const char *name = names[where >> 3 & 3];
	char to[256];

	if (what == MAKE_LINK)
		take_path(input, to);
	if (folder < 0)
		return;
	if (what == MAKE_FOLDER) {
		(void)mkdirat(folder, name, 0755);
	} else if (what == MAKE_LINK) {
		(void)symlinkat(to, folder, name);
	} else {
		fd = openat(folder, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
		if (fd >= 0)
			close(fd);
	}
	close(folder);
}

static void check_canonical(const char *path)
{
	fuzz_check(path[0] == '/' && !strstr(path, "//") && !strstr(path, "/./") &&
		   !strstr(path, "/../"));
	if (path[1])
		fuzz_check(path[strlen(path) - 1] != '/' && strcmp(strrchr(path, '/'), "/.") != 0 &&
			   strcmp(strrchr(path, '/'), "/..") != 0);
}

/* What the host says that the descriptor is: in the tree, or made up. */
static void check_within(const struct sandbox *sandbox, const struct keg_file *file)
{
	char link[64], path[512];
	size_t length = strlen(sandbox->host);
	ssize_t bytes;

	if (file->operations || file->fd < 0)
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", file->fd);
	bytes = readlink(link, path, sizeof(path) - 1);
	fuzz_check(bytes > 0);
	path[bytes] = '\0';
	if (file->type == S_IFCHR)
		fuzz_check(strncmp(path, "/dev/", 5) == 0);
	else if (strncmp(file->path ? file->path : "", "/dev/shm", 8) != 0)
		fuzz_check(strncmp(path, sandbox->host, length) == 0 &&
			   strncmp(path + length, "/in", 3) == 0);
}

static void visit(struct sandbox *sandbox, struct fuzz_input *input, uint32_t what)
{
	static struct keg_place place;
	uint32_t walk = what == CREATE ? KEG_WALK_CREATE | KEG_WALK_FOLLOW : KEG_WALK_FOLLOW;
	int flags = what == CREATE ? O_CREAT | O_RDWR | O_NONBLOCK
		    : what == LIST ? O_DIRECTORY
				   : O_NONBLOCK;
	struct keg_file *file;
	char path[256];

	take_path(input, path);
	if (keg_mounts_walk(&sandbox->task, AT_FDCWD, path, walk, &place))
		return;
	check_canonical(place.path);
	if (what == CHANGE) {
		if (place.directory)
			keg_fs_set_directory(sandbox->process.fs, place.path);
		return;
	}
	if (keg_place_open(&sandbox->task, &place, flags, 0644, &file))
		return;
	fuzz_check(what != CREATE || file->type == S_IFCHR || file->writable_mount);
	check_within(sandbox, file);
	(void)keg_task_add_file(&sandbox->task, file, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	static struct sandbox sandbox;

	set_up(&sandbox);
	sandbox.process.limits[RLIMIT_NOFILE].rlim_cur = 16;
	for (int i = 0; input.left && i < 256; i++) {
		uint32_t what = (uint32_t)fuzz_take(&input, 1) % STEPS;

		if (what <= MAKE_LINK)
			make(&sandbox, &input, what);
		else
			visit(&sandbox, &input, what);
	}
	tear_down(&sandbox);
	return 0;
}
