/* SPDX-License-Identifier: MIT */
/* What is behind regions: fresh memory, memfds, files, the caller's own, nothing. */
#include "mem/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

enum { FILE_PAGES = 4 };

static struct keg_mem *mem_of(void **state)
{
	const struct machine *machine = *state;

	return machine->mem;
}

/* A file of FILE_PAGES pages, each filled with its number; removed already. */
static int make_file(void)
{
	char path[] = "/tmp/keg-test-XXXXXX";
	uint8_t page[PAGE];
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	for (int i = 0; i < FILE_PAGES; i++) {
		memset(page, i, sizeof(page));
		assert_int_equal(write(fd, page, sizeof(page)), sizeof(page));
	}
	return fd;
}

/* The same file for reading only. */
static int reopen_for_reading(int fd)
{
	char path[64];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(again >= 0);
	return again;
}

static int add_file(void **state, int fd, uint64_t offset, uint64_t pages, uint32_t flags,
	struct keg_region **region)
{
	const struct keg_region_config config = {.size = sizeof(config),
		.gpa = 0x100000,
		.bytes = pages * PAGE,
		.backing = KEG_BACKING_FILE,
		.flags = flags,
		.fd = fd,
		.offset = offset,
		.name = "file"};

	return keg_mem_add(mem_of(state), &config, region);
}

static uint8_t byte_of_file(int fd, off_t offset)
{
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, offset), 1);
	return byte;
}

static struct keg_region *add(void **state, enum keg_backing backing, uint32_t flags)
{
	const struct keg_region_config config = {.size = sizeof(config),
		.gpa = 0x100000,
		.bytes = 16 * PAGE,
		.backing = backing,
		.flags = flags};
	struct keg_region *region;

	assert_ok(keg_mem_add(mem_of(state), &config, &region));
	return region;
}

/* ---- Fresh memory ---- */

static void assert_zero_and_writable(const struct keg_region *region)
{
	uint8_t *host = keg_region_host(region);

	for (uint64_t i = 0; i < keg_region_bytes(region); i++)
		assert_int_equal(host[i], 0);
	memset(host, 0x55, keg_region_bytes(region));
}

static void anonymous_memory_is_zero_and_writable(void **state)
{
	assert_zero_and_writable(add(state, KEG_BACKING_ANONYMOUS, 0));
}

static void a_memfd_is_zero_and_writable(void **state)
{
	assert_zero_and_writable(add(state, KEG_BACKING_MEMFD, 0));
}

static void the_owner_fills_a_read_only_region_through_its_host_address(void **state)
{
	assert_zero_and_writable(add(state, KEG_BACKING_ANONYMOUS, KEG_REGION_READONLY));
}

static void who_maps_a_regions_memfd_shares_its_memory(void **state)
{
	struct keg_region *region = add(state, KEG_BACKING_MEMFD, 0);
	uint8_t *host = keg_region_host(region), *other;
	int fd = keg_region_fd(region);

	assert_true(fd >= 0);
	other = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 3 * PAGE);
	assert_ptr_not_equal(other, MAP_FAILED);
	host[3 * PAGE] = 42;
	assert_int_equal(other[0], 42);
	other[1] = 43;
	assert_int_equal(host[3 * PAGE + 1], 43);
	drop_pages(other, 1);
}

static void a_memfd_is_closed_on_exec(void **state)
{
	struct keg_region *region = add(state, KEG_BACKING_MEMFD, 0);

	assert_true(fcntl(keg_region_fd(region), F_GETFD) & FD_CLOEXEC);
}

static void more_memory_than_there_are_addresses_is_refused(void **state)
{
	static const uint32_t flags[] = {0, KEG_REGION_THP};
	struct keg_region_config config = {
		.size = sizeof(config), .bytes = 1ULL << 62, .name = "vast"};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		config.flags = flags[i];
		assert_fails(keg_mem_add(mem_of(state), &config, NULL), ENOMEM, "region 'vast'");
		assert_non_null(strstr(keg_error_message(), "0x4000000000000000 bytes"));
	}
}

