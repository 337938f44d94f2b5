/* SPDX-License-Identifier: MIT */
/* Disks: opening and locking. */
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "block/inside.h"
#include "image.h"

static int open_as(const char *path, uint32_t flags, struct keg_disk **disk)
{
	struct keg_disk_config config = {.size = sizeof(config), .path = path, .flags = flags};

	return keg_disk_open(&config, disk);
}

static void refusals_say_what_to_do(void **state)
{
	static const struct {
		const char *path;
		uint32_t flags;
		int error;
		const char *words;
	} table[] = {
		{NULL, 0, EINVAL, "needs the path"},
		{"", 0, EINVAL, "needs the path"},
		{"/nonexistent/disk.img", 0, ENOENT, "/nonexistent/disk.img"},
		{"/var/tmp", KEG_DISK_READONLY, EINVAL, "neither a file nor a block device"},
		{"/dev/null", 0, EINVAL, "neither a file nor a block device"},
		{"/var/tmp/x", 1 << 20, EINVAL, "no flags 0x100000"},
		{"/var/tmp/x", KEG_DISK_SCRATCH | KEG_DISK_READONLY, EINVAL, "needs no scratch"},
		{"/var/tmp/x", KEG_DISK_SCRATCH | KEG_DISK_DIRECT, EINVAL, "cannot be direct"},
	};
	struct keg_disk *disk;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_fails(open_as(table[i].path, table[i].flags, &disk), table[i].error,
			table[i].words);
	assert_fails(keg_disk_open(NULL, &disk), EINVAL, "no configuration");
	keg_disk_close(NULL);
}

static void an_empty_image_is_none(void **state)
{
	struct image image;
	struct keg_disk *disk;

	(void)state;
	image_make(&image, 511, 0);
	assert_fails(open_as(image.path, 0, &disk), EINVAL, "is empty");
	image_remove(&image);
}

static void an_odd_size_is_rounded_down(void **state)
{
	struct image image;
	struct keg_disk_facts facts;

	(void)state;
	image_make(&image, 5 * 512 + 511, 0);
	image_open(&image, 0, 1);
	keg_disk_get_facts(image.disk, &facts);
	assert_int_equal(facts.bytes, 5 * 512);
	assert_int_equal(facts.block_size, 512);
	assert_false(facts.readonly);
	image_close(&image);
	image_remove(&image);
}

/* Nor does finding out what the file system can touch what the disk leaves out. */
static void the_rest_of_an_odd_size_stays(void **state)
{
	enum { REST = 100 };
	static const uint32_t flags[] = {0, KEG_DISK_DIRECT};
	struct image image;
	uint8_t rest[REST];

	(void)state;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		image_make(&image, 4096 + REST, 0x5a);
		image_open(&image, flags[i], 1);
		image_close(&image);
		assert_int_equal(pread(image.file, rest, REST, 4096), REST);
		for (size_t byte = 0; byte < REST; byte++)
			assert_int_equal(rest[byte], 0x5a);
		image_remove(&image);
	}
}

/* Who may open an image that is open already: two who read, and nobody else. */
static void an_image_in_use_is_refused(void **state)
{
	static const struct {
		uint32_t first, second;
		bool both;
	} table[] = {
		{0, 0, false},
		{0, KEG_DISK_READONLY, false},
		{0, KEG_DISK_SCRATCH, false},
		{KEG_DISK_READONLY, 0, false},
		{KEG_DISK_SCRATCH, 0, false},
		{KEG_DISK_READONLY, KEG_DISK_READONLY, true},
		{KEG_DISK_SCRATCH, KEG_DISK_READONLY, true},
		{KEG_DISK_SCRATCH, KEG_DISK_SCRATCH, true},
	};
	struct image image;

	(void)state;
	image_make(&image, 4096, 0);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct keg_disk *first, *second = NULL;

		assert_ok(open_as(image.path, table[i].first, &first));
		if (table[i].both)
			assert_ok(open_as(image.path, table[i].second, &second));
		else
			assert_fails(open_as(image.path, table[i].second, &second), EBUSY,
				"by another machine or program");
		keg_disk_close(first);
		keg_disk_close(second);
	}
	image_remove(&image);
}

