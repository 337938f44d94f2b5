/* SPDX-License-Identifier: MIT */
/* Linux kernels as ELF files, and what every Linux kernel is told. */
#include <errno.h>

#include "loading.h"

static const unsigned char *params; /* boot_params, once it is loaded */

static int load(void)
{
	return load_kernel(&params, 4096);
}

static int setup(void **state)
{
	(void)state;
	return set_up_kernel(NOTE_LINUX | NOTE_PVH | NOTE_OTHER);
}

static void a_kernel_is_told_by_its_notes(void **state)
{
	static const struct {
		unsigned int notes;
		enum keg_image_kind kind;
	} kinds[] = {
		{0, KEG_IMAGE_ELF64},
		{NOTE_OTHER, KEG_IMAGE_ELF64},
		{NOTE_PVH, KEG_IMAGE_PVH},
		{NOTE_LINUX, KEG_IMAGE_LINUX},
		{NOTE_LINUX | NOTE_PVH, KEG_IMAGE_LINUX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		kernel_make_elf(elf, kinds[i].notes);
		assert_int_equal(keg_image_identify(elf, sizeof(elf)), kinds[i].kind);
	}
	/* Notes that are not there tell nothing. */
	for (size_t bytes = 0; bytes < KERNEL_NOTES + 0x40; bytes++)
		assert_int_not_equal(keg_image_identify(elf, bytes), KEG_IMAGE_LINUX);
}

static void a_damaged_note_ends_the_search(void **state)
{
	(void)state;
	/* The first note's sizes; then that of the segment, and where it is. */
	put(elf, KERNEL_NOTES, 0xfffffffc, 4);
	assert_int_equal(keg_image_identify(elf, sizeof(elf)), KEG_IMAGE_ELF64);
	put(elf, KERNEL_NOTES, 4, 4);
	put(elf, KERNEL_NOTES + 4, 0xffffffff, 4);
	assert_int_equal(keg_image_identify(elf, sizeof(elf)), KEG_IMAGE_ELF64);
	put(elf, KERNEL_NOTES + 4, 7, 4);
	assert_int_equal(keg_image_identify(elf, sizeof(elf)), KEG_IMAGE_LINUX);
	put(elf, 64 + 2 * 56 + 32, UINT64_MAX, 8);
	assert_int_equal(keg_image_identify(elf, sizeof(elf)), KEG_IMAGE_ELF64);
	put(elf, 64 + 2 * 56 + 32, 16, 8);
	put(elf, 64 + 2 * 56 + 8, UINT64_MAX, 8);
	assert_int_equal(keg_image_identify(elf, sizeof(elf)), KEG_IMAGE_ELF64);
}

static void it_is_entered_in_64_bits_with_all_it_needs_below_640k(void **state)
{
	(void)state;
	assert_ok(load());
	kernel_check_loaded(&mem);
	assert_int_equal(entry.kind, KEG_IMAGE_LINUX);
	assert_int_equal(entry.mode, KEG_ENTRY_LONG);
	assert_int_equal(entry.pc, KERNEL_TEXT + 0x100);
	assert_int_equal(entry.stack, 0);
	assert_int_equal(entry.args[0], 0);
	assert_in_range(entry.args[1], 0x1000, 0xa0000 - 4096);
	assert_int_equal(entry.args[1] % 4096, 0);
	assert_in_range(entry.gdt, 0x1000, 0xa0000 - 32);
	assert_in_range(entry.page_table, 0x1000, 0xa0000 - FAKE_TABLES);
	assert_int_equal(*fake_at(&mem, entry.page_table, 1), 0x77);
	/* No two of them overlap. */
	assert_true(entry.page_table + FAKE_TABLES <= entry.args[1] ||
		    entry.page_table >= entry.args[1] + 8192);
	assert_true(entry.low <= entry.page_table && entry.low <= entry.args[1]);
	/* Volume 3 of Intel's manual, section 3.4.5: flat code of 64 bits, and flat data. */
	assert_int_equal(get(fake_at(&mem, entry.gdt, 32), 16, 8), 0x00af9b000000ffff);
	assert_int_equal(get(fake_at(&mem, entry.gdt, 32), 24, 8), 0x00cf93000000ffff);
}

static void boot_params_have_what_the_protocol_wants(void **state)
{
	(void)state;
	config.acpi_rsdp = 0xe1230;
	config.command_line = "console=ttyS0";
	assert_ok(load());
	assert_int_equal(get(params, 0x70, 8), 0xe1230);     /* acpi_rsdp_addr */
	assert_int_equal(get(params, 0x1ef, 1), 0);          /* sentinel */
	assert_int_equal(get(params, 0x1fe, 2), 0xaa55);     /* boot_flag */
	assert_int_equal(get(params, 0x202, 4), 0x53726448); /* header */
	assert_int_equal(get(params, 0x210, 1), 0xff);       /* type_of_loader */
	assert_int_equal(get(params, 0x211, 1), 1);          /* loadflags: LOADED_HIGH only */
	assert_int_equal(get(params, 0x1fa, 2), 0xffff);     /* vid_mode: normal */
	assert_int_equal(get(params, 0x218, 8), 0);          /* ramdisk_image, ramdisk_size */
	assert_string_equal((char *)fake_at(&mem, get(params, 0x228, 4), 14), "console=ttyS0");
	for (size_t i = 0; i < 0x70; i++)
		assert_int_equal(params[i], 0); /* screen_info and the BIOS's: there is none */
}

static void random_numbers_are_seeded(void **state)
{
	unsigned char first[32], none[32] = {0};
	const unsigned char *data;

	(void)state;
	assert_ok(load());
	data = fake_at(&mem, get(params, 0x250, 8), 48);
	assert_non_null(data);
	assert_int_equal(get(data, 0, 8), 0); /* next */
	assert_int_equal(get(data, 8, 4), 9); /* SETUP_RNG_SEED */
	assert_int_equal(get(data, 12, 4), 32);
	memcpy(first, data + 16, 32);
	assert_memory_not_equal(first, none, 32);
	assert_ok(load());
	assert_memory_not_equal(first, fake_at(&mem, get(params, 0x250, 8) + 16, 32), 32);
}

static void the_header_of_a_bzimage_is_handed_on(void **state)
{
	unsigned char *image;
	size_t bytes;

	(void)state;
	image = kernel_make_bzimage("", 0, &bytes);
	put(image, 0x1f2, 0x1234, 2);   /* root_flags */
	put(image, 0x264, 0xabcd, 4);   /* handover_offset */
	put(image, 0x26c, 0x55, 1);     /* what follows the header is none of it */
	put(image, 0x211, 0x83, 1);     /* loadflags: CAN_USE_HEAP and KASLR_FLAG go */
	put(image, 0x250, 0xbadbad, 8); /* setup_data is the loader's */
	config.image = image;
	config.image_bytes = bytes;
	assert_ok(load());
	assert_int_equal(get(params, 0x1f2, 2), 0x1234);
	assert_int_equal(get(params, 0x264, 4), 0xabcd);
	assert_int_equal(get(params, 0x26c, 1), 0);
	assert_int_equal(get(params, 0x211, 1), 1);
	assert_int_not_equal(get(params, 0x250, 8), 0xbadbad);
	assert_int_equal(get(params, 0x1f1, 1), 4);
	/* Protocol 2.08 has no setup_data, so there is no seed. */
	put(image, 0x206, 0x0208, 2);
	put(image, 0x250, 0, 8);
	assert_ok(load());
	assert_int_equal(get(params, 0x250, 8), 0);
	free(image);
}

static void the_initrd_is_as_high_as_can_be(void **state)
{
	static const unsigned char initrd[5000] = "an archive";
	struct keg_boot_range reserved = {0x4fe800, 0x100, 2};

	(void)state;
	config.initrd = initrd;
	config.initrd_bytes = sizeof(initrd);
	assert_ok(load());
	assert_int_equal(get(params, 0x218, 4), 0x4fe000);
	assert_int_equal(get(params, 0x21c, 4), 5000);
	assert_int_equal(get(params, 0xc0, 8), 0); /* ext_ramdisk_image and ext_ramdisk_size */
	assert_memory_equal(fake_at(&mem, 0x4fe000, 5000), initrd, 5000);
	/* Below what is reserved. */
	config.reserved = &reserved;
	config.reserved_count = 1;
	assert_ok(load());
	assert_int_equal(get(params, 0x218, 4), 0x4fd000);
}

static void the_initrd_is_below_what_the_kernel_can_reach(void **state)
{
	static const unsigned char initrd[5000] = "an archive";
	unsigned char *image;
	size_t bytes;

	(void)state;
	image = kernel_make_bzimage("", 0, &bytes);
	config.image = image;
	config.image_bytes = bytes;
	config.initrd = initrd;
	config.initrd_bytes = sizeof(initrd);
	put(image, 0x22c, 0x3fffff, 4); /* initrd_addr_max */
	assert_ok(load());
	assert_int_equal(get(params, 0x218, 4), 0x3fe000);
	/* Not over the memory that the kernel needs at first: below it. */
	put(image, 0x22c, 0x2fffff, 4);
	assert_ok(load());
	assert_int_equal(get(params, 0x218, 4), 0x1fe000);
	put(image, 0x22c, 0x100fff, 4);
	assert_ok(load());
	assert_int_equal(get(params, 0x218, 4), 0x9e000);
	put(image, 0x22c, 0x1fff, 4);
	assert_fails(load(), EFAULT, "initrd: no free memory for its 0x1388 bytes below 0x2000");
	/* In a machine with memory above 4 GiB it stays below. */
	fake_add(&mem, UINT64_C(1) << 32, 0x100000, FAKE_RAM);
	put(image, 0x22c, 0xffffffff, 4);
	assert_ok(load());
	assert_int_equal(get(params, 0x218, 4), 0x4fe000);
	free(image);
}

static void the_command_line_is_as_long_as_the_kernel_takes(void **state)
{
	static char line[3000];
	unsigned char *image;
	size_t bytes;

	(void)state;
	memset(line, 'x', 2047);
	config.command_line = line;
	assert_ok(load());
	assert_string_equal((char *)fake_at(&mem, get(params, 0x228, 4), 2048), line);
	line[2047] = 'x';
	assert_fails(load(), EINVAL,
		"the command line has 2048 bytes: this kernel takes 2047 (cmdline_size)");
	image = kernel_make_bzimage("", 0, &bytes);
	put(image, 0x238, 2048, 4);
	config.image = image;
	config.image_bytes = bytes;
	assert_ok(load());
	free(image);
}

static void without_memory_below_640k_it_all_goes_above_1_mib(void **state)
{
	(void)state;
	fake_free(&mem);
	fake_add(&mem, 0x91000, 0x46f000, FAKE_RAM);
	put(elf, 24, UINT64_C(0xffffffff80200100), 8); /* e_entry */
	put(elf, 64 + 24, 0x98000, 8);                 /* p_paddr: with 0x8000 bytes */
	put(elf, 64 + 32, 0x8000, 8);
	put(elf, 64 + 40, 0x8000, 8);
	assert_ok(load());
	assert_in_range(entry.args[1], 0x91000, 0x98000 - 4096);
	/* Page tables do not fit there, nor in what is left before the adapters. */
	assert_in_range(entry.page_table, 0x100000, 0x500000);
}

static void other_modes_are_refused(void **state)
{
	(void)state;
	config.mode = KEG_ENTRY_PROTECTED;
	assert_fails(load(), EINVAL, "a Linux kernel begins in 64-bit mode, not in protected mode");
	config.mode = KEG_ENTRY_AUTO;
	config.kind = KEG_IMAGE_LINUX;
	fake_machine = 183; /* arm64 */
	assert_fails(load(), ENOTSUP, "Linux: a kernel for x86, which this machine is not");
}

static void asked_for_it_any_elf_file_is_a_kernel(void **state)
{
	(void)state;
	kernel_make_elf(elf, 0);
	config.kind = KEG_IMAGE_LINUX;
	assert_ok(load());
	kernel_make_elf(elf, NOTE_LINUX);
	config.kind = KEG_IMAGE_ELF64;
	assert_ok(load());
	assert_int_equal(entry.kind, KEG_IMAGE_ELF64);
	assert_int_not_equal(entry.stack, 0);
	assert_int_equal(entry.gdt, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_kernel_is_told_by_its_notes),
		TEST(a_damaged_note_ends_the_search),
		TEST(it_is_entered_in_64_bits_with_all_it_needs_below_640k),
		TEST(boot_params_have_what_the_protocol_wants),
		TEST(random_numbers_are_seeded),
		TEST(the_header_of_a_bzimage_is_handed_on),
		TEST(the_initrd_is_as_high_as_can_be),
		TEST(the_initrd_is_below_what_the_kernel_can_reach),
		TEST(the_command_line_is_as_long_as_the_kernel_takes),
		TEST(without_memory_below_640k_it_all_goes_above_1_mib),
		TEST(other_modes_are_refused),
		TEST(asked_for_it_any_elf_file_is_a_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
