/* SPDX-License-Identifier: MIT */
/* Loading as such: what an image is taken for, flat images, and what surrounds every image. */
#include "testing.h"

#include <elf.h>
#include <errno.h>

#include "fake.h"

static struct keg_mem mem;
static unsigned char image[8192];
static struct keg_boot_config config;
static struct keg_boot_entry entry;

static int load(void)
{
	memset(&entry, 0xee, sizeof(entry));
	mem.written = 0;
	return keg_boot_load(&mem, &config, &entry);
}

static int setup(void **state)
{
	(void)state;
	fake_pc(&mem);
	memset(image, 0x90, sizeof(image));
	config = (struct keg_boot_config){
		.size = sizeof(config),
		.image = image,
		.image_bytes = sizeof(image),
	};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_free(&mem);
	return 0;
}

static void images_are_told_by_their_first_bytes(void **state)
{
	static const unsigned char elf32[] = {0x7f, 'E', 'L', 'F', ELFCLASS32};
	static const unsigned char elf64[] = {0x7f, 'E', 'L', 'F', ELFCLASS64};

	(void)state;
	assert_int_equal(keg_image_identify(elf32, sizeof(elf32)), KEG_IMAGE_ELF32);
	assert_int_equal(keg_image_identify(elf64, sizeof(elf64)), KEG_IMAGE_ELF64);
	assert_int_equal(keg_image_identify(elf32, 4), KEG_IMAGE_ELF64);
	assert_int_equal(keg_image_identify(elf32, 3), KEG_IMAGE_FLAT);
	assert_int_equal(keg_image_identify("", 0), KEG_IMAGE_FLAT);
	assert_int_equal(keg_image_identify(NULL, 0), KEG_IMAGE_FLAT);
}

static void kinds_have_names(void **state)
{
	(void)state;
	assert_string_equal(keg_image_kind_name(KEG_IMAGE_AUTO), "automatic");
	assert_string_equal(keg_image_kind_name(KEG_IMAGE_ELF32), "ELF32");
	assert_string_equal(keg_image_kind_name(KEG_IMAGE_ELF64), "ELF64");
	assert_string_equal(keg_image_kind_name(KEG_IMAGE_MULTIBOOT), "Multiboot");
	assert_string_equal(keg_image_kind_name(KEG_IMAGE_FLAT), "flat");
	assert_string_equal(keg_image_kind_name(KEG_IMAGE_BZIMAGE), "bzImage");
	assert_string_equal(keg_image_kind_name(KEG_IMAGE_LINUX), "Linux");
	assert_string_equal(keg_image_kind_name(KEG_IMAGE_PVH), "PVH");
	assert_string_equal(keg_image_kind_name((enum keg_image_kind)77), "unknown");
}

static void a_flat_image_goes_where_the_architecture_puts_it(void **state)
{
	(void)state;
	assert_ok(load());
	assert_int_equal(entry.kind, KEG_IMAGE_FLAT);
	assert_int_equal(entry.mode, KEG_ENTRY_LONG);
	assert_int_equal(entry.pc, 0x100000);
	assert_int_equal(*fake_at(&mem, 0x101fff, 1), 0x90);
	assert_int_equal(*fake_at(&mem, 0x102000, 1), 0xaa);

	fake_free(&mem);
	fake_machine = EM_AARCH64;
	fake_add(&mem, 0x10000000, 0x1000, FAKE_NOTHING);
	fake_add(&mem, 0x40000000, 0x400000, FAKE_RAM);
	assert_ok(load());
	assert_int_equal(entry.pc, 0x40100000);
	/* Without memory below 640 KiB the stack follows the image. */
	assert_int_equal(entry.stack, 0x40102000 + 16384);
}