static void a_memfd_that_cannot_be_so_large_is_refused(void **state)
{
	/* Beyond what a file's size can be, and beyond what fits this process. */
	static const uint64_t sizes[] = {1ULL << 63, 1ULL << 48};
	struct keg_region_config config = {
		.size = sizeof(config), .backing = KEG_BACKING_MEMFD, .name = "vast"};
	int before = open_descriptors();

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		config.bytes = sizes[i];
		assert_true(keg_mem_add(mem_of(state), &config, NULL) < 0);
		assert_non_null(strstr(keg_error_message(), "region 'vast'"));
		assert_int_equal(open_descriptors(), before);
	}
}

static void a_memfd_that_finds_no_descriptor_is_refused(void **state)
{
	const struct keg_region_config config = {.size = sizeof(config),
		.bytes = PAGE,
		.backing = KEG_BACKING_MEMFD,
		.name = "late"};
	struct rlimit before, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_fails(keg_mem_add(mem_of(state), &config, NULL), EMFILE,
		"region 'late': making a memfd of 0x1000 bytes");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* ---- Files ---- */

static void a_file_region_is_the_part_of_the_file_at_its_offset(void **state)
{
	struct keg_region *region;
	int fd = make_file();
	const uint8_t *host;

	assert_ok(add_file(state, fd, PAGE, 2, 0, &region));
	host = keg_region_host(region);
	assert_int_equal(host[0], 1);
	assert_int_equal(host[PAGE], 2);
	assert_int_equal(keg_region_fd(region), -1); /* the file is the caller's */
	close(fd);
	assert_int_equal(host[2 * PAGE - 1], 2); /* who may close it at once */
}

static void what_is_written_to_a_file_region_is_in_the_file(void **state)
{
	struct keg_region *region;
	int fd = make_file();

	assert_ok(add_file(state, fd, PAGE, 2, 0, &region));
	assert_ok(keg_mem_write(mem_of(state), 0x100004, "x", 1));
	assert_int_equal(byte_of_file(fd, PAGE + 4), 'x');
	close(fd);
}

static void what_is_written_to_a_private_file_region_is_not_in_the_file(void **state)
{
	struct keg_region *region;
	int fd = make_file(), reader = reopen_for_reading(fd);

	assert_ok(add_file(state, reader, PAGE, 2, KEG_REGION_PRIVATE, &region));
	assert_ok(keg_mem_write(mem_of(state), 0x100004, "x", 1));
	assert_int_equal(byte_of_file(fd, PAGE + 4), 1);
	close(reader);
	close(fd);
}

static void a_file_that_cannot_be_written_serves_a_read_only_region(void **state)
{
	struct keg_region *region;
	int fd = make_file(), reader = reopen_for_reading(fd);
	uint8_t byte;

	assert_ok(add_file(state, reader, 0, 4, KEG_REGION_READONLY, &region));
	assert_ok(keg_mem_read(mem_of(state), 0x103000, &byte, 1));
	assert_int_equal(byte, 3);
	assert_fails(keg_mem_write(mem_of(state), 0x103000, &byte, 1), EROFS, "region 'file'");
	close(reader);
	close(fd);
}

static void a_file_that_cannot_be_written_serves_no_writable_region(void **state)
{
	struct keg_region *region = (void *)1;
	int fd = make_file(), reader = reopen_for_reading(fd);

	assert_fails(add_file(state, reader, 0, 4, 0, &region), EACCES,
		"region 'file': mapping 0x4000 bytes: Permission denied");
	assert_null(region);
	close(reader);
	close(fd);
}

static void a_file_that_is_too_short_is_refused_with_both_sizes(void **state)
{
	static const struct {
		uint64_t offset, pages;
	} parts[] = {
		{0, FILE_PAGES + 1},
		{PAGE, FILE_PAGES},
		{(uint64_t)FILE_PAGES * PAGE, 1},
		{(uint64_t)(FILE_PAGES + 1) * PAGE, 1},
		{UINT64_MAX - (PAGE - 1), 1},
	};
	int fd = make_file();

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		assert_fails(add_file(state, fd, parts[i].offset, parts[i].pages, 0, NULL), ERANGE,
			"region 'file': the file has 0x4000 bytes, too few for 0x");
	}
	close(fd);
}

