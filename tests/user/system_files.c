/* SPDX-License-Identifier: MIT */
/* Directories that are made up, what is in /proc and /dev, and private empty directories. */
#include "paths.h"

#include <dirent.h>
#include <sys/sysmacros.h>

#include "user/pages.h"

static int make_system(void **state)
{
	struct paths *paths;

	make_paths(state);
	paths = *state;
	assert_ok(keg_pages_create(64 << 20, &paths->user.pages));
	make_folder(paths, "in/bin");
	make_file(paths, "in/file", "text");
	assert_ok(keg_mounts_bind(paths->user.mounts, host_path(paths, "in"), "/usr", 0));
	assert_ok(keg_mounts_bind(paths->user.mounts, host_path(paths, "out"), "/usr/lib/x", 0));
	assert_ok(
		keg_mounts_bind(paths->user.mounts, host_path(paths, "out/secret"), "/usr/bin", 0));
	assert_ok(keg_mounts_tmpfs(paths->user.mounts, "/tmp", 1 << 20));
	assert_ok(keg_mounts_system(paths->user.mounts));
	return 0;
}

static int end_system(void **state)
{
	keg_pages_destroy(((struct paths *)*state)->user.pages);
	return end_paths(state);
}

/* ---- Listings ---- */

/* The names in a directory, each with a space before and behind it, as getdents64(2) gives them
 * with a buffer of `size`. */
static const char *names_in(struct paths *paths, const char *path, size_t size)
{
	static char names[8192];
	int number = open_path(paths, path, O_RDONLY | O_DIRECTORY);
	char buffer[1024];
	int64_t bytes;

	strcpy(names, " ");
	if (number < 0)
		return names;
	while ((bytes = CALL(paths, __NR_getdents64, (uint64_t)number, P(buffer), size)) > 0)
		for (int64_t at = 0; at < bytes;) {
			struct dirent64 *entry = (void *)(buffer + at);

			assert_true(entry->d_reclen > 0 && at + entry->d_reclen <= bytes);
			assert_true(entry->d_ino != 0);
			strcat(strcat(names, entry->d_name), " ");
			at += entry->d_reclen;
		}
	assert_int_equal(bytes, 0);
	keg_files_close(paths->process.files, number);
	return names;
}

static bool has(const char *names, const char *name)
{
	char spaced[64];
	const char *found;

	snprintf(spaced, sizeof(spaced), " %s ", name);
	found = strstr(names, spaced);
	/* Once, and no more. */
	return found && !strstr(found + 1, spaced);
}

static void directories_above_mounts_are_made_up(void **state)
{
	static const char *const expected[] = {".", "..", "usr", "tmp", "proc", "dev", "sys"};
	struct paths *paths = *state;
	struct stat root, lib;

	for (size_t size = 64; size <= 1024; size *= 4)
		for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
			assert_true(has(names_in(paths, "/", size), expected[i]));
	assert_int_equal(strlen(names_in(paths, "/", 1024)), strlen(" . .. usr tmp proc dev sys "));
	assert_int_equal(CALL(paths, __NR_stat, P("/"), P(&root)), 0);
	assert_int_equal(CALL(paths, __NR_stat, P("/usr/lib"), P(&lib)), 0);
	assert_int_equal(root.st_mode, S_IFDIR | 0555);
	assert_int_equal(lib.st_mode, S_IFDIR | 0555);
	assert_int_equal(root.st_dev, lib.st_dev);
	assert_int_not_equal(root.st_ino, lib.st_ino);
	assert_int_equal(root.st_uid, 0);
	assert_int_equal(open_path(paths, "/x", O_CREAT | O_WRONLY), -EACCES);
	assert_int_equal(open_path(paths, "/", O_WRONLY), -EISDIR);
}

static void mounts_join_what_the_host_has(void **state)
{
	struct paths *paths = *state;
	const char *names = names_in(paths, "/usr", 512);

	assert_true(has(names, "file") && has(names, "bin") && has(names, "lib"));
	assert_true(has(names, ".") && has(names, ".."));
	assert_true(has(names_in(paths, "/usr/lib", 512), "x"));
	assert_true(has(names_in(paths, "/usr/lib/x", 512), "secret"));
	/* A file covers the host's directory. */
	assert_string_equal(contents(paths, "/usr/bin"), "secret");
}

