/* SPDX-License-Identifier: MIT */
/* Files in memory: read once for all, copied when written privately, written back when shared. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "user/space_fixture.h"

static const int rw = PROT_READ | PROT_WRITE;

/* A file whose pages begin with their numbers from 1 on. */
static int numbered_file(uint32_t pages)
{
	uint32_t *words = calloc(pages, PAGE);
	int fd;

	assert_non_null(words);
	for (uint32_t i = 0; i < pages; i++)
		words[i * (PAGE / 4)] = 1 + i;
	fd = make_file(words, (size_t)pages * PAGE);
	free(words);
	return fd;
}

static uint32_t word_of(int fd, off_t at)
{
	uint32_t word = 0;

	assert_int_equal(pread(fd, &word, sizeof(word), at), sizeof(word));
	return word;
}

static void a_mapping_shows_the_file_from_its_offset_on(void **state)
{
	struct world *world = *state;
	const int fd = numbered_file(100);
	const uint64_t at = map_file(world, fd, 90 * PAGE, PROT_READ, MAP_PRIVATE, 10 * PAGE);

	for (uint32_t i = 0; i < 90; i++)
		assert_int_equal(get32(world->space, at + i * PAGE), 11 + i);
	close(fd);
}

static void what_is_behind_the_end_is_zero_then_a_bus_error(void **state)
{
	struct world *world = *state;
	const int fd = make_file("abcdef", 6);
	const uint64_t at = map_file(world, fd, 2 * PAGE, rw, MAP_PRIVATE, 0);

	assert_int_equal(get32(world->space, at + 4), 'e' | 'f' << 8);
	assert_int_equal(keg_space_fault(world->space, at + PAGE, KEG_TOUCH_READ), -ENXIO);
	assert_int_equal(keg_space_fault(world->space, at + PAGE, KEG_TOUCH_WRITE), -ENXIO);
	close(fd);
}

static void a_private_page_is_copied_when_it_is_written(void **state)
{
	struct world *world = *state;
	const int fd = numbered_file(4);
	const uint64_t at = map_file(world, fd, 4 * PAGE, rw, MAP_PRIVATE, 0);
	const uint64_t other = map_file(world, fd, 4 * PAGE, rw, MAP_PRIVATE, 0);

	put32(world->space, at + PAGE, 77);
	assert_int_equal(get32(world->space, at + PAGE), 77);
	assert_int_equal(get32(world->space, other + PAGE), 2);
	assert_int_equal(word_of(fd, PAGE), 2);
	close(fd);
}

static void processes_share_what_they_only_read(void **state)
{
	struct world *world = *state;
	const int fd = numbered_file(64);
	const uint64_t first = map_file(world, fd, 64 * PAGE, PROT_READ, MAP_PRIVATE, 0);
	uint64_t used, second;

	for (uint32_t i = 0; i < 64; i++)
		get32(world->space, first + i * PAGE);
	used = pages_used(world);
	second = map_file(world, fd, 64 * PAGE, PROT_READ, MAP_PRIVATE, 0);
	for (uint32_t i = 0; i < 64; i++)
		assert_int_equal(get32(world->space, second + i * PAGE), 1 + i);
	/* Tables, at most. */
	assert_in_range(pages_used(world), used, used + 40);
	close(fd);
}

static void a_file_that_has_changed_is_read_again(void **state)
{
	struct world *world = *state;
	const int fd = numbered_file(1);
	const uint64_t before = map_file(world, fd, PAGE, PROT_READ, MAP_PRIVATE, 0);
	const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	const uint32_t word = 99;
	uint64_t after;

	assert_int_equal(get32(world->space, before), 1);
	assert_int_equal(pwrite(fd, &word, sizeof(word), 0), sizeof(word));
	assert_int_equal(futimens(fd, times), 0);
	after = map_file(world, fd, PAGE, PROT_READ, MAP_PRIVATE, 0);
	assert_int_equal(get32(world->space, after), 99);
	close(fd);
}

static void files_that_nobody_maps_make_room(void **state)
{
	struct world *world = *state;
	uint64_t at = 0;

	/* Together more than there is memory. */
	for (int i = 0; i < 10; i++) {
		const int fd = numbered_file(10240);

		at = map_file(world, fd, 40 * MIB, PROT_READ, MAP_PRIVATE, 0);
		for (uint32_t k = 0; k < 10240; k++)
			assert_int_equal(get32(world->space, at + (uint64_t)k * PAGE), 1 + k);
		assert_ok(keg_space_unmap(world->space, at, 40 * MIB));
		close(fd);
	}
}

/* Each has a descriptor of the host's, also when the program has closed its own. */
static void mapped_files_leave_descriptors_to_others(void **state)
{
	enum { MOST = 200 / 4 };
	struct keg_object *objects[MOST + 1];
	struct keg_object_cache *cache;
	struct keg_pages *pages;
	struct rlimit had, few;
	int result = 0, count = 0;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &had), 0);
	few = (struct rlimit){200, had.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_ok(keg_pages_create(16 * MIB, &pages));
	assert_ok(keg_object_cache_create(pages, &cache));
	while (count <= MOST) {
		const int fd = numbered_file(1);

		result = keg_object_of_file(cache, fd, true, &objects[count]);
		close(fd);
		if (result < 0)
			break;
		count++;
	}
	assert_int_equal(result, -ENFILE);
	assert_int_equal(count, MOST);
	while (count > 0)
		keg_object_release(objects[--count]);
	keg_object_cache_destroy(cache);
	keg_pages_destroy(pages);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &had), 0);
}

