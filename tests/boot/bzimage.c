/* SPDX-License-Identifier: MIT */
/* bzImages: every field of the header that counts, unpacking them, and loading them as they are. */
#include "testing.h"

#include <errno.h>

#include "kernel.h"

static struct keg_mem mem;
static unsigned char *image;
static struct keg_boot_config config;
static struct keg_boot_entry entry;

static int load(void)
{
	memset(&entry, 0xee, sizeof(entry));
	mem.written = 0;
	return keg_boot_load(&mem, &config, &entry);
}

static void use(unsigned char *made, size_t bytes)
{
	free(image);
	image = made;
	config.image = made;
	config.image_bytes = bytes;
}

static int setup(void **state)
{
	size_t bytes = 0;
	unsigned char *made = kernel_make_bzimage("no kernel", 9, &bytes);

	(void)state;
	fake_pc(&mem);
	config = (struct keg_boot_config){.size = sizeof(config)};
	use(made, bytes);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_free(&mem);
	free(image);
	image = NULL;
	return 0;
}

static void every_format_is_unpacked_and_entered_at_the_kernels_own_entry(void **state)
{
	(void)state;
	if (!packers[0].name)
		skip();
	for (const struct packer *packer = packers; packer->name; packer++) {
		size_t bytes;
		unsigned char *made = kernel_make_usual(packer, &bytes);

		use(made, bytes);
		fake_free(&mem);
		fake_pc(&mem);
		assert_int_equal(keg_image_identify(image, bytes), KEG_IMAGE_BZIMAGE);
		assert_ok(load());
		assert_int_equal(entry.kind, KEG_IMAGE_BZIMAGE);
		assert_int_equal(entry.mode, KEG_ENTRY_LONG);
		assert_int_equal(entry.pc, KERNEL_TEXT + 0x100);
		kernel_check_loaded(&mem);
	}
}

static void a_kernel_may_go_from_one_region_into_the_next(void **state)
{
	(void)state;
	if (!packers[0].name)
		skip();
	for (const struct packer *packer = packers; packer->name; packer++) {
		size_t bytes;
		unsigned char *made = kernel_make_usual(packer, &bytes);

		use(made, bytes);
		fake_free(&mem);
		fake_add(&mem, 0, 0xa0000, FAKE_RAM);
		fake_add(&mem, 0x100000, 0x110000, FAKE_RAM);
		fake_add(&mem, 0x210000, 0x100000, FAKE_RAM);
		assert_ok(load());
		assert_int_equal(*fake_at(&mem, 0x20ffff, 1),
			(unsigned char)((KERNEL_TEXT_OFFSET + 0xffff) * 7 +
					(KERNEL_TEXT_OFFSET + 0xffff) / 4096));
		assert_int_equal(*fake_at(&mem, 0x210000, 1),
			(unsigned char)((KERNEL_TEXT_OFFSET + 0x10000) * 7 +
					(KERNEL_TEXT_OFFSET + 0x10000) / 4096));
	}
}

static void it_is_loaded_as_it_is_where_it_prefers(void **state)
{
	(void)state;
	config.flags = KEG_BOOT_NO_UNPACK;
	assert_ok(load());
	assert_int_equal(entry.mode, KEG_ENTRY_LONG);
	assert_int_equal(entry.pc, BZIMAGE_PREF_ADDRESS + 0x200);
	assert_memory_equal(
		fake_at(&mem, BZIMAGE_PREF_ADDRESS, 0x409), image + BZIMAGE_SETUP, 0x409);
	/* The memory that it wants besides is left as it was. */
	assert_int_equal(*fake_at(&mem, BZIMAGE_PREF_ADDRESS + 0x1000, 1), 0xaa);
	/* So it is with what is packed in no known format. */
	config.flags = 0;
	assert_ok(load());
	assert_int_equal(entry.pc, BZIMAGE_PREF_ADDRESS + 0x200);
}

static void a_32_bit_entry_is_its_beginning(void **state)
{
	(void)state;
	config.mode = KEG_ENTRY_PROTECTED;
	assert_ok(load());
	assert_int_equal(entry.mode, KEG_ENTRY_PROTECTED);
	assert_int_equal(entry.pc, BZIMAGE_PREF_ADDRESS);
	assert_int_equal(entry.page_table, 0);
	/* A kernel of 32 bits has no other. */
	config.mode = KEG_ENTRY_AUTO;
	put(image, 0x236, 0, 2);
	assert_ok(load());
	assert_int_equal(entry.mode, KEG_ENTRY_PROTECTED);
	config.mode = KEG_ENTRY_LONG;
	assert_fails(load(), ENOTSUP, "xloadflags is 0x0000: XLF_KERNEL_64 is not set");
	/* Nor has one whose protocol did not know the field: what is there is something else. */
	put(image, 0x236, 1, 2);
	put(image, 0x206, 0x020b, 2);
	assert_fails(load(), ENOTSUP, "XLF_KERNEL_64 is not set");
	config.mode = KEG_ENTRY_REAL;
	assert_fails(load(), EINVAL, "a bzImage kernel is not entered in real mode");
}