static void a_listing_is_no_file_to_be_read(void **state)
{
	struct paths *paths = *state;
	int number = open_path(paths, "/", O_RDONLY);
	struct keg_file *file = keg_files_get(paths->process.files, number);
	char buffer[16];
	struct stat st;

	assert_int_equal(file->operations->read(&paths->task, file, buffer, 16, -1), -EISDIR);
	assert_int_equal(keg_open_stat(&paths->task, file, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(CALL(paths, __NR_getdents64, (uint64_t)number, P(buffer), 16), -EINVAL);
	keg_file_put(file);
}

static void old_records_are_as_long(void **state)
{
	struct paths *paths = *state;
	int number = open_path(paths, "/", O_RDONLY);
	char buffer[1024];
	int64_t bytes = CALL(paths, __NR_getdents, (uint64_t)number, P(buffer), sizeof(buffer));
	bool found = false;

	assert_true(bytes > 0);
	for (int64_t at = 0; at < bytes;) {
		uint16_t length;

		memcpy(&length, buffer + at + 16, sizeof(length));
		if (strcmp(buffer + at + 18, "proc") == 0 && buffer[at + length - 1] == DT_DIR)
			found = true;
		at += length;
	}
	assert_true(found);
}

/* ---- Private directories ---- */

static void what_is_private_has_its_bound(void **state)
{
	struct paths *paths = *state;
	int number = open_path(paths, "/tmp/file", O_CREAT | O_RDWR);
	struct keg_file *file = keg_files_get(paths->process.files, number);
	static char block[65536];
	ssize_t written = 0, bytes;

	assert_int_equal(CALL(paths, __NR_mkdir, P("/tmp/dir"), 0755), 0);
	for (int i = 0; i < 32 && (bytes = write(file->fd, block, sizeof(block))) > 0; i++)
		written += bytes;
	if (file->most == UINT64_MAX)
		assert_in_range(written, 1 << 19, 1 << 20);
	else
		assert_int_equal(file->most, 1 << 20);
	keg_file_put(file);
	assert_int_equal(open_path(paths, "/dev/shm/x", O_CREAT | O_RDWR), 1);
	assert_int_equal(CALL(paths, __NR_rename, P("/tmp/file"), P("/dev/shm/y")), -EXDEV);
}

static void a_temporary_folder_is_emptied(void **state)
{
	struct paths *paths = *state;

	make_folder(paths, "t");
	make_folder(paths, "t/dir");
	make_file(paths, "t/dir/file", "x");
	make_link(paths, host_path(paths, "out"), "t/dir/link");
	assert_int_equal(mkfifo(host_path(paths, "t/fifo"), 0), 0);
	keg_tmpfs_remove(open(host_path(paths, "t"), O_PATH | O_CLOEXEC), host_path(paths, "t"));
	assert_int_equal(access(host_path(paths, "t"), F_OK), -1);
	assert_int_equal(access(host_path(paths, "out/secret"), F_OK), 0);
}

/* ---- /proc and /dev ---- */

static void processes_are_shown(void **state)
{
	struct paths *paths = *state;
	char link[PATH_MAX] = {0};
	int pid, parent;
	char name[32], letter;

	strcpy(paths->task.name, "tester");
	assert_int_equal(CALL(paths, __NR_readlink, P("/proc/self"), P(link), sizeof(link)), 1);
	assert_string_equal(link, "7");
	assert_int_equal(
		CALL(paths, __NR_readlink, P("/proc/self/exe"), P(link), sizeof(link)), 12);
	assert_string_equal(link, "/bin/program");
	assert_int_equal(sscanf(contents(paths, "/proc/self/stat"), "%d (%31[^)]) %c %d", &pid,
				 name, &letter, &parent),
		4);
	assert_int_equal(pid, 7);
	assert_string_equal(name, "tester");
	assert_int_equal(letter, 'R');
	assert_non_null(strstr(contents(paths, "/proc/7/status"), "\nPid:\t7\n"));
	assert_string_equal(contents(paths, "/proc/thread-self/comm"), "tester\n");
	assert_string_equal(contents(paths, "/proc/8/stat"), "");
	assert_int_equal(open_path(paths, "/proc/07", O_RDONLY), -ENOENT);
	assert_int_equal(open_path(paths, "/proc/7/task/8", O_RDONLY), -ENOENT);
	assert_int_equal(open_path(paths, "/proc/%/stat", O_RDONLY), -ENOENT);
	assert_int_equal(open_path(paths, "/proc/self/mem", O_RDONLY), -ENOENT);
	assert_int_equal(open_path(paths, "/proc/self/comm", O_WRONLY), -EACCES);
	assert_int_equal(CALL(paths, __NR_unlink, P("/proc/self/comm")), -EACCES);
	assert_true(has(names_in(paths, "/proc", 512), "7"));
	assert_true(has(names_in(paths, "/proc/self/task", 512), "7"));
}

static void stat_has_52_fields(void **state)
{
	struct paths *paths = *state;
	const char *text = contents(paths, "/proc/self/stat");
	int spaces = 0;

	for (; *text; text++)
		spaces += *text == ' ';
	assert_int_equal(spaces, 51);
}

static void every_file_of_the_system_has_something_in_it(void **state)
{
	static const char *const names[] = {"cpuinfo", "meminfo", "stat", "uptime", "loadavg",
		"version", "filesystems", "mounts", "self/mountinfo", "self/limits", "self/cgroup",
		"self/oom_score_adj", "sys/kernel/ostype", "sys/kernel/osrelease",
		"sys/kernel/hostname", "sys/kernel/pid_max", "sys/kernel/random/uuid",
		"sys/kernel/random/boot_id", "sys/kernel/ngroups_max", "sys/kernel/cap_last_cap",
		"sys/vm/overcommit_memory", "sys/vm/max_map_count", "sys/vm/mmap_min_addr",
		"sys/fs/pipe-max-size", "sys/fs/file-max", "../sys/devices/system/cpu/online"};
	struct paths *paths = *state;
	unsigned long long total;
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "/proc/%s", names[i]);
		if (!contents(paths, path)[0])
			fail_msg("%s is empty", path);
	}
	assert_int_equal(sscanf(contents(paths, "/proc/meminfo"), "MemTotal: %llu kB", &total), 1);
	assert_int_equal(total, 65536);
	assert_int_equal(strlen(contents(paths, "/proc/sys/kernel/random/uuid")), 37);
	assert_non_null(strstr(contents(paths, "/proc/mounts"), "keg /usr ext4 ro,"));
	assert_non_null(strstr(contents(paths, "/proc/mounts"), "keg /tmp tmpfs rw,"));
}

