/* SPDX-License-Identifier: MIT */
/* Directories that are open, and get another name, or lose theirs. */
#include "paths.h"

static void an_open_directory_is_found_under_its_new_name(void **state)
{
	struct paths *paths = *state;
	int sub, dir;

	make_folder(paths, "in/dir/sub");
	make_file(paths, "in/dir/sub/file", "deep");
	dir = open_path(paths, "/in/dir", O_RDONLY | O_DIRECTORY);
	sub = open_path(paths, "/in/dir/sub", O_PATH | O_DIRECTORY);
	assert_string_equal(contents_at(paths, sub, "file"), "deep");
	assert_int_equal(CALL(paths, __NR_rename, P("/in/dir"), P("/in/other")), 0);
	assert_string_equal(contents_at(paths, dir, "file"), "text");
	assert_string_equal(contents_at(paths, sub, "file"), "deep");
	assert_string_equal(contents_at(paths, sub, "../file"), "text");
	assert_int_equal(CALL(paths, __NR_mkdirat, (uint64_t)sub, P("made"), 0755), 0);
	assert_int_equal(access(host_path(paths, "in/other/sub/made"), F_OK), 0);
	assert_int_equal(CALL(paths, __NR_fchdir, (uint64_t)sub), 0);
	assert_string_equal(contents(paths, "file"), "deep");
}

static void an_open_directory_is_not_another_of_its_name(void **state)
{
	struct paths *paths = *state;
	int dir = open_path(paths, "/in/dir", O_RDONLY | O_DIRECTORY);

	assert_int_equal(CALL(paths, __NR_rename, P("/in/dir"), P("/in/other")), 0);
	make_folder(paths, "in/dir");
	make_file(paths, "in/dir/file", "new");
	assert_string_equal(contents_at(paths, dir, "file"), "text");
	assert_int_equal(CALL(paths, __NR_unlink, P("/in/other/file")), 0);
	assert_int_equal(CALL(paths, __NR_rmdir, P("/in/other")), 0);
	assert_int_equal(CALL(paths, __NR_openat, (uint64_t)dir, P("file"), O_RDONLY), -ENOENT);
	assert_int_equal(CALL(paths, __NR_fchdir, (uint64_t)dir), -ENOENT);
	assert_string_equal(contents(paths, "/in/dir/file"), "new");
}

/* Whoever moves it: what is no longer beneath the mount is out of reach. */
static void an_open_directory_that_was_moved_out_leads_nowhere(void **state)
{
	struct paths *paths = *state;
	int dir = open_path(paths, "/in/dir", O_RDONLY | O_DIRECTORY);

	assert_int_equal(rename(host_path(paths, "in/dir"), host_path(paths, "out/dir")), 0);
	make_folder(paths, "in/x");
	assert_int_equal(CALL(paths, __NR_rmdir, P("/in/x")), 0);
	assert_int_equal(CALL(paths, __NR_openat, (uint64_t)dir, P("file"), O_RDONLY), -ENOENT);
	assert_int_equal(
		CALL(paths, __NR_openat, (uint64_t)dir, P("../secret"), O_RDONLY), -ENOENT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_bound, end_paths)
	const struct CMUnitTest tests[] = {
		TEST(an_open_directory_is_found_under_its_new_name),
		TEST(an_open_directory_is_not_another_of_its_name),
		TEST(an_open_directory_that_was_moved_out_leads_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
