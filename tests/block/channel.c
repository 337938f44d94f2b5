/* SPDX-License-Identifier: MIT */
/* Disks: what a channel promises. */
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>

#include "block/inside.h"
#include "image.h"

static const uint32_t kinds[] = {
	0,
	KEG_DISK_THREADS,
	KEG_DISK_DIRECT,
	KEG_DISK_DIRECT | KEG_DISK_THREADS,
	KEG_DISK_SCRATCH,
};

static void a_channel_sleeps_until_it_is_woken(void **state)
{
	const uint64_t one = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct image image;

		image_make(&image, 4096, 0);
		image_open(&image, kinds[i], 4);
		for (int round = 0; round < 6; round++) {
			int woke = 0;

			assert_int_equal(write(image.wake[round % 2], &one, 8), 8);
			while (!(woke & 1 << round % 2)) {
				woke = keg_disk_channel_wait(image.channel, image.wake, true);
				assert_ok(woke);
			}
		}
		image_close(&image);
		image_remove(&image);
	}
}

/* fsync(2): the kernel tells of lost pages once, and takes them for clean then. */
static void after_a_flush_that_failed_none_succeeds(void **state)
{
	struct image image;

	(void)state;
	image_make(&image, 4096, 0);
	image_open(&image, KEG_DISK_THREADS, 4);
	assert_int_equal(image_request(&image, KEG_DISK_OP_FLUSH, 0, NULL, 0), 0);
	assert_int_equal(keg_disk_flushed(image.disk, -ENOSPC), -ENOSPC);
	assert_int_equal(image_request(&image, KEG_DISK_OP_FLUSH, 0, NULL, 0), -EIO);
	image_close(&image);
	image_remove(&image);
}

static void all_of_a_full_channel_is_answered(void **state)
{
	enum { DEPTH = 64 };
	const size_t bytes = (size_t)DEPTH * 4096;

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct image_job *jobs = test_calloc(DEPTH, sizeof(*jobs));
		uint8_t *memory = aligned_alloc(4096, bytes);
		struct image image;

		image_make(&image, bytes, 9);
		image_open(&image, kinds[i], DEPTH);
		memset(memory, 0, bytes);
		for (size_t j = 0; j < DEPTH; j++) {
			jobs[j].iov[0] = (struct iovec){memory + j * 4096, 4096};
			jobs[j].request = (struct keg_disk_request){.op = KEG_DISK_OP_READ,
				.offset = j * 4096,
				.bytes = 4096,
				.iov = jobs[j].iov,
				.iov_count = 1};
			image_begin(&image, &jobs[j]);
		}
		image_finish(&image, jobs, DEPTH);
		for (size_t j = 0; j < DEPTH; j++) {
			assert_int_equal(jobs[j].answer, 0);
			assert_int_equal(memory[j * 4096], 9);
			assert_int_equal(memory[j * 4096 + 4095], 9);
		}
		image_close(&image);
		image_remove(&image);
		free(memory);
		test_free(jobs);
	}
}

/* Reads that are answered on the spot, one after the other, do not keep a write from its answer. */
static void quick_answers_do_not_hide_slow_ones(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct image image;
		uint8_t bytes[512] = {0}, buffer[4096];
		struct image_job jobs[2] = {0};
		const time_t begin = time(NULL);

		image_make(&image, 1 << 16, 3);
		image_open(&image, kinds[i], 4);
		jobs[0].iov[0] = (struct iovec){bytes, sizeof(bytes)};
		jobs[0].request = (struct keg_disk_request){
			.op = KEG_DISK_OP_WRITE, .bytes = 512, .iov = jobs[0].iov, .iov_count = 1};
		image_begin(&image, &jobs[0]);
		while (jobs[0].answer == IMAGE_IN_FLIGHT && time(NULL) - begin < 20) {
			jobs[1].iov[0] = (struct iovec){buffer, sizeof(buffer)};
			jobs[1].request = (struct keg_disk_request){.op = KEG_DISK_OP_READ,
				.offset = 4096,
				.bytes = 4096,
				.iov = jobs[1].iov,
				.iov_count = 1};
			image_begin(&image, &jobs[1]);
			assert_ok(keg_disk_channel_wait(image.channel, image.wake, false));
			image_finish(&image, &jobs[1], 1);
		}
		assert_int_equal(jobs[0].answer, 0);
		image_close(&image);
		image_remove(&image);
	}
}

/* Once the first are under way: the last has not begun by then. */
static void cancel_all(struct image *image, struct image_job *jobs, size_t count)
{
	assert_ok(keg_disk_channel_wait(image->channel, image->wake, false));
	keg_disk_channel_cancel(image->channel);
	image_finish(image, jobs, count);
	assert_int_equal(jobs[count - 1].answer, -ECANCELED);
}

/* A guest may ask for more than anybody wants to wait for when its machine ends. */
static void what_is_cancelled_ends_soon(void **state)
{
	enum { JOBS = 64, EACH = 256 << 20, BUFFER = 32 << 20 };
	static const uint32_t flags[] = {0, KEG_DISK_THREADS, KEG_DISK_SCRATCH, KEG_DISK_DIRECT};
	struct image_job *jobs = test_calloc(JOBS, sizeof(*jobs));
	char *buffer = aligned_alloc(4096, BUFFER);
	struct image image;

	(void)state;
	assert_non_null(buffer);
	image_make(&image, 4096, 0);
	assert_int_equal(ftruncate(image.file, EACH), 0);
	for (size_t kind = 0; kind < sizeof(flags) / sizeof(flags[0]); kind++) {
		image_open(&image, flags[kind], JOBS);
		for (int i = 0; i < JOBS; i++) {
			jobs[i] = (struct image_job){.request = {.op = KEG_DISK_OP_READ,
							     .bytes = EACH,
							     .iov = jobs[i].iov,
							     .iov_count = 8}};
			for (int j = 0; j < 8; j++)
				jobs[i].iov[j] = (struct iovec){buffer, BUFFER};
			image_begin(&image, &jobs[i]);
		}
		cancel_all(&image, jobs, JOBS);
		image_close(&image);
	}
	image_remove(&image);
	free(buffer);
	test_free(jobs);
}

/* Also where nothing is behind the image that could make it wait. */
static void zeroing_can_be_cancelled(void **state)
{
	enum { JOBS = 64, EACH = 32 << 20 };
	struct image_job *jobs = test_calloc(JOBS, sizeof(*jobs));
	struct image image = {.path = "/dev/shm/keg-test-disk-XXXXXX"};

	(void)state;
	image.file = mkstemp(image.path);
	assert_true(image.file >= 0);
	assert_int_equal(ftruncate(image.file, EACH), 0);
	image_open(&image, 0, JOBS);
	for (int i = 0; i < JOBS; i++) {
		jobs[i].request =
			(struct keg_disk_request){.op = KEG_DISK_OP_WRITE_ZEROES, .bytes = EACH};
		image_begin(&image, &jobs[i]);
	}
	cancel_all(&image, jobs, JOBS);
	image_close(&image);
	image_remove(&image);
	test_free(jobs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_channel_sleeps_until_it_is_woken),
		cmocka_unit_test(after_a_flush_that_failed_none_succeeds),
		cmocka_unit_test(all_of_a_full_channel_is_answered),
		cmocka_unit_test(quick_answers_do_not_hide_slow_ones),
		cmocka_unit_test(what_is_cancelled_ends_soon),
		cmocka_unit_test(zeroing_can_be_cancelled),
	};

	return cmocka_run_group_tests_name("disk-channel", tests, NULL, NULL);
}