static void a_flat_image_goes_where_it_is_told_to(void **state)
{
	(void)state;
	config.flags = KEG_BOOT_LOAD_ADDRESS;
	config.load_address = 0x1234;
	assert_ok(load());
	assert_int_equal(entry.pc, 0x1234);
	config.flags |= KEG_BOOT_ENTRY;
	config.entry = 0x1234 + sizeof(image) - 1;
	assert_ok(load());
	assert_int_equal(entry.pc, 0x1234 + sizeof(image) - 1);
	config.entry += 1;
	assert_fails(load(), EINVAL, "the entry 0x3234 is not in the image, which is at 0x1234");
	config.entry = 0x1233;
	assert_fails(load(), EINVAL, "the entry 0x1233 is not in the image");
	config.load_address = 0x9f001;
	assert_fails(
		load(), EFAULT, "flat image: 0x2000 bytes at 0x9f001: the machine has no memory");
	config.load_address = UINT64_MAX;
	assert_fails(
		load(), EFAULT, "0x2000 bytes at 0xffffffffffffffff go beyond the last address");
	assert_int_equal(mem.written, 0);
}

static void a_flat_image_in_real_mode_is_a_boot_sector(void **state)
{
	(void)state;
	config.mode = KEG_ENTRY_REAL;
	assert_ok(load());
	assert_int_equal(entry.mode, KEG_ENTRY_REAL);
	assert_int_equal(entry.pc, 0x7c00);
	assert_int_equal(entry.stack, 0);
	config.flags = KEG_BOOT_LOAD_ADDRESS;
	config.load_address = 0x100000;
	assert_fails(load(), ENOEXEC, "begins at 0x100000, which real mode cannot reach");
}

static void without_more_paging_all_begins_below_4_gib(void **state)
{
	(void)state;
	fake_add(&mem, UINT64_C(1) << 32, 0x100000, FAKE_RAM);
	config.mode = KEG_ENTRY_PROTECTED;
	config.flags = KEG_BOOT_LOAD_ADDRESS;
	config.load_address = UINT64_C(1) << 32;
	assert_fails(load(), ENOEXEC, "begins at 0x100000000, which protected mode cannot reach");
	/* On x86 64-bit mode needs page tables, which map 4 GiB. */
	config.mode = KEG_ENTRY_LONG;
	assert_fails(load(), ENOEXEC, "begins at 0x100000000, which 64-bit mode cannot reach");
	fake_machine = EM_AARCH64;
	assert_ok(load());
	assert_int_equal(entry.high, (UINT64_C(1) << 32) + sizeof(image));
}

static void modes_that_the_machine_lacks_are_refused(void **state)
{
	(void)state;
	fake_machine = EM_AARCH64;
	config.mode = KEG_ENTRY_REAL;
	assert_fails(load(), ENOTSUP, "this machine has no real mode");
	config.mode = KEG_ENTRY_PROTECTED;
	assert_fails(load(), ENOTSUP, "this machine has no protected mode");
}

static void the_command_line_is_the_second_argument(void **state)
{
	(void)state;
	config.command_line = "quiet";
	assert_ok(load());
	assert_int_equal(entry.args[0], 0);
	assert_string_equal((char *)fake_at(&mem, entry.args[1], 6), "quiet");
	assert_int_equal(entry.args[1], 0xa0000 - 16);
	assert_int_equal(entry.stack, 0x9f000);
	assert_int_equal(entry.low, 0x9f000 - 16384);
}

static void the_stack_overlaps_nothing(void **state)
{
	(void)state;
	for (config.load_address = 0x90000; config.load_address < 0x9e000;
		config.load_address += 0x800) {
		config.flags = KEG_BOOT_LOAD_ADDRESS;
		assert_ok(load());
		assert_true(entry.stack <= config.load_address ||
			    entry.stack - 16384 >= config.load_address + sizeof(image));
		assert_int_equal(entry.stack % 4096, 0);
	}
}

static void a_machine_without_room_is_refused(void **state)
{
	(void)state;
	fake_free(&mem);
	assert_fails(load(), EFAULT,
		"flat image: 0x2000 bytes at 0x100000: the machine has no memory at");
	fake_add(&mem, 0, 0x102000, FAKE_RAM);
	config.flags = KEG_BOOT_LOAD_ADDRESS;
	config.load_address = 0x1000;
	config.image = calloc(1, 0x100000);
	config.image_bytes = 0x100000;
	assert_non_null(config.image);
	assert_fails(load(), EFAULT, "stack: no free memory for its 0x4000 bytes");
	assert_int_equal(mem.written, 0);
	free((void *)config.image);
}

