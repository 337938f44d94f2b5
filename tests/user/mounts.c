/* SPDX-License-Identifier: MIT */
/* The name space of a sandbox: what is mounted is there, and nothing else is, by no path. */
#include "paths.h"

#include <pthread.h>
#include <stdatomic.h>

/* ---- What is there ---- */

static void nothing_is_there_that_was_not_mounted(void **state)
{
	struct paths *paths = *state;

	assert_string_equal(contents(paths, "/in/dir/file"), "text");
	assert_int_equal(open_path(paths, "/etc/passwd", O_RDONLY), -ENOENT);
	assert_int_equal(open_path(paths, "/in/../etc/passwd", O_RDONLY), -ENOENT);
	assert_int_equal(open_path(paths, "/tmp", O_RDONLY), -ENOENT);
	assert_int_equal(open_path(paths, "/in/nothing", O_RDONLY), -ENOENT);
	assert_int_equal(open_path(paths, "/in/dir/file/x", O_RDONLY), -ENOTDIR);
	assert_int_equal(open_path(paths, "", O_RDONLY), -ENOENT);
}

static void dots_never_lead_out(void **state)
{
	static const char *const paths_out[] = {"/in/../out/secret", "/in/dir/../../out/secret",
		"../out/secret", "/../../../../out/secret", "/in/dir/./.././../out/secret"};
	struct paths *paths = *state;

	for (size_t i = 0; i < sizeof(paths_out) / sizeof(paths_out[0]); i++)
		assert_int_equal(open_path(paths, paths_out[i], O_RDONLY), -ENOENT);
	assert_string_equal(contents(paths, "/../../in/dir/../dir/./file"), "text");
	assert_int_equal(open_path(paths, "/in/dir/file/..", O_RDONLY), -ENOTDIR);
	assert_int_equal(open_path(paths, "/in/dir/file/.", O_RDONLY), -ENOTDIR);
	assert_int_equal(open_path(paths, "/in/dir/file/", O_RDONLY), -ENOTDIR);
}

static void links_lead_where_they_lead_in_the_sandbox(void **state)
{
	struct paths *paths = *state;

	make_link(paths, host_path(paths, "out/secret"), "in/absolute");
	make_link(paths, "../out/secret", "in/relative");
	make_link(paths, "../../../../../../../../../../etc/passwd", "in/far");
	make_link(paths, "/in/dir/file", "in/right");
	make_link(paths, "dir/file", "in/beside");
	make_link(paths, "../in/dir", "in/dir/around");
	make_link(paths, "/", "in/root");
	assert_int_equal(open_path(paths, "/in/absolute", O_RDONLY), -ENOENT);
	assert_int_equal(open_path(paths, "/in/relative", O_RDONLY), -ENOENT);
	assert_int_equal(open_path(paths, "/in/far", O_RDONLY), -ENOENT);
	assert_string_equal(contents(paths, "/in/right"), "text");
	assert_string_equal(contents(paths, "/in/beside"), "text");
	assert_string_equal(contents(paths, "/in/root/in/root/in/dir/file"), "text");
	assert_int_equal(open_path(paths, "/in/root/out/secret", O_RDONLY), -ENOENT);
	assert_int_equal(open_path(paths, "/in/dir/around/file", O_RDONLY), -ENOENT);
	assert_int_equal(open_path(paths, "/in/right", O_RDONLY | O_NOFOLLOW), -ELOOP);
	/* The host's own links to anywhere, as this process has them. */
	make_link(paths, "/proc/self/root/etc/passwd", "in/proc");
	make_link(paths, "/proc/self/cwd", "in/cwd");
	assert_int_equal(open_path(paths, "/in/proc", O_RDONLY), -ENOENT);
	assert_int_equal(open_path(paths, "/in/cwd", O_RDONLY), -ENOENT);
}

