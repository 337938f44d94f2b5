/* SPDX-License-Identifier: MIT */
/* What is mounted read-only is not changed by any call; what may be changed, is. */
#include "paths.h"

#include <stdio.h>

static int make_readonly(void **state)
{
	struct paths *paths;

	make_paths(state);
	paths = *state;
	make_folder(paths, "in/dir");
	make_folder(paths, "in/empty");
	make_file(paths, "in/file", "text");
	make_link(paths, "file", "in/link");
	assert_int_equal(mkfifo(host_path(paths, "in/fifo"), 0600), 0);
	assert_ok(keg_mounts_bind(paths->user.mounts, host_path(paths, "in"), "/ro", 0));
	assert_ok(keg_mounts_bind(
		paths->user.mounts, host_path(paths, "in"), "/rw", KEG_USER_WRITABLE));
	return 0;
}

struct attempt {
	uint64_t number;
	uint64_t args[6];
};

static const int64_t times[4] = {1, 2, 3, 4};

/* Each would succeed on /rw. */
#define ATTEMPTS(mount)                                                                            \
	{__NR_open, {P(mount "file"), O_WRONLY}}, {__NR_open, {P(mount "file"), O_RDWR}},          \
		{__NR_open, {P(mount "file"), O_RDONLY | O_TRUNC}},                                \
		{__NR_open, {P(mount "new1"), O_CREAT, 0644}},                                     \
		{__NR_open, {P(mount "new2"), O_CREAT | O_EXCL | O_WRONLY, 0644}},                 \
		{__NR_open, {P(mount "link"), O_WRONLY | O_CREAT, 0644}},                          \
		{__NR_open, {P(mount "dir"), O_TMPFILE | O_RDWR, 0644}},                           \
		{__NR_open, {P(mount "fifo"), O_RDWR}},                                            \
		{__NR_openat, {CWD, P(mount "new3"), O_CREAT | O_RDWR, 0644}},                     \
		{__NR_creat, {P(mount "new4"), 0644}}, {__NR_creat, {P(mount "file"), 0644}},      \
		{__NR_mkdir, {P(mount "d1"), 0755}}, {__NR_mkdirat, {CWD, P(mount "d2"), 0755}},   \
		{__NR_mknod, {P(mount "n1"), S_IFREG | 0644}},                                     \
		{__NR_mknodat, {CWD, P(mount "n2"), S_IFIFO | 0644}},                              \
		{__NR_symlink, {P("to"), P(mount "s1")}},                                          \
		{__NR_symlinkat, {P("to"), CWD, P(mount "s2")}},                                   \
		{__NR_link, {P(mount "file"), P(mount "h1")}},                                     \
		{__NR_linkat, {CWD, P(mount "file"), CWD, P(mount "h2")}},                         \
		{__NR_chmod, {P(mount "file"), 0600}},                                             \
		{__NR_fchmodat, {CWD, P(mount "file"), 0640}},                                     \
		{__NR_chown, {P(mount "file"), UINT32_MAX, UINT32_MAX}},                           \
		{__NR_lchown, {P(mount "link"), UINT32_MAX, UINT32_MAX}},                          \
		{__NR_fchownat, {CWD, P(mount "file"), UINT32_MAX, UINT32_MAX}},                   \
		{__NR_truncate, {P(mount "file"), 2}}, {__NR_utime, {P(mount "file"), P(times)}},  \
		{__NR_utimes, {P(mount "file"), P(times)}},                                        \
		{__NR_futimesat, {CWD, P(mount "file"), P(times)}},                                \
		{__NR_utimensat, {CWD, P(mount "file"), P(times)}},                                \
		{__NR_access, {P(mount "file"), W_OK}},                                            \
		{__NR_faccessat, {CWD, P(mount "file"), W_OK}},                                    \
		{__NR_rename, {P(mount "file"), P(mount "r1")}},                                   \
		{__NR_renameat, {CWD, P(mount "r1"), CWD, P(mount "r2")}},                         \
		{__NR_renameat2, {CWD, P(mount "dir"), CWD, P(mount "r3"), RENAME_NOREPLACE}},     \
		{__NR_unlink, {P(mount "link")}}, {__NR_unlinkat, {CWD, P(mount "fifo")}},         \
		{__NR_rmdir, {P(mount "empty")}},