static void a_file_region_leaves_the_files_position_alone(void **state)
{
	int fd = make_file();

	assert_int_equal(lseek(fd, 123, SEEK_SET), 123);
	assert_ok(add_file(state, fd, 0, FILE_PAGES, 0, NULL));
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 123);
	close(fd);
}

static void what_is_no_file_is_refused(void **state)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_fails(add_file(state, ends[0], 0, 1, 0, NULL), ESPIPE, "file descriptor");
	assert_fails(add_file(state, -1, 0, 1, 0, NULL), EBADF, "file descriptor -1");
	close(ends[0]);
	close(ends[1]);
}

/* ---- The caller's memory ---- */

static struct keg_region *add_callers(void **state, void *host)
{
	const struct keg_region_config config = {.size = sizeof(config),
		.gpa = 0x100000,
		.bytes = 2 * PAGE,
		.backing = KEG_BACKING_CALLER,
		.host = host};
	struct keg_region *region;

	assert_ok(keg_mem_add(mem_of(state), &config, &region));
	return region;
}

static void the_callers_memory_is_used_as_it_is(void **state)
{
	uint8_t *host = take_pages(2), byte;

	host[PAGE] = 42;
	assert_ptr_equal(keg_region_host(add_callers(state, host)), host);
	assert_ok(keg_mem_read(mem_of(state), 0x101000, &byte, 1));
	assert_int_equal(byte, 42);
	drop_pages(host, 2);
}

static void the_callers_memory_stays_his_when_its_region_goes(void **state)
{
	uint8_t *host = take_pages(2);

	assert_ok(keg_mem_remove(mem_of(state), add_callers(state, host)));
	host[0] = 1; /* it would fault */
	drop_pages(host, 2);
}

/* ---- The end ---- */

static void whatever_is_behind_a_region_is_released_with_it(void **state)
{
	static const enum keg_backing backings[] = {
		KEG_BACKING_ANONYMOUS, KEG_BACKING_MEMFD, KEG_BACKING_NONE};
	int before = open_descriptors();
	unsigned char resident;

	for (size_t i = 0; i < sizeof(backings) / sizeof(backings[0]); i++) {
		struct keg_region *region = add(state, backings[i], 0);
		void *host = keg_region_host(region);

		assert_ok(keg_mem_remove(mem_of(state), region));
		assert_int_equal(open_descriptors(), before);
		if (host)
			assert_int_equal(mincore(host, PAGE, &resident), -1); /* not mapped */
		assert_null(keg_mem_next_region(mem_of(state), 0));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(anonymous_memory_is_zero_and_writable),
		machine_test(a_memfd_is_zero_and_writable),
		machine_test(the_owner_fills_a_read_only_region_through_its_host_address),
		machine_test(who_maps_a_regions_memfd_shares_its_memory),
		machine_test(a_memfd_is_closed_on_exec),
		machine_test(more_memory_than_there_are_addresses_is_refused),
		machine_test(a_memfd_that_cannot_be_so_large_is_refused),
		machine_test(a_memfd_that_finds_no_descriptor_is_refused),
		machine_test(a_file_region_is_the_part_of_the_file_at_its_offset),
		machine_test(what_is_written_to_a_file_region_is_in_the_file),
		machine_test(what_is_written_to_a_private_file_region_is_not_in_the_file),
		machine_test(a_file_that_cannot_be_written_serves_a_read_only_region),
		machine_test(a_file_that_cannot_be_written_serves_no_writable_region),
		machine_test(a_file_that_is_too_short_is_refused_with_both_sizes),
		machine_test(a_file_region_leaves_the_files_position_alone),
		machine_test(what_is_no_file_is_refused),
		machine_test(the_callers_memory_is_used_as_it_is),
		machine_test(the_callers_memory_stays_his_when_its_region_goes),
		machine_test(whatever_is_behind_a_region_is_released_with_it),
	};

	require_kvm();
	return cmocka_run_group_tests_name("mem-backing", tests, NULL, NULL);
}
