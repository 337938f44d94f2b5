/* SPDX-License-Identifier: MIT */
/* Kernels with a PVH entry: where they begin, and what they are told. */
#include <elf.h>
#include <errno.h>

#include "loading.h"

static const unsigned char *info; /* the start info, once it is loaded */

static int load(void)
{
	return load_kernel(&info, 56);
}

static int setup(void **state)
{
	(void)state;
	return set_up_kernel(NOTE_PVH);
}

static void it_is_entered_where_the_note_says_in_protected_mode(void **state)
{
	(void)state;
	assert_ok(load());
	kernel_check_loaded(&mem);
	assert_int_equal(entry.kind, KEG_IMAGE_PVH);
	assert_int_equal(entry.mode, KEG_ENTRY_PROTECTED);
	assert_int_equal(entry.pc, KERNEL_PVH_ENTRY);
	assert_int_equal(entry.stack, 0);
	assert_int_equal(entry.page_table, 0);
	assert_int_equal(entry.gdt, 0);
	assert_int_equal(entry.args[0], 0);
	assert_in_range(entry.args[1], 0x1000, 0xa0000 - 56);
	/* Asked for it, a kernel of Linux's is entered there, too. */
	kernel_make_elf(elf, NOTE_PVH | NOTE_LINUX);
	config.kind = KEG_IMAGE_PVH;
	assert_ok(load());
	assert_int_equal(entry.pc, KERNEL_PVH_ENTRY);
}

static void the_start_info_tells_of_the_least(void **state)
{
	(void)state;
	assert_ok(load());
	assert_int_equal(get(info, 0, 4), 0x336ec578); /* magic */
	assert_int_equal(get(info, 4, 4), 1);          /* version */
	assert_int_equal(get(info, 8, 4), 0);          /* flags */
	assert_int_equal(get(info, 12, 4), 0);         /* nr_modules */
	assert_int_equal(get(info, 16, 8), 0);         /* modlist_paddr */
	assert_int_equal(get(info, 24, 8), 0);         /* cmdline_paddr */
	assert_int_equal(get(info, 32, 8), 0);         /* rsdp_paddr */
}

static void the_start_info_tells_of_all(void **state)
{
	static const unsigned char initrd[5000] = "an archive";
	const unsigned char *module;

	(void)state;
	config.initrd = initrd;
	config.initrd_bytes = sizeof(initrd);
	config.command_line = "quiet";
	config.acpi_rsdp = 0xe0000;
	assert_ok(load());
	assert_int_equal(get(info, 12, 4), 1);
	module = fake_at(&mem, get(info, 16, 8), 32);
	assert_non_null(module);
	assert_int_equal(get(module, 0, 8), 0x4fe000);
	assert_int_equal(get(module, 8, 8), 5000);
	assert_int_equal(get(module, 16, 8), 0);
	assert_int_equal(get(module, 24, 8), 0);
	assert_memory_equal(fake_at(&mem, 0x4fe000, 5000), initrd, 5000);
	assert_string_equal((char *)fake_at(&mem, get(info, 24, 8), 6), "quiet");
	assert_int_equal(get(info, 32, 8), 0xe0000);
}

static void the_memory_map_is_the_machines(void **state)
{
	static const struct keg_boot_range reserved = {0xe0000, 0x1000, 3};
	static const struct keg_boot_range ranges[] = {
		{0, 0xa0000, 1},
		{0xa0000, 0x40000, 2},
		{0xe0000, 0x1000, 3},
		{0xe1000, 0x1f000, 2},
		{0x100000, 0x400000, 1},
	};
	const unsigned char *map;

	(void)state;
	config.reserved = &reserved;
	config.reserved_count = 1;
	assert_ok(load());
	assert_int_equal(get(info, 48, 4), 5); /* memmap_entries */
	map = fake_at(&mem, get(info, 40, 8), 5 * 24);
	assert_non_null(map);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(get(map, 24 * i, 8), ranges[i].start);
		assert_int_equal(get(map, 24 * i + 8, 8), ranges[i].bytes);
		assert_int_equal(get(map, 24 * i + 16, 4), ranges[i].type);
		assert_int_equal(get(map, 24 * i + 20, 4), 0);
	}
}

static void an_entry_that_cannot_be_is_refused(void **state)
{
	const size_t value = KERNEL_NOTES + 12 + 4 + 8 + 12 + 4; /* after the first note */

	(void)state;
	assert_int_equal(get(elf, value, 8), KERNEL_PVH_ENTRY);
	put(elf, value, KERNEL_TEXT + KERNEL_TEXT_BYTES, 8);
	assert_fails(load(), ENOEXEC, "XEN_ELFNOTE_PHYS32_ENTRY 0x218000 lies in no segment");
	put(elf, value, UINT64_C(0xffffffff80200850), 8);
	assert_fails(load(), ENOEXEC, "XEN_ELFNOTE_PHYS32_ENTRY 0xffffffff80200850 lies in no");
	kernel_make_elf(elf, NOTE_LINUX);
	config.kind = KEG_IMAGE_PVH;
	assert_fails(load(), ENOEXEC, "PVH: the file has no note XEN_ELFNOTE_PHYS32_ENTRY");
	assert_int_equal(mem.written, 0);
}

static void other_modes_and_machines_are_refused(void **state)
{
	(void)state;
	config.mode = KEG_ENTRY_LONG;
	assert_fails(load(), EINVAL, "a PVH kernel begins in protected mode, not in 64-bit mode");
	config.mode = KEG_ENTRY_AUTO;
	config.kind = KEG_IMAGE_PVH;
	fake_machine = EM_AARCH64;
	assert_fails(load(), ENOTSUP, "PVH: a kernel for x86, which this machine is not");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_entered_where_the_note_says_in_protected_mode),
		TEST(the_start_info_tells_of_the_least),
		TEST(the_start_info_tells_of_all),
		TEST(the_memory_map_is_the_machines),
		TEST(an_entry_that_cannot_be_is_refused),
		TEST(other_modes_and_machines_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