static void what_is_known_but_not_bootable_is_not_run_as_code(void **state)
{
	(void)state;
	memcpy(image + 0x38, "ARM\x64", 4);
	assert_fails(load(), ENOTSUP, "a Linux kernel for arm64 (Image)");
	config.kind = KEG_IMAGE_FLAT;
	assert_ok(load());
	config.kind = KEG_IMAGE_AUTO;
	memcpy(image, "\x1f\x8b\x08", 3);
	image[0x38] = 0;
	assert_fails(load(), ENOTSUP, "compressed with gzip");
}

static void mistakes_in_the_configuration_are_named(void **state)
{
	(void)state;
	assert_int_equal(keg_boot_load(NULL, &config, &entry), -EINVAL);
	assert_int_equal(keg_boot_load(&mem, NULL, &entry), -EINVAL);
	assert_int_equal(keg_boot_load(&mem, &config, NULL), -EINVAL);
	config.size = 0;
	assert_fails(load(), EINVAL, "its size member is 0");
	config.size = sizeof(config);
	config.image_bytes = 0;
	assert_fails(load(), EINVAL, "the image is empty");
	config.image_bytes = sizeof(image);
	config.kind = (enum keg_image_kind)9;
	assert_fails(load(), EINVAL, "kind 9 is unknown");
	config.kind = KEG_IMAGE_FLAT;
	config.mode = (enum keg_entry_mode)9;
	assert_fails(load(), EINVAL, "mode 9 is unknown");
	config.mode = KEG_ENTRY_AUTO;
	config.flags = 8;
	assert_fails(load(), EINVAL, "flags 0x8 are unknown");
	config.flags = KEG_BOOT_NO_UNPACK;
	assert_fails(load(), EINVAL, "can be asked of a bzImage: this image is flat");
	config.flags = 0;
	config.initrd_bytes = 1;
	assert_fails(load(), EINVAL, "initrd is NULL");
	config.initrd = image;
	assert_fails(load(), EINVAL, "an initrd is for Linux, PVH and Multiboot kernels");
	config.initrd_bytes = 0;
	config.kind = KEG_IMAGE_ELF64;
	config.flags = KEG_BOOT_ENTRY;
	assert_fails(load(), EINVAL, "for flat images: this one is ELF64");
}

static void entering_asks_the_architecture(void **state)
{
	struct keg_boot_entry at_zero = {.pc = 0}, at_one = {.pc = 1};
	struct keg_vcpu *vcpu = (struct keg_vcpu *)&at_zero;

	(void)state;
	assert_fails(keg_boot_enter(NULL, &at_one), EINVAL, "an argument is NULL");
	assert_fails(keg_boot_enter(vcpu, NULL), EINVAL, "an argument is NULL");
	assert_fails(keg_boot_enter(vcpu, &at_zero), EINVAL, "the fake does not enter at 0");
	assert_ok(keg_boot_enter(vcpu, &at_one));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(images_are_told_by_their_first_bytes),
		TEST(kinds_have_names),
		TEST(a_flat_image_goes_where_the_architecture_puts_it),
		TEST(a_flat_image_goes_where_it_is_told_to),
		TEST(a_flat_image_in_real_mode_is_a_boot_sector),
		TEST(without_more_paging_all_begins_below_4_gib),
		TEST(modes_that_the_machine_lacks_are_refused),
		TEST(the_command_line_is_the_second_argument),
		TEST(the_stack_overlaps_nothing),
		TEST(a_machine_without_room_is_refused),
		TEST(what_is_known_but_not_bootable_is_not_run_as_code),
		TEST(mistakes_in_the_configuration_are_named),
		TEST(entering_asks_the_architecture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