static void open_files_are_shown(void **state)
{
	struct paths *paths = *state;
	int number = open_path(paths, "/usr/file", O_RDONLY), ends[2];
	char path[64], link[PATH_MAX] = {0};
	struct keg_file *file, *again;
	struct stat st;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", number);
	assert_true(CALL(paths, __NR_readlink, P(path), P(link), sizeof(link)) > 0);
	assert_string_equal(link, "/usr/file");
	assert_string_equal(contents(paths, path), "text");
	assert_string_equal(contents(paths, "/dev/fd/0"), "text");
	assert_int_equal(open_path(paths, path, O_WRONLY), -EROFS);
	/* What has no path is opened as it is, and no more than it was. */
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(keg_task_add_fd(&paths->task, KEG_FILE_HOST, ends[0], O_RDONLY, false), 1);
	close(ends[1]);
	assert_int_equal(open_path(paths, "/dev/stdout", O_RDONLY), 2);
	file = keg_files_get(paths->process.files, 1);
	again = keg_files_get(paths->process.files, 2);
	assert_ptr_equal(file, again);
	keg_file_put(file);
	keg_file_put(again);
	assert_int_equal(open_path(paths, "/dev/stdout", O_WRONLY), -EACCES);
	assert_int_equal(CALL(paths, __NR_stat, P("/dev/stdout"), P(&st)), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(open_path(paths, "/dev/stdout/x", O_RDONLY), -ENOTDIR);
	assert_int_equal(open_path(paths, "/dev/fd/9", O_RDONLY), -ENOENT);
	assert_true(has(names_in(paths, "/proc/self/fd", 512), "1"));
}

static void devices_are_those_that_any_program_may_use(void **state)
{
	struct paths *paths = *state;
	int number = open_path(paths, "/dev/zero", O_RDONLY);
	struct keg_file *file = keg_files_get(paths->process.files, number);
	char byte = 1;
	struct stat st;

	assert_int_equal(read(file->fd, &byte, 1), 1);
	assert_int_equal(byte, 0);
	keg_file_put(file);
	assert_true(open_path(paths, "/dev/null", O_RDWR) > 0);
	assert_true(open_path(paths, "/dev/urandom", O_RDONLY) > 0);
	assert_int_equal(CALL(paths, __NR_stat, P("/dev/null"), P(&st)), 0);
	assert_true(S_ISCHR(st.st_mode));
	assert_int_equal(st.st_rdev, makedev(1, 3));
	assert_int_equal(open_path(paths, "/dev/tty", O_RDWR), -ENXIO);
	assert_int_equal(open_path(paths, "/dev/kvm", O_RDWR), -ENOENT);
	assert_int_equal(open_path(paths, "/dev/mem", O_RDONLY), -ENOENT);
	assert_true(has(names_in(paths, "/dev", 512), "shm"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_system, end_system)
	const struct CMUnitTest tests[] = {
		TEST(directories_above_mounts_are_made_up),
		TEST(mounts_join_what_the_host_has),
		TEST(a_listing_is_no_file_to_be_read),
		TEST(old_records_are_as_long),
		TEST(what_is_private_has_its_bound),
		TEST(a_temporary_folder_is_emptied),
		TEST(processes_are_shown),
		TEST(stat_has_52_fields),
		TEST(every_file_of_the_system_has_something_in_it),
		TEST(open_files_are_shown),
		TEST(devices_are_those_that_any_program_may_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