/* A ring may end long after the disk is closed: the lock does not. */
/* A block device whose bytes are an image's; -1 where it cannot be had. */
static int attach_loop(const struct image *image, char path[32])
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int number = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE), loop = -1;

	if (number >= 0) {
		snprintf(path, 32, "/dev/loop%d", number);
		loop = open(path, O_RDWR | O_CLOEXEC);
	}
	if (loop >= 0 && ioctl(loop, LOOP_SET_FD, image->file)) {
		close(loop);
		loop = -1;
	}
	if (control >= 0)
		close(control);
	return loop;
}

/* The host takes a device that it mounts for itself, as O_EXCL does. */
static void a_block_device_that_the_host_uses_is_only_read(void **state)
{
	struct image image;
	struct keg_disk *disk;
	char path[32];
	int loop, mount;

	(void)state;
	image_make(&image, 1 << 16, 7);
	loop = attach_loop(&image, path);
	if (loop < 0) {
		image_remove(&image);
		skip();
	}
	assert_ok(open_as(path, 0, &disk));
	assert_fails(open_as(path, 0, &disk), EBUSY, "is in use by another machine");
	keg_disk_close(disk);
	mount = open(path, O_RDONLY | O_EXCL | O_CLOEXEC);
	assert_true(mount >= 0);
	assert_fails(open_as(path, 0, &disk), EBUSY, "is in use: it is mounted");
	assert_ok(open_as(path, KEG_DISK_READONLY, &disk));
	keg_disk_close(disk);
	assert_ok(open_as(path, KEG_DISK_SCRATCH, &disk));
	keg_disk_close(disk);
	close(mount);
	assert_int_equal(ioctl(loop, LOOP_CLR_FD), 0);
	close(loop);
	image_remove(&image);
}

static void a_closed_disk_can_be_opened_at_once(void **state)
{
	struct image image;
	uint8_t buffer[4096];

	(void)state;
	image_make(&image, 1 << 16, 1);
	for (int i = 0; i < 20; i++) {
		image_open(&image, i % 2 ? KEG_DISK_DIRECT : 0, 8);
		assert_int_equal(image_request(&image, KEG_DISK_OP_READ, 4096, buffer, 4096), 0);
		image_close(&image);
	}
	image_remove(&image);
}

static void readonly_disks_refuse_writes(void **state)
{
	struct image image;
	uint8_t buffer[512] = {0};

	(void)state;
	image_make(&image, 4096, 7);
	assert_int_equal(chmod(image.path, 0400), 0);
	image_open(&image, KEG_DISK_READONLY, 4);
	assert_int_not_equal(image_request(&image, KEG_DISK_OP_WRITE, 0, buffer, 512), 0);
	assert_int_equal(image_request(&image, KEG_DISK_OP_WRITE_ZEROES, 0, NULL, 512), -EROFS);
	assert_int_equal(image_request(&image, KEG_DISK_OP_DISCARD, 0, NULL, 512), -EROFS);
	assert_int_equal(image_request(&image, KEG_DISK_OP_FLUSH, 0, NULL, 0), 0);
	assert_int_equal(image_request(&image, KEG_DISK_OP_READ, 0, buffer, 512), 0);
	assert_int_equal(buffer[511], 7);
	image_close(&image);
	image_remove(&image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals_say_what_to_do),
		cmocka_unit_test(an_empty_image_is_none),
		cmocka_unit_test(an_odd_size_is_rounded_down),
		cmocka_unit_test(the_rest_of_an_odd_size_stays),
		cmocka_unit_test(an_image_in_use_is_refused),
		cmocka_unit_test(a_block_device_that_the_host_uses_is_only_read),
		cmocka_unit_test(a_closed_disk_can_be_opened_at_once),
		cmocka_unit_test(readonly_disks_refuse_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