static void a_relocatable_kernel_goes_elsewhere_if_it_must(void **state)
{
	struct keg_boot_range reserved = {BZIMAGE_PREF_ADDRESS, 0x1000, 2};

	(void)state;
	config.reserved = &reserved;
	config.reserved_count = 1;
	assert_ok(load());
	assert_int_equal(entry.pc, 0x400000 + 0x200);
	/* Below, where there is no room above. */
	put(image, 0x258, 0x600000, 8);
	put(image, 0x230, 0x100000, 4);
	assert_ok(load());
	assert_int_equal(entry.pc, 0x100000 + 0x200);
	put(image, 0x260, 0x200000, 4);
	put(image, 0x230, 0x200000, 4);
	assert_fails(load(), EFAULT, "bzImage: kernel: no free memory for its 0x200000 bytes");
	/* One that is not goes nowhere else. */
	put(image, 0x234, 0, 1);
	put(image, 0x258, BZIMAGE_PREF_ADDRESS, 8);
	assert_fails(load(), ENOEXEC, "overlap what is reserved at 0x200000");
	config.reserved_count = 0;
	assert_ok(load());
	put(image, 0x258, 0x600000, 8);
	assert_fails(load(), EFAULT, "0x200000 bytes at 0x600000: the machine has no memory at");
	assert_int_equal(mem.written, 0);
}

static void an_old_kernel_is_loaded_at_1_mib(void **state)
{
	(void)state;
	put(image, 0x206, 0x0206, 2);
	put(image, 0x200, 0x3aeb, 2); /* the header ends at 0x23c */
	put(image, 0x234, 0, 1);
	assert_ok(load());
	assert_int_equal(entry.mode, KEG_ENTRY_PROTECTED);
	assert_int_equal(entry.pc, 0x100000);
}

/* A field that is given a value which cannot be: with what error, and in which words. */
static const struct {
	size_t offset, bytes;
	uint64_t value;
	int error;
	const char *words;
} broken[] = {
	{0x1fe, 2, 0x55aa, ENOEXEC, "boot_flag is 0x55aa, not 0xaa55"},
	{0x206, 2, 0x0205, ENOTSUP, "version is 2.05: a kernel before 2.6.22; keg needs 2.06"},
	{0x1f1, 1, 0xff, ENOEXEC, "setup_sects is 255: the file ends before"},
	{0x1f4, 4, 0, ENOEXEC, "syssize is 0"},
	{0x1f4, 4, 0x1000000, ENOEXEC, "syssize is 0x1000000: 0x10000000 bytes"},
	{0x1f4, 4, 0xffffffff, ENOEXEC, "syssize is 0xffffffff: 0xffffffff0 bytes"},
	{0x201, 1, 0x10, ENOEXEC, "jump: the header ends at 0x212, before the end of cmdline_size"},
	{0x201, 1, 0x40, ENOEXEC,
		"jump: the header ends at 0x242, before the end of payload_length"},
	{0x201, 1, 0x52, ENOEXEC, "before the end of setup_data at 0x258"},
	{0x201, 1, 0x60, ENOEXEC, "before the end of init_size at 0x264"},
	{0x201, 1, 0x64, ENOEXEC, "before the end of handover_offset at 0x268"},
	{0x201, 1, 0x69, ENOEXEC, "before the end of kernel_info_offset at 0x26c"},
	{0x201, 1, 0x8f, ENOEXEC, "jump: the header ends at 0x291, beyond its room"},
	{0x211, 1, 0, ENOTSUP, "loadflags is 0x00: LOADED_HIGH is not set"},
	{0x230, 4, 0, ENOEXEC, "kernel_alignment is 0x0: no power of two"},
	{0x230, 4, 0x300000, ENOEXEC, "kernel_alignment is 0x300000: no power of two"},
	{0x238, 4, 0, ENOEXEC, "cmdline_size is 0"},
	{0x248, 4, 0xffffffff, ENOEXEC, "payload_offset 0xffffffff + payload_length 0x9"},
	{0x24c, 4, 0xffffffff, ENOEXEC, "payload_offset 0x400 + payload_length 0xffffffff"},
	{0x258, 8, 0x210000, ENOEXEC, "pref_address 0x210000 is no multiple of kernel_alignment"},
	{0x260, 4, 0, ENOEXEC, "init_size is 0"},
	{0x260, 4, 0xffffffff, EFAULT, "no free memory for its 0xffffffff bytes"},
	{0x258, 8, 0xffffffffffe00000, EFAULT, ""},
};