static void forty_links_are_followed_and_no_more(void **state)
{
	struct paths *paths = *state;
	char name[32], to[32];

	make_link(paths, "dir/file", "in/l0");
	for (int i = 1; i < 42; i++) {
		snprintf(to, sizeof(to), "l%d", i - 1);
		snprintf(name, sizeof(name), "in/l%d", i);
		make_link(paths, to, name);
	}
	make_link(paths, "loop", "in/loop");
	make_link(paths, "pong", "in/ping");
	make_link(paths, "ping/x", "in/pong");
	assert_string_equal(contents(paths, "/in/l39"), "text");
	assert_int_equal(open_path(paths, "/in/l40", O_RDONLY), -ELOOP);
	assert_int_equal(open_path(paths, "/in/l41", O_RDONLY), -ELOOP);
	assert_int_equal(open_path(paths, "/in/loop", O_RDONLY), -ELOOP);
	assert_int_equal(open_path(paths, "/in/loop/x", O_RDONLY | O_CREAT), -ELOOP);
	assert_int_equal(open_path(paths, "/in/ping", O_RDONLY), -ELOOP);
}

static void long_names_are_refused(void **state)
{
	struct paths *paths = *state;
	char name[PATH_MAX + 16];

	memset(name, 'x', sizeof(name));
	memcpy(name, "/in/", 4);
	name[4 + 256] = '\0';
	assert_int_equal(open_path(paths, name, O_RDONLY), -ENAMETOOLONG);
	for (size_t i = 4; i < sizeof(name); i += 2)
		memcpy(name + i, "./", 2);
	name[PATH_MAX] = '\0';
	assert_int_equal(open_path(paths, name, O_RDONLY), -ENAMETOOLONG);
	name[PATH_MAX - 1] = '\0';
	assert_true(open_path(paths, name, O_RDONLY) >= 0);
}

static void a_link_that_dangles_makes_its_file_within(void **state)
{
	struct paths *paths = *state;
	struct stat st;

	make_link(paths, "/in/dir/made", "in/dangles");
	make_link(paths, host_path(paths, "out/made"), "in/out");
	make_link(paths, "../out/made", "in/up");
	assert_true(open_path(paths, "/in/dangles", O_WRONLY | O_CREAT) >= 0);
	assert_int_equal(stat(host_path(paths, "in/dir/made"), &st), 0);
	assert_int_equal(open_path(paths, "/in/out", O_WRONLY | O_CREAT), -ENOENT);
	assert_int_equal(open_path(paths, "/in/up", O_WRONLY | O_CREAT), -ENOENT);
	assert_int_equal(open_path(paths, "/in/dangles", O_WRONLY | O_CREAT | O_EXCL), -EEXIST);
	assert_int_equal(stat(host_path(paths, "out/made"), &st), -1);
}

/* ---- Mounts in mounts ---- */

static void a_later_mount_covers_an_earlier_one(void **state)
{
	struct paths *paths = *state;

	make_folder(paths, "in2");
	make_file(paths, "in2/file", "other");
	assert_ok(keg_mounts_bind(paths->user.mounts, host_path(paths, "in2"), "/in/dir", 0));
	assert_string_equal(contents(paths, "/in/dir/file"), "other");
	assert_string_equal(contents(paths, "/in/dir/../dir/file"), "other");
	assert_ok(keg_mounts_bind(paths->user.mounts, host_path(paths, "in"), "/in", 0));
	assert_string_equal(contents(paths, "/in/dir/file"), "text");
}

static void a_mount_over_a_link_goes_where_it_leads(void **state)
{
	struct paths *paths = *state;

	make_link(paths, "dir", "in/link");
	make_folder(paths, "in2");
	make_file(paths, "in2/mounted", "other");
	assert_ok(keg_mounts_bind(
		paths->user.mounts, host_path(paths, "in2"), "/in/link/new/place", 0));
	assert_string_equal(contents(paths, "/in/dir/new/place/mounted"), "other");
	assert_string_equal(contents(paths, "/in/link/new/place/mounted"), "other");
	assert_string_equal(contents(paths, "/in/dir/new/../file"), "text");
}

static void a_link_made_above_a_mount_is_not_followed(void **state)
{
	struct paths *paths = *state;

	make_folder(paths, "in2");
	make_file(paths, "in2/mounted", "other");
	assert_ok(keg_mounts_bind(paths->user.mounts, host_path(paths, "in2"), "/in/a/b", 0));
	make_link(paths, "/in/dir", "in/a");
	assert_string_equal(contents(paths, "/in/a/b/mounted"), "other");
	assert_int_equal(open_path(paths, "/in/a/file", O_RDONLY), -ENOENT);
	assert_int_equal(CALL(paths, __NR_unlink, P("/in/a")), -EISDIR);
	assert_int_equal(CALL(paths, __NR_rmdir, P("/in/a")), -EBUSY);
	assert_int_equal(CALL(paths, __NR_rename, P("/in/a"), P("/in/c")), -EBUSY);
	assert_int_equal(CALL(paths, __NR_rename, P("/in/dir"), P("/in/a")), -EBUSY);
	assert_int_equal(CALL(paths, __NR_rmdir, P("/in/a/b")), -EBUSY);
}