static void no_call_changes_what_is_read_only(void **state)
{
	struct paths *paths = *state;
	const struct attempt attempts[] = {ATTEMPTS("/ro/")};
	struct stat after;

	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		int64_t r = call(paths, attempts[i].number, attempts[i].args);

		/* What an earlier one would have made is not there for a later one. */
		if (r != -EROFS && !(r == -ENOENT && attempts[i].number == __NR_renameat))
			fail_msg("attempt %zu: %lld", i, (long long)r);
	}
	assert_int_equal(stat(host_path(paths, "in/file"), &after), 0);
	assert_int_equal(after.st_size, 4);
	assert_int_equal(after.st_mode & 0777, 0644);
	assert_int_equal(open_path(paths, "/ro/fifo", O_RDONLY | O_NONBLOCK), -EACCES);
	assert_int_equal(CALL(paths, __NR_setxattr, P("/ro/file"), P("user.x"), P("y"), 1), -EROFS);
}

static void the_same_calls_change_what_is_writable(void **state)
{
	struct paths *paths = *state;
	const struct attempt attempts[] = {ATTEMPTS("/rw/")};
	struct stat st;

	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		int64_t r = call(paths, attempts[i].number, attempts[i].args);

		if (r < 0)
			fail_msg("attempt %zu: %lld", i, (long long)r);
	}
	assert_int_equal(stat(host_path(paths, "in/r2"), &st), 0);
	assert_int_equal(st.st_mtime, 3);
	assert_int_equal(lstat(host_path(paths, "in/link"), &st), -1);
	assert_int_equal(stat(host_path(paths, "in/r3"), &st), 0);
}

static void nothing_moves_from_one_mount_to_another(void **state)
{
	struct paths *paths = *state;

	assert_int_equal(CALL(paths, __NR_rename, P("/ro/file"), P("/rw/x")), -EXDEV);
	assert_int_equal(CALL(paths, __NR_link, P("/ro/file"), P("/rw/x")), -EXDEV);
	assert_int_equal(CALL(paths, __NR_rename, P("/rw/file"), P("/ro/x")), -EXDEV);
	assert_int_equal(CALL(paths, __NR_link, P("/"), P("/rw/x")), -EPERM);
}

static void a_file_read_only_gets_no_name_elsewhere_by_its_descriptor(void **state)
{
	struct paths *paths = *state;
	uint64_t number = (uint64_t)open_path(paths, "/ro/file", O_RDONLY), made;

	assert_int_equal(
		CALL(paths, __NR_linkat, number, P(""), CWD, P("/rw/x"), AT_EMPTY_PATH), -EXDEV);
	assert_int_equal(CALL(paths, __NR_fchownat, number, P(""), 1, 1, AT_EMPTY_PATH), -EROFS);
	assert_int_equal(CALL(paths, __NR_utimensat, number, 0, P(times)), -EROFS);
	made = (uint64_t)open_path(paths, "/rw/dir", O_TMPFILE | O_RDWR);
	assert_int_equal(CALL(paths, __NR_linkat, made, P(""), CWD, P("/rw/x"), AT_EMPTY_PATH), 0);
	assert_int_equal(access(host_path(paths, "in/x"), F_OK), 0);
}

static void modes_are_as_the_programs_umask_has_them(void **state)
{
	struct paths *paths = *state;
	struct stat st;

	assert_int_equal(CALL(paths, __NR_umask, 0), 022);
	assert_int_equal(CALL(paths, __NR_open, P("/rw/a"), O_CREAT | O_WRONLY, 0666), 0);
	assert_int_equal(CALL(paths, __NR_mkdir, P("/rw/b"), 0777), 0);
	assert_int_equal(CALL(paths, __NR_mknod, P("/rw/c"), S_IFIFO | 0622), 0);
	assert_int_equal(CALL(paths, __NR_umask, 077), 0);
	assert_int_equal(CALL(paths, __NR_open, P("/rw/d"), O_CREAT | O_WRONLY, 0666), 1);
	stat(host_path(paths, "in/a"), &st);
	assert_int_equal(st.st_mode, S_IFREG | 0666);
	stat(host_path(paths, "in/b"), &st);
	assert_int_equal(st.st_mode, S_IFDIR | 0777);
	stat(host_path(paths, "in/c"), &st);
	assert_int_equal(st.st_mode, S_IFIFO | 0622);
	stat(host_path(paths, "in/d"), &st);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
}

