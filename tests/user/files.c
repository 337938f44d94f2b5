/* SPDX-License-Identifier: MIT */
/* Tables of descriptors: numbers, sharing and copying, limits, and what other threads do meanwhile.
 */
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "user/files.h"

enum { LIMIT = 1024 };

static struct keg_files *table(void)
{
	struct keg_files *files;

	assert_ok(keg_files_create(&files));
	return files;
}

/* A file of one byte of memory, so that its descriptor can be looked for. */
static struct keg_file *some_file(void)
{
	struct keg_file *file;
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_ok(keg_file_create(KEG_FILE_HOST, fd, O_RDWR, NULL, &file));
	return file;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static int add(struct keg_files *files, int from)
{
	return keg_files_add(files, some_file(), from, false, LIMIT);
}

static void a_file_has_the_lowest_free_number(void **state)
{
	struct keg_files *files = table();

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(add(files, 0), i);
	assert_ok(keg_files_close(files, 70));
	assert_ok(keg_files_close(files, 7));
	assert_int_equal(add(files, 8), 70);
	assert_int_equal(add(files, 0), 7);
	assert_int_equal(add(files, 0), 100);
	assert_int_equal(add(files, 500), 500);
	assert_int_equal(add(files, 0), 101);
	keg_files_release(files);
}

static void no_number_is_at_the_limit(void **state)
{
	struct keg_files *files = table();

	(void)state;
	assert_int_equal(keg_files_add(files, some_file(), 0, false, 2), 0);
	assert_int_equal(keg_files_add(files, some_file(), 0, false, 2), 1);
	assert_int_equal(keg_files_add(files, some_file(), 0, false, 2), -EMFILE);
	assert_int_equal(keg_files_add(files, some_file(), INT_MAX, false, UINT64_MAX), -EMFILE);
	assert_int_equal(keg_files_put_at(files, some_file(), -1, false), -EBADF);
	assert_int_equal(keg_files_put_at(files, some_file(), INT_MAX, false), -EBADF);
	keg_files_release(files);
}

static void numbers_that_lead_nowhere_are_refused(void **state)
{
	struct keg_files *files = table();
	const int nowhere[] = {-1, 1, 63, 64, 1 << 20, INT_MAX, INT_MIN};

	(void)state;
	assert_int_equal(add(files, 0), 0);
	for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
		assert_null(keg_files_get(files, nowhere[i]));
		assert_int_equal(keg_files_close(files, nowhere[i]), -EBADF);
		assert_int_equal(keg_files_cloexec(files, nowhere[i], 1), -EBADF);
	}
	keg_files_release(files);
}

static void what_is_held_outlives_its_number(void **state)
{
	struct keg_files *files = table();
	struct keg_file *file;
	int fd;

	(void)state;
	assert_int_equal(add(files, 0), 0);
	file = keg_files_get(files, 0);
	assert_non_null(file);
	fd = file->fd;
	assert_ok(keg_files_close(files, 0));
	assert_true(is_open(fd));
	keg_file_put(file);
	assert_false(is_open(fd));
	keg_files_release(files);
}

static void a_copy_has_the_same_files(void **state)
{
	struct keg_files *files = table(), *copy;
	struct keg_file *file, *same;
	int fd;

	(void)state;
	assert_int_equal(add(files, 3), 3);
	assert_int_equal(keg_files_cloexec(files, 3, 1), 1);
	assert_ok(keg_files_copy(files, &copy));
	file = keg_files_get(files, 3);
	same = keg_files_get(copy, 3);
	assert_ptr_equal(file, same);
	fd = file->fd;
	keg_file_put(file);
	keg_file_put(same);
	assert_int_equal(keg_files_cloexec(copy, 3, -1), 1);
	assert_ok(keg_files_close(files, 3));
	assert_null(keg_files_get(files, 3));
	assert_true(is_open(fd));
	assert_int_equal(add(copy, 0), 0);
	assert_null(keg_files_get(files, 0));
	keg_files_release(copy);
	assert_false(is_open(fd));
	keg_files_release(files);
}

static void a_shared_table_is_one(void **state)
{
	struct keg_files *files = table(), *shared;

	(void)state;
	assert_false(keg_files_shared(files));
	shared = keg_files_share(files);
	assert_true(keg_files_shared(files));
	assert_int_equal(add(shared, 0), 0);
	keg_files_release(shared);
	assert_ok(keg_files_close(files, 0));
	keg_files_release(files);
}

