/* SPDX-License-Identifier: MIT */
/* Multiboot kernels: how they are found, loaded and told of their machine. */
#include "testing.h"

#include <elf.h>
#include <errno.h>

#include "multiboot.h"

static void the_kernel_is_loaded_by_its_address_fields(void **state)
{
	(void)state;
	assert_ok(load());
	assert_int_equal(entry.kind, KEG_IMAGE_MULTIBOOT);
	assert_int_equal(entry.mode, KEG_ENTRY_PROTECTED);
	assert_int_equal(entry.pc, 0x100400);
	assert_int_equal(entry.args[0], 0x2badb002);
	assert_int_equal(*fake_at(&mem, 0x100000, 1), 0x80);
	assert_int_equal(*fake_at(&mem, 0x100fff, 1), 0x107f % 251);
	assert_int_equal(*fake_at(&mem, 0x101000, 1), 0);
	assert_int_equal(*fake_at(&mem, 0x101fff, 1), 0);
	assert_int_equal(*fake_at(&mem, 0x102000, 1), 0xaa);
}

static void without_ends_all_of_the_file_is_loaded_and_no_bss(void **state)
{
	(void)state;
	put(HEADER, LOAD_END, 0);
	put(HEADER, BSS_END, 0);
	assert_ok(load());
	assert_int_equal(*fake_at(&mem, 0x100000 + IMAGE - 0x80 - 1, 1), (IMAGE - 1) % 251);
	assert_int_equal(*fake_at(&mem, 0x100000 + IMAGE - 0x80, 1), 0xaa);
}

struct fault {
	enum field field;
	uint32_t value;
	int error;
	const char *words;
};

static const struct fault faults[] = {
	{HEADER_ADDR, 0xfffff, ENOEXEC, "load_addr 0x100000 is above header_addr 0xfffff"},
	{HEADER_ADDR, 0x100101, ENOEXEC, "load_addr 0x100000 lies before the beginning of the"},
	{HEADER_ADDR, 0xffffffff, ENOEXEC, "load_addr 0x100000 lies before the beginning"},
	{LOAD_ADDR, 0, ENOEXEC, "load_addr 0x0 lies before the beginning of the file"},
	{LOAD_END, 0xfffff, ENOEXEC, "load_end_addr 0xfffff is below load_addr 0x100000"},
	{LOAD_END, 0x100000, ENOEXEC, "load_end_addr: there is nothing to load"},
	{LOAD_END, 0x102f81, ENOEXEC, "load_end_addr is beyond the end of the file"},
	{LOAD_END, 0xffffffff, ENOEXEC, "load_end_addr is beyond the end of the file"},
	{LOAD_END, 0x102001, ENOEXEC, "bss_end_addr is below the end of what is loaded"},
	{BSS_END, 0x100fff, ENOEXEC, "bss_end_addr is below the end of what is loaded"},
	{BSS_END, 0x500001, EFAULT,
		"Multiboot: image: 0x400001 bytes at 0x100000: the machine "
		"has no memory at 0x500000"},
	{ENTRY, 0xfffff, ENOEXEC, "entry_addr 0xfffff is not in the image"},
	{ENTRY, 0x102000, ENOEXEC, "entry_addr 0x102000 is not in the image"},
	{CHECKSUM, 0, ENOEXEC, "checksum: magic, flags and checksum do not add up"},
	{0, 0, ENOEXEC, "no magic 0x1badb002"},
};

static void every_broken_field_is_named(void **state)
{
	(void)state;
	config.kind = KEG_IMAGE_MULTIBOOT;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		make_kernel();
		put(HEADER, faults[i].field, faults[i].value);
		assert_fails(load(), faults[i].error, faults[i].words);
		assert_int_equal(mem.written, 0);
	}
}

static void requirements_that_nobody_knows_are_refused(void **state)
{
	(void)state;
	for (int bit = 3; bit < 16; bit++) {
		make_header(HEADER, 1u << 16 | 1u << bit);
		assert_fails(load(), ENOEXEC, "require what keg does not know");
	}
	/* A video mode is a wish; bits 17 and up may be ignored. */
	make_header(HEADER, 0xffff0007);
	assert_ok(load());
}

