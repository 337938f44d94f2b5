/* SPDX-License-Identifier: MIT */
/* A sandbox without a machine. */
#include "paths.h"

#include <ftw.h>

#include "user/space.h"

/* ---- Instead of space.c: the program's memory is the test's own. Linked with --wrap ---- */

int __wrap_keg_space_read(struct keg_space *space, void *to, uint64_t from, size_t length);
int __wrap_keg_space_write(struct keg_space *space, uint64_t to, const void *from, size_t length);
ssize_t __wrap_keg_space_read_string(struct keg_space *space, char *to, uint64_t from, size_t size);

int __wrap_keg_space_read(struct keg_space *space, void *to, uint64_t from, size_t length)
{
	(void)space;
	if (!from)
		return -EFAULT;
	memcpy(to, (const void *)(uintptr_t)from, length);
	return 0;
}

int __wrap_keg_space_write(struct keg_space *space, uint64_t to, const void *from, size_t length)
{
	(void)space;
	if (!to)
		return -EFAULT;
	memcpy((void *)(uintptr_t)to, from, length);
	return 0;
}

ssize_t __wrap_keg_space_read_string(struct keg_space *space, char *to, uint64_t from, size_t size)
{
	size_t length = from ? strnlen((const char *)(uintptr_t)from, size) : 0;

	(void)space;
	if (!from)
		return -EFAULT;
	if (length == size)
		return -ENAMETOOLONG;
	memcpy(to, (const char *)(uintptr_t)from, length + 1);
	return (ssize_t)length;
}

/* ---- The host's side ---- */

const char *host_path(const struct paths *paths, const char *name)
{
	static char path[4][PATH_MAX];
	static unsigned next;
	char *to = path[next++ % 4];

	snprintf(to, PATH_MAX, "%s/%s", paths->host, name);
	return to;
}

void make_folder(const struct paths *paths, const char *name)
{
	assert_int_equal(mkdir(host_path(paths, name), 0755), 0);
}

void make_file(const struct paths *paths, const char *name, const char *text)
{
	int fd = open(host_path(paths, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

void make_link(const struct paths *paths, const char *to, const char *name)
{
	assert_int_equal(symlink(to, host_path(paths, name)), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st, (void)type, (void)walk;
	return remove(path);
}

/* ---- The sandbox ---- */

int make_paths(void **state)
{
	struct paths *paths = test_calloc(1, sizeof(*paths));

	strcpy(paths->host, "/tmp/keg-paths-XXXXXX");
	assert_non_null(mkdtemp(paths->host));
	make_folder(paths, "in");
	make_folder(paths, "out");
	make_file(paths, "out/secret", "secret");
	assert_ok(keg_mounts_create(&paths->user.mounts));
	assert_ok(keg_fs_create("/", &paths->process.fs));
	assert_ok(keg_files_create(&paths->process.files));
	pthread_mutex_init(&paths->user.lock, NULL);
	paths->user.processes = paths->user.first = &paths->process;
	paths->user.process_count = paths->user.task_count = 1;
	paths->process.user = &paths->user;
	paths->process.pid = paths->process.group = paths->process.session = 7;
	paths->process.tasks = &paths->task;
	paths->process.task_count = 1;
	paths->process.executable = strdup("/bin/program");
	for (int i = 0; i < RLIM_NLIMITS; i++)
		paths->process.limits[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
	paths->process.limits[RLIMIT_NOFILE].rlim_cur = 64;
	paths->task.process = &paths->process;
	paths->task.tid = 7;
	*state = paths;
	return 0;
}

int make_bound(void **state)
{
	struct paths *paths;

	make_paths(state);
	paths = *state;
	make_folder(paths, "in/dir");
	make_file(paths, "in/dir/file", "text");
	assert_ok(keg_mounts_bind(
		paths->user.mounts, host_path(paths, "in"), "/in", KEG_USER_WRITABLE));
	return 0;
}

int end_paths(void **state)
{
	struct paths *paths = *state;

	keg_files_release(paths->process.files);
	keg_fs_release(paths->process.fs);
	keg_mounts_destroy(paths->user.mounts);
	pthread_mutex_destroy(&paths->user.lock);
	free(paths->process.executable);
	free(paths->task.buffer);
	nftw(paths->host, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	test_free(paths);
	return 0;
}

int64_t call(struct paths *paths, uint64_t number, const uint64_t args[6])
{
	for (const struct keg_syscall *row = keg_syscalls_path; row->name; row++)
		if (row->number == number)
			return row->serve(&paths->task, args);
	return -ENOSYS;
}

int open_path(struct paths *paths, const char *path, int flags)
{
	return (int)CALL(paths, __NR_openat, CWD, P(path), (unsigned)flags, 0644);
}

const char *contents_at(struct paths *paths, int at, const char *path)
{
	static char text[4096];
	int number = (int)CALL(paths, __NR_openat, (uint64_t)at, P(path), O_RDONLY);
	struct keg_file *file = number < 0 ? NULL : keg_files_get(paths->process.files, number);
	ssize_t length = file ? pread(file->fd, text, sizeof(text) - 1, 0) : 0;

	keg_file_put(file);
	if (number >= 0)
		keg_files_close(paths->process.files, number);
	text[length > 0 ? length : 0] = '\0';
	return text;
}

const char *contents(struct paths *paths, const char *path)
{
	return contents_at(paths, AT_FDCWD, path);
}