/* ---- Shared ---- */

static void a_shared_page_is_written_back_when_it_is_synced(void **state)
{
	struct world *world = *state;
	const int fd = numbered_file(4);
	const uint64_t at = map_file(world, fd, 4 * PAGE, rw, MAP_SHARED, 0);

	put32(world->space, at + 2 * PAGE, 55);
	assert_ok(keg_space_sync(world->space, at, 4 * PAGE, MS_SYNC));
	assert_int_equal(word_of(fd, 2 * PAGE), 55);
	assert_int_equal(word_of(fd, PAGE), 2);
	close(fd);
}

static void a_shared_page_is_written_back_when_it_is_unmapped(void **state)
{
	struct world *world = *state;
	const int fd = make_file("123456", 6);
	const uint64_t at = map_file(world, fd, PAGE, rw, MAP_SHARED, 0);

	put32(world->space, at, 55);
	put32(world->space, at + 100, 66);
	assert_ok(keg_space_unmap(world->space, at, PAGE));
	assert_int_equal(word_of(fd, 0), 55);
	/* The file is as long as it was. */
	assert_int_equal(lseek(fd, 0, SEEK_END), 6);
	close(fd);
}

static void shared_pages_are_the_same_in_all_processes(void **state)
{
	struct world *world = *state;
	const int fd = numbered_file(4);
	const uint64_t at = map_file(world, fd, 4 * PAGE, rw, MAP_SHARED, 0);
	const uint64_t again = map_file(world, fd, 4 * PAGE, rw, MAP_SHARED, 0);
	struct keg_space *copy;

	assert_ok(keg_space_clone(world->space, &copy));
	put32(copy, at + PAGE, 5);
	assert_int_equal(get32(world->space, at + PAGE), 5);
	assert_int_equal(get32(world->space, again + PAGE), 5);
	keg_space_destroy(copy);
	close(fd);
}

static void reads_and_writes_of_the_file_agree_with_its_mapping(void **state)
{
	struct world *world = *state;
	const int fd = numbered_file(4);
	const uint64_t at = map_file(world, fd, 4 * PAGE, rw, MAP_SHARED, 0);
	const uint32_t word = 8;

	put32(world->space, at, 7);
	assert_ok(keg_object_before_read(world->objects, fd));
	assert_int_equal(word_of(fd, 0), 7);
	get32(world->space, at + PAGE);
	assert_int_equal(pwrite(fd, &word, sizeof(word), PAGE), sizeof(word));
	keg_object_after_write(world->objects, fd, PAGE, sizeof(word));
	assert_int_equal(get32(world->space, at + PAGE), 8);
	close(fd);
}

static void a_file_that_grows_is_there_for_its_shared_mapping(void **state)
{
	struct world *world = *state;
	const int fd = numbered_file(1);
	const uint64_t at = map_file(world, fd, 3 * PAGE, rw, MAP_SHARED, 0);

	assert_int_equal(keg_space_fault(world->space, at + PAGE, KEG_TOUCH_WRITE), -ENXIO);
	assert_int_equal(ftruncate(fd, 3 * PAGE), 0);
	put32(world->space, at + 2 * PAGE, 4);
	assert_ok(keg_space_unmap(world->space, at, 3 * PAGE));
	assert_int_equal(word_of(fd, 2 * PAGE), 4);
	close(fd);
}

static void what_is_open_for_reading_is_not_written_through_a_mapping(void **state)
{
	struct world *world = *state;
	const int fd = numbered_file(1);
	struct keg_mapping mapping = {
		.length = PAGE, .protection = rw, .flags = MAP_SHARED, .read_only = true};
	int64_t at;

	assert_ok(keg_object_of_file(world->objects, fd, true, &mapping.object));
	assert_int_equal(keg_space_map(world->space, &mapping), -EACCES);
	mapping.protection = PROT_READ;
	at = keg_space_map(world->space, &mapping);
	keg_object_release(mapping.object);
	assert_true(at > 0);
	assert_int_equal(keg_space_protect(world->space, (uint64_t)at, PAGE, rw), -EACCES);
	close(fd);
}

static void only_regular_files_are_mapped(void **state)
{
	struct world *world = *state;
	struct keg_object *object;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(keg_object_of_file(world->objects, ends[0], false, &object), -ENODEV);
	assert_int_equal(keg_object_of_file(world->objects, -1, false, &object), -EBADF);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
	const struct CMUnitTest tests[] = {
		TEST(a_mapping_shows_the_file_from_its_offset_on),
		TEST(what_is_behind_the_end_is_zero_then_a_bus_error),
		TEST(a_private_page_is_copied_when_it_is_written),
		TEST(processes_share_what_they_only_read),
		TEST(a_file_that_has_changed_is_read_again),
		TEST(files_that_nobody_maps_make_room),
		TEST(mapped_files_leave_descriptors_to_others),
		TEST(a_shared_page_is_written_back_when_it_is_synced),
		TEST(a_shared_page_is_written_back_when_it_is_unmapped),
		TEST(shared_pages_are_the_same_in_all_processes),
		TEST(reads_and_writes_of_the_file_agree_with_its_mapping),
		TEST(a_file_that_grows_is_there_for_its_shared_mapping),
		TEST(what_is_open_for_reading_is_not_written_through_a_mapping),
		TEST(only_regular_files_are_mapped),
	};

	require_kvm();
	return cmocka_run_group_tests_name("space-file", tests, NULL, NULL);
}