static void exec_closes_what_is_marked(void **state)
{
	struct keg_files *files = table();

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_int_equal(keg_files_add(files, some_file(), 0, i % 2 != 0, LIMIT), i);
	keg_files_exec(files);
	for (int i = 0, at = 0; i < 5; i++, at++) {
		at = keg_files_next(files, at);
		assert_int_equal(at, 2 * i);
	}
	assert_int_equal(keg_files_next(files, 9), -ENOENT);
	keg_files_release(files);
}

static void ranges_are_closed_or_marked(void **state)
{
	struct keg_files *files = table();

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(add(files, 0), i);
	assert_int_equal(keg_files_close_range(files, 5, 4, false), -EINVAL);
	assert_ok(keg_files_close_range(files, 3, 5, true));
	assert_int_equal(keg_files_cloexec(files, 3, -1), 1);
	assert_int_equal(keg_files_cloexec(files, 6, -1), 0);
	assert_ok(keg_files_close_range(files, 2, 9, false));
	assert_int_equal(keg_files_next(files, 2), 10);
	assert_ok(keg_files_close_range(files, 12, UINT32_MAX, false));
	assert_int_equal(keg_files_next(files, 12), -ENOENT);
	assert_ok(keg_files_close_range(files, UINT32_MAX, UINT32_MAX, false));
	keg_files_release(files);
}

static void a_place_is_taken_over(void **state)
{
	struct keg_files *files = table();
	struct keg_file *file;
	int fd;

	(void)state;
	assert_int_equal(add(files, 0), 0);
	file = keg_files_get(files, 0);
	fd = file->fd;
	keg_file_put(file);
	assert_int_equal(keg_files_put_at(files, some_file(), 0, true), 0);
	assert_false(is_open(fd));
	assert_int_equal(keg_files_cloexec(files, 0, -1), 1);
	assert_int_equal(keg_files_put_at(files, some_file(), 900, false), 900);
	keg_files_release(files);
}

/* A sandbox has half of the host's descriptors; files that have several numbers count once. */
static void the_host_keeps_descriptors_for_itself(void **state)
{
	struct rlimit old, few = {64, 64};
	struct keg_files *files;
	struct keg_file *file;
	int r, count = 0;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	files = table();
	while ((r = add(files, 0)) >= 0)
		count++;
	assert_int_equal(r, -ENFILE);
	assert_int_equal(count, 32);
	file = keg_files_get(files, 0);
	assert_int_equal(keg_files_add(files, file, 0, false, LIMIT), 32);
	assert_ok(keg_files_close(files, 5));
	assert_int_equal(add(files, 0), 5);
	keg_files_release(files);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
}

enum { ROUNDS = 20000, THREADS = 2 };

/* Uses what is at number 0, which others close and open all the time. */
static void *use(void *argument)
{
	struct keg_files *files = argument;

	for (int i = 0; i < ROUNDS; i++) {
		struct keg_file *file = keg_files_get(files, 0);

		if (!file)
			continue;
		/* It is open as long as it is held. */
		if (write(file->fd, "x", 1) != 1)
			return files;
		keg_file_put(file);
	}
	return NULL;
}

static void a_close_in_another_thread_hurts_nobody(void **state)
{
	struct keg_files *files = table();
	pthread_t threads[THREADS];
	void *failed;

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use, files), 0);
	for (int i = 0; i < ROUNDS; i++) {
		assert_int_equal(keg_files_put_at(files, some_file(), 0, false), 0);
		if (i % 3 == 0)
			assert_ok(keg_files_close(files, 0));
	}
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	keg_files_release(files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_has_the_lowest_free_number),
		cmocka_unit_test(no_number_is_at_the_limit),
		cmocka_unit_test(numbers_that_lead_nowhere_are_refused),
		cmocka_unit_test(what_is_held_outlives_its_number),
		cmocka_unit_test(a_copy_has_the_same_files),
		cmocka_unit_test(a_shared_table_is_one),
		cmocka_unit_test(exec_closes_what_is_marked),
		cmocka_unit_test(ranges_are_closed_or_marked),
		cmocka_unit_test(a_place_is_taken_over),
		cmocka_unit_test(the_host_keeps_descriptors_for_itself),
		cmocka_unit_test(a_close_in_another_thread_hurts_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