static void a_file_can_be_mounted(void **state)
{
	struct paths *paths = *state;

	make_link(paths, "secret", "out/link");
	assert_ok(keg_mounts_bind(paths->user.mounts, host_path(paths, "out/link"), "/a/b", 0));
	assert_string_equal(contents(paths, "/a/b"), "secret");
	assert_int_equal(open_path(paths, "/a/secret", O_RDONLY), -ENOENT);
	assert_int_equal(open_path(paths, "/a/b/../secret", O_RDONLY), -ENOTDIR);
	assert_int_equal(open_path(paths, "/a/b/secret", O_RDONLY), -ENOTDIR);
	assert_int_equal(open_path(paths, "/a/b/", O_RDONLY), -ENOTDIR);
	assert_int_equal(open_path(paths, "/a/b", O_WRONLY), -EROFS);
	/* By its name: a link that replaces it leads where it leads in the sandbox. */
	assert_int_equal(rename(host_path(paths, "out/link"), host_path(paths, "out/secret")), 0);
	assert_int_equal(open_path(paths, "/a/b", O_RDONLY), -ENOENT);
}

static void what_cannot_be_mounted_is_said(void **state)
{
	struct keg_mounts *mounts = ((struct paths *)*state)->user.mounts;
	char guest[16];

	assert_fails(keg_mounts_bind(mounts, "/nothing", NULL, 0), ENOENT, "/nothing");
	assert_ok(keg_mounts_bind(mounts, "/nothing", NULL, KEG_USER_OPTIONAL));
	assert_fails(keg_mounts_bind(mounts, "tmp", NULL, 0), EINVAL, "tmp");
	assert_fails(keg_mounts_bind(mounts, "/tmp", "x", 0), EINVAL, "x");
	assert_fails(keg_mounts_bind(mounts, "/tmp", NULL, 64), EINVAL, "flags");
	assert_fails(keg_mounts_bind(mounts, "/proc", NULL, 0), EINVAL, "/proc");
	assert_fails(keg_mounts_bind(mounts, "/proc/self/mem", "/mem", 0), EINVAL, "/proc");
	assert_fails(keg_mounts_tmpfs(mounts, "x", 0), EINVAL, "x");
	for (int i = 1; i < 256; i++) {
		snprintf(guest, sizeof(guest), "/m/%d", i);
		assert_ok(keg_mounts_bind(mounts, "/tmp", guest, 0));
	}
	assert_fails(keg_mounts_bind(mounts, "/tmp", "/m/256", 0), ENOSPC, "256");
}

static void the_hosts_proc_is_not_shown_within_a_mount(void **state)
{
	struct paths *paths = *state;

	assert_ok(keg_mounts_bind(paths->user.mounts, "/", "/host", 0));
	assert_int_equal(open_path(paths, "/host/proc", O_RDONLY), -EACCES);
	assert_int_equal(open_path(paths, "/host/proc/self/mem", O_RDONLY), -EACCES);
	assert_int_equal(open_path(paths, "/host/proc/1/environ", O_RDONLY), -EACCES);
	assert_int_equal(open_path(paths, "/host/dev/null", O_RDONLY), -EACCES);
	assert_true(open_path(paths, "/host/etc", O_RDONLY) >= 0);
}

/* ---- Races: a directory becomes a link that leads out, and a directory again ---- */

struct race {
	const char *directory, *aside, *link;
	atomic_bool over;
};

static void *swap(void *context)
{
	struct race *race = context;

	while (!race->over) {
		rename(race->directory, race->aside);
		rename(race->link, race->directory);
		rename(race->directory, race->link);
		rename(race->aside, race->directory);
	}
	return NULL;
}