static void the_header_is_searched_in_8192_bytes_on_4_byte_boundaries(void **state)
{
	static const struct {
		uint32_t offset;
		enum keg_image_kind kind;
	} places[] = {
		{0, KEG_IMAGE_MULTIBOOT},
		{4, KEG_IMAGE_MULTIBOOT},
		{6, KEG_IMAGE_FLAT},
		{8192 - 12, KEG_IMAGE_MULTIBOOT},
		{8192 - 8, KEG_IMAGE_FLAT},
		{8192, KEG_IMAGE_FLAT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		memset(image, 0, sizeof(image));
		make_header(places[i].offset, 0);
		assert_int_equal(keg_image_identify(image, IMAGE), places[i].kind);
	}
}

static void a_magic_number_without_checksum_does_not_hide_the_header(void **state)
{
	(void)state;
	put(HEADER - 0x40, 0, MAGIC);
	assert_ok(load());
}

static void address_fields_must_be_there(void **state)
{
	(void)state;
	memset(image, 0, sizeof(image));
	make_header(8192 - 20, 1u << 16);
	assert_fails(load(), ENOEXEC, "flag 16 says that there are address fields");
	make_header(8192 - 20, 0);
	assert_fails(
		load(), ENOEXEC, "flag 16 (address fields) is not set, and the image is no ELF");
}

static void a_truncated_image_is_refused_or_loaded_at_every_length(void **state)
{
	(void)state;
	config.kind = KEG_IMAGE_MULTIBOOT;
	for (size_t bytes = 1; bytes < 0x1200; bytes++) {
		unsigned char *cut = malloc(bytes);
		int rc;

		assert_non_null(cut);
		memcpy(cut, image, bytes);
		config.image = cut;
		config.image_bytes = bytes;
		rc = load();
		free(cut);
		assert_int_equal(rc, bytes < 0x1080 ? -ENOEXEC : 0);
	}
}

static void make_elf(unsigned char class)
{
	Elf64_Ehdr wide = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, class, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = class == ELFCLASS64 ? EM_X86_64 : EM_386,
		.e_version = EV_CURRENT,
	};
	Elf32_Ehdr *narrow = (Elf32_Ehdr *)&wide;
	Elf64_Phdr segment64 = {.p_type = PT_LOAD,
		.p_paddr = 0x200000,
		.p_vaddr = 0xc0200000,
		.p_filesz = 4096,
		.p_memsz = 8192};
	Elf32_Phdr segment32 = {.p_type = PT_LOAD,
		.p_paddr = 0x200000,
		.p_vaddr = 0xc0200000,
		.p_filesz = 4096,
		.p_memsz = 8192};

	if (class == ELFCLASS64) {
		wide.e_entry = 0xc0200010;
		wide.e_phoff = sizeof(wide);
		wide.e_phentsize = sizeof(segment64);
		wide.e_phnum = 1;
		memcpy(image + sizeof(wide), &segment64, sizeof(segment64));
	} else {
		narrow->e_entry = 0xc0200010;
		narrow->e_phoff = sizeof(wide);
		narrow->e_phentsize = sizeof(segment32);
		narrow->e_phnum = 1;
		memcpy(image + sizeof(wide), &segment32, sizeof(segment32));
	}
	memcpy(image, &wide, sizeof(wide));
	make_header(HEADER, 3);
}

static void an_elf_kernel_is_loaded_by_its_program_headers(void **state)
{
	(void)state;
	for (unsigned char class = ELFCLASS32; class <= ELFCLASS64; class ++) {
		make_elf(class);
		assert_int_equal(keg_image_identify(image, IMAGE), KEG_IMAGE_MULTIBOOT);
		assert_ok(load());
		assert_int_equal(entry.mode, KEG_ENTRY_PROTECTED);
		assert_int_equal(entry.pc, 0x200010);
		assert_int_equal(*fake_at(&mem, 0x201000, 1), 0);
	}
}

static void address_fields_count_before_an_elf_header(void **state)
{
	(void)state;
	make_elf(ELFCLASS64);
	make_header(HEADER, 1 << 16);
	assert_ok(load());
	assert_int_equal(entry.pc, 0x100400);
}

static void arm64_refuses_multiboot(void **state)
{
	(void)state;
	fake_machine = EM_AARCH64;
	assert_fails(load(), ENOTSUP, "Multiboot: a kernel for x86");
}

static void other_entry_modes_are_refused(void **state)
{
	(void)state;
	config.mode = KEG_ENTRY_LONG;
	assert_fails(load(), EINVAL, "a Multiboot kernel begins in protected mode, not in 64-bit");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_kernel_is_loaded_by_its_address_fields),
		TEST(without_ends_all_of_the_file_is_loaded_and_no_bss),
		TEST(every_broken_field_is_named),
		TEST(requirements_that_nobody_knows_are_refused),
		TEST(the_header_is_searched_in_8192_bytes_on_4_byte_boundaries),
		TEST(a_magic_number_without_checksum_does_not_hide_the_header),
		TEST(address_fields_must_be_there),
		TEST(a_truncated_image_is_refused_or_loaded_at_every_length),
		TEST(an_elf_kernel_is_loaded_by_its_program_headers),
		TEST(address_fields_count_before_an_elf_header),
		TEST(arm64_refuses_multiboot),
		TEST(other_entry_modes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