static void nothing_of_the_privileged_is_made(void **state)
{
	struct paths *paths = *state;
	struct stat st;

	assert_int_equal(CALL(paths, __NR_mknod, P("/rw/x"), S_IFCHR | 0666, 0x103), -EPERM);
	assert_int_equal(CALL(paths, __NR_mknod, P("/rw/x"), S_IFBLK | 0666, 0x103), -EPERM);
	assert_int_equal(CALL(paths, __NR_chown, P("/rw/file"), 12345, UINT32_MAX), -EPERM);
	assert_int_equal(CALL(paths, __NR_chroot, P("/rw")), -EPERM);
	assert_int_equal(CALL(paths, __NR_chmod, P("/rw/file"), 06755), 0);
	assert_int_equal(CALL(paths, __NR_open, P("/rw/new"), O_CREAT, 06755), 0);
	stat(host_path(paths, "in/file"), &st);
	assert_int_equal(st.st_mode, S_IFREG | 0755);
	stat(host_path(paths, "in/new"), &st);
	assert_int_equal(st.st_mode, S_IFREG | 0755);
}

static void the_working_directory_keeps_its_place(void **state)
{
	struct paths *paths = *state;
	char path[PATH_MAX];

	assert_int_equal(CALL(paths, __NR_chdir, P("/rw/dir")), 0);
	assert_int_equal(CALL(paths, __NR_getcwd, P(path), sizeof(path)), 8);
	assert_string_equal(path, "/rw/dir");
	assert_int_equal(CALL(paths, __NR_rename, P("../dir"), P("../moved")), 0);
	assert_int_equal(CALL(paths, __NR_getcwd, P(path), sizeof(path)), 10);
	assert_string_equal(path, "/rw/moved");
	assert_int_equal(CALL(paths, __NR_getcwd, P(path), 9), -ERANGE);
	assert_string_equal(contents(paths, "../file"), "text");
	assert_int_equal(CALL(paths, __NR_rmdir, P("../moved")), 0);
	assert_int_equal(CALL(paths, __NR_getcwd, P(path), sizeof(path)), -ENOENT);
	assert_int_equal(CALL(paths, __NR_chdir, P("/rw/file")), -ENOTDIR);
	assert_int_equal(open_path(paths, ".", O_RDONLY), -ENOENT);
}

static void names_are_taken_away_as_linux_does(void **state)
{
	struct paths *paths = *state;

	assert_int_equal(CALL(paths, __NR_unlink, P("/rw/dir")), -EISDIR);
	assert_int_equal(CALL(paths, __NR_rmdir, P("/rw/file")), -ENOTDIR);
	assert_int_equal(CALL(paths, __NR_rmdir, P("/rw/dir/.")), -EINVAL);
	assert_int_equal(CALL(paths, __NR_rmdir, P("/")), -EBUSY);
	assert_int_equal(CALL(paths, __NR_rmdir, P("/rw")), -EBUSY);
	assert_int_equal(CALL(paths, __NR_unlink, P("/rw/file/")), -ENOTDIR);
	assert_int_equal(CALL(paths, __NR_unlink, P("/rw/none")), -ENOENT);
	assert_int_equal(CALL(paths, __NR_mkdir, P("/rw/dir")), -EEXIST);
	assert_int_equal(CALL(paths, __NR_mkdir, P("/rw/new/")), 0);
	assert_int_equal(CALL(paths, __NR_mkdir, P("/new")), -EACCES);
	assert_int_equal(CALL(paths, __NR_symlink, P(""), P("/rw/s")), -ENOENT);
	assert_int_equal(CALL(paths, __NR_rename, P("/rw/file"), P("/rw/f/")), -ENOTDIR);
	assert_int_equal(CALL(paths, __NR_rename, P("/rw/dir/."), P("/rw/d")), -EBUSY);
	assert_int_equal(CALL(paths, __NR_unlink, P("/rw/link")), 0);
	assert_string_equal(contents(paths, "/rw/file"), "text");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_readonly, end_paths)
	const struct CMUnitTest tests[] = {
		TEST(no_call_changes_what_is_read_only),
		TEST(the_same_calls_change_what_is_writable),
		TEST(nothing_moves_from_one_mount_to_another),
		TEST(a_file_read_only_gets_no_name_elsewhere_by_its_descriptor),
		TEST(modes_are_as_the_programs_umask_has_them),
		TEST(nothing_of_the_privileged_is_made),
		TEST(the_working_directory_keeps_its_place),
		TEST(names_are_taken_away_as_linux_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