/* The directory in the sandbox is now itself, now a link to what is out of it. */
static void begin_race(struct paths *paths, struct race *race, pthread_t *thread)
{
	static char names[3][PATH_MAX];

	make_file(paths, "in/dir/secret", "mine");
	strcpy(names[0], host_path(paths, "in/dir"));
	strcpy(names[1], host_path(paths, "in/aside"));
	strcpy(names[2], host_path(paths, "in/link"));
	make_link(paths, host_path(paths, "out"), "in/link");
	*race = (struct race){names[0], names[1], names[2], false};
	assert_int_equal(pthread_create(thread, NULL, swap, race), 0);
}

static void end_race(struct race *race, pthread_t thread)
{
	race->over = true;
	pthread_join(thread, NULL);
}

static void no_race_leads_out(void **state)
{
	static const char *const ways[] = {"/in/dir/secret", "/in/dir/../dir/secret",
		"/in/aside/../dir/./secret", "/in/link/secret"};
	struct paths *paths = *state;
	int walks = be_quick() ? 5000 : 100000, found = 0;
	struct stat secret, st;
	struct race race;
	pthread_t thread;

	begin_race(paths, &race, &thread);
	assert_int_equal(stat(host_path(paths, "out/secret"), &secret), 0);
	for (int i = 0; i < walks; i++) {
		int number = open_path(paths, ways[i % 4], O_RDONLY);
		struct keg_file *file;

		if (number < 0)
			continue;
		found++;
		file = keg_files_get(paths->process.files, number);
		assert_int_equal(fstat(file->fd, &st), 0);
		assert_false(st.st_dev == secret.st_dev && st.st_ino == secret.st_ino);
		keg_file_put(file);
		keg_files_close(paths->process.files, number);
	}
	end_race(&race, thread);
	assert_true(found > 0);
}

static void no_race_changes_what_is_out(void **state)
{
	struct paths *paths = *state;
	int rounds = be_quick() ? 1000 : 10000;
	struct stat before, after, folder;
	struct race race;
	pthread_t thread;

	assert_int_equal(stat(host_path(paths, "out/secret"), &before), 0);
	assert_int_equal(stat(host_path(paths, "out"), &folder), 0);
	begin_race(paths, &race, &thread);
	for (int i = 0; i < rounds; i++) {
		CALL(paths, __NR_mkdir, P("/in/dir/new"), 0755);
		CALL(paths, __NR_rename, P("/in/dir/new"), P("/in/dir/other"));
		CALL(paths, __NR_rmdir, P("/in/dir/other"));
		CALL(paths, __NR_symlink, P("x"), P("/in/dir/x"));
		CALL(paths, __NR_unlink, P("/in/dir/x"));
		CALL(paths, __NR_link, P("/in/dir/secret"), P("/in/dir/y"));
		CALL(paths, __NR_unlink, P("/in/dir/y"));
		CALL(paths, __NR_chmod, P("/in/dir/secret"), 0777);
		CALL(paths, __NR_truncate, P("/in/dir/secret"), 1);
		CALL(paths, __NR_unlink, P("/in/dir/secret"));
		keg_files_close(paths->process.files,
			open_path(paths, "/in/dir/secret", O_CREAT | O_WRONLY | O_TRUNC));
	}
	end_race(&race, thread);
	assert_int_equal(stat(host_path(paths, "out/secret"), &after), 0);
	assert_memory_equal(&before.st_ctim, &after.st_ctim, sizeof(after.st_ctim));
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_equal(after.st_size, 6);
	assert_int_equal(stat(host_path(paths, "out"), &after), 0);
	assert_memory_equal(&folder.st_mtim, &after.st_mtim, sizeof(after.st_mtim));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_bound, end_paths)
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_there_that_was_not_mounted),
		TEST(dots_never_lead_out),
		TEST(links_lead_where_they_lead_in_the_sandbox),
		TEST(forty_links_are_followed_and_no_more),
		TEST(long_names_are_refused),
		TEST(a_link_that_dangles_makes_its_file_within),
		TEST(a_later_mount_covers_an_earlier_one),
		TEST(a_mount_over_a_link_goes_where_it_leads),
		TEST(a_link_made_above_a_mount_is_not_followed),
		TEST(a_file_can_be_mounted),
		TEST(what_cannot_be_mounted_is_said),
		TEST(the_hosts_proc_is_not_shown_within_a_mount),
		TEST(no_race_leads_out),
		TEST(no_race_changes_what_is_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