static void every_field_that_cannot_be_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		uint64_t was = get(image, broken[i].offset, broken[i].bytes);

		/* Where a relocatable kernel would do with another address. */
		put(image, 0x234, broken[i].error != EFAULT || broken[i].bytes == 4, 1);
		put(image, broken[i].offset, broken[i].value, broken[i].bytes);
		assert_fails(load(), broken[i].error, broken[i].words);
		assert_int_equal(mem.written, 0);
		put(image, broken[i].offset, was, broken[i].bytes);
		put(image, 0x234, 1, 1);
		assert_ok(load());
	}
}

static void it_must_reach_its_entry(void **state)
{
	(void)state;
	config.flags = KEG_BOOT_NO_UNPACK;
	put(image, 0x248, 0, 4); /* payload_offset: none */
	put(image, 0x260, 16, 4);
	put(image, 0x1f4, 0x20, 4);
	assert_fails(load(), ENOEXEC, "syssize is 0x20: the kernel ends before its 64-bit entry");
	assert_int_equal(mem.written, 0);
	put(image, 0x1f4, 0x21, 4);
	assert_ok(load());
}

static void it_may_end_nowhere(void **state)
{
	const size_t bytes = config.image_bytes;

	(void)state;
	config.kind = KEG_IMAGE_BZIMAGE;
	for (size_t left = 1; left < bytes; left++) {
		unsigned char *cut = malloc(left);

		assert_non_null(cut);
		memcpy(cut, image, left);
		config.image = cut;
		config.image_bytes = left;
		assert_fails(load(), ENOEXEC, "bzImage: ");
		assert_int_equal(mem.written, 0);
		free(cut);
	}
	config.image = image;
	config.image_bytes = bytes;
	assert_ok(load());
}

static void a_packed_kernel_is_refused_for_what_is_wrong_with_it(void **state)
{
	unsigned char *elf = malloc(KERNEL_BYTES), *payload;
	size_t packed, bytes;

	(void)state;
	if (!packers[0].name)
		skip();
	assert_non_null(elf);
	kernel_make_elf(elf, 0);
	put(elf, 16, 3, 2); /* e_type: ET_DYN */
	payload = packers[0].pack(elf, KERNEL_BYTES, &packed);
	use(kernel_make_bzimage(payload, packed, &bytes), config.image_bytes);
	config.image_bytes = bytes;
	assert_fails(load(), ENOTSUP, "bzImage: payload: ELF: e_type is 3");
	free(payload);

	/* Segments that share data of the file. */
	kernel_make_elf(elf, 0);
	put(elf, 64 + 56 + 8, KERNEL_TEXT_OFFSET + 0x100, 8); /* the second's p_offset */
	payload = packers[0].pack(elf, KERNEL_BYTES, &packed);
	use(kernel_make_bzimage(payload, packed, &bytes), config.image_bytes);
	config.image_bytes = bytes;
	assert_fails(load(), ENOTSUP, "program headers 0 and 1: p_offset: they share data");
	config.flags = KEG_BOOT_NO_UNPACK;
	assert_ok(load());
	config.flags = 0;
	free(payload);

	/* A kernel of 64 bits whose header tells of 32. */
	use(kernel_make_usual(packers, &bytes), config.image_bytes);
	config.image_bytes = bytes;
	put(image, 0x236, 0, 2);
	assert_fails(load(), ENOEXEC, "xloadflags is 0x0000, but the kernel in it");
	/* It says that it is larger than the machine. */
	put(image, 0x236, 1, 2);
	put32(image + BZIMAGE_SETUP + BZIMAGE_PAYLOAD_OFFSET + get(image, 0x24c, 4) - 4, 1 << 30);
	assert_fails(load(), ENOEXEC, "unpacks to 1073741824 bytes: more than 4849664");
	assert_int_equal(mem.written, 0);
	free(elf);
}

static void a_machine_that_is_no_pc_refuses_it(void **state)
{
	(void)state;
	fake_machine = 183; /* arm64 */
	assert_fails(load(), ENOTSUP, "bzImage: a kernel for x86, which this machine is not");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_format_is_unpacked_and_entered_at_the_kernels_own_entry),
		TEST(a_kernel_may_go_from_one_region_into_the_next),
		TEST(it_is_loaded_as_it_is_where_it_prefers),
		TEST(a_32_bit_entry_is_its_beginning),
		TEST(a_relocatable_kernel_goes_elsewhere_if_it_must),
		TEST(an_old_kernel_is_loaded_at_1_mib),
		TEST(every_field_that_cannot_be_is_named),
		TEST(it_must_reach_its_entry),
		TEST(it_may_end_nowhere),
		TEST(a_packed_kernel_is_refused_for_what_is_wrong_with_it),
		TEST(a_machine_that_is_no_pc_refuses_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
