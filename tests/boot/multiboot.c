/* SPDX-License-Identifier: MIT */
/* Multiboot kernels: how they are found, loaded and told of their machine. */
#include "testing.h"

#include <elf.h>
#include <errno.h>

#include "fake.h"

enum { IMAGE = 12288, HEADER = 0x100, MAGIC = 0x1badb002 };

/* Flags and address fields of the header, as the specification orders them. */
enum field { FLAGS = 1, CHECKSUM, HEADER_ADDR, LOAD_ADDR, LOAD_END, BSS_END, ENTRY };

static struct keg_mem mem;
static unsigned char image[IMAGE];
static struct keg_boot_config config;
static struct keg_boot_entry entry;

static int load(void)
{
	memset(&entry, 0xee, sizeof(entry));
	mem.written = 0;
	return keg_boot_load(&mem, &config, &entry);
}

static void put(uint32_t offset, enum field field, uint32_t value)
{
	memcpy(image + offset + 4 * (unsigned int)field, &value, sizeof(value));
}

static void make_header(uint32_t offset, uint32_t flags)
{
	put(offset, 0, MAGIC);
	put(offset, FLAGS, flags);
	put(offset, CHECKSUM, 0u - MAGIC - flags);
}

/* A kernel that is no ELF file: loaded at 1 MiB from offset 0x80 on. */
static void make_kernel(void)
{
	for (size_t i = 0; i < IMAGE; i++)
		image[i] = (unsigned char)(i % 251);
	make_header(HEADER, 1 << 16 | 3);
	put(HEADER, HEADER_ADDR, 0x100080);
	put(HEADER, LOAD_ADDR, 0x100000);
	put(HEADER, LOAD_END, 0x101000);
	put(HEADER, BSS_END, 0x102000);
	put(HEADER, ENTRY, 0x100400);
}

static int setup(void **state)
{
	(void)state;
	fake_pc(&mem);
	make_kernel();
	config = (struct keg_boot_config){
		.size = sizeof(config),
		.image = image,
		.image_bytes = IMAGE,
	};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_free(&mem);
	return 0;
}

/* What the kernel reads: 32 bits of the boot information, at an offset of section 3.3. */
static uint32_t info(unsigned int offset)
{
	uint32_t value;
	unsigned char *at = fake_at(&mem, entry.args[1] + offset, sizeof(value));

	assert_non_null(at);
	memcpy(&value, at, sizeof(value));
	return value;
}

static const char *guest_string(uint32_t address)
{
	const char *text = (const char *)fake_at(&mem, address, 1);

	assert_non_null(text);
	return text;
}

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

static void the_information_says_what_the_machine_has(void **state)
{
	static const struct {
		uint32_t size;
		uint64_t base, length;
		uint32_t type;
	} __attribute__((packed)) map[] = {
		{20, 0, 0xa0000, 1},
		{20, 0xf0000, 0x10000, 2},
		{20, 0x100000, 0x400000, 1},
	};

	(void)state;
	config.command_line = "cpus=2 hello";
	assert_ok(load());
	assert_int_equal(info(0), 1 << 0 | 1 << 2 | 1 << 6 | 1 << 9);
	assert_int_equal(info(4), 640);
	assert_int_equal(info(8), 4096);
	assert_string_equal(guest_string(info(16)), "cpus=2 hello");
	assert_int_equal(info(44), sizeof(map));
	assert_memory_equal(fake_at(&mem, info(48), sizeof(map)), map, sizeof(map));
	assert_string_equal(guest_string(info(64)), "keg");
}

static void the_information_lies_below_640k_on_16_bytes(void **state)
{
	(void)state;
	assert_ok(load());
	assert_true(entry.args[1] < 0xa0000 && entry.args[1] > 0x90000);
	assert_int_equal(entry.args[1] % 16, 0);
	assert_int_equal(entry.low, entry.args[1]);
	assert_int_equal(entry.high, 0x102000);
	assert_int_equal(entry.stack, 0);
}

static void the_information_avoids_a_kernel_in_low_memory(void **state)
{
	(void)state;
	put(HEADER, HEADER_ADDR, 0x9e080);
	put(HEADER, LOAD_ADDR, 0x9e000);
	put(HEADER, LOAD_END, 0x9f000);
	put(HEADER, BSS_END, 0xa0000);
	put(HEADER, ENTRY, 0x9e000);
	assert_ok(load());
	assert_true(entry.args[1] < 0x9e000 && entry.args[1] > 0x90000);
}

static void the_initrd_is_a_module_on_a_page_after_the_kernel(void **state)
{
	(void)state;
	config.initrd = "module's bytes";
	config.initrd_bytes = 14;
	config.initrd_line = "initrd.img x=y";
	assert_ok(load());
	assert_int_equal(info(0) & 1 << 3, 1 << 3);
	assert_int_equal(info(20), 1);
	assert_int_equal(info(24) % 4, 0);
	assert_int_equal(info(24 - 0) - entry.args[1] < 4096, 1);
	uint32_t module[4];
	memcpy(module, fake_at(&mem, info(24), sizeof(module)), sizeof(module));
	assert_int_equal(module[0], 0x102000);
	assert_int_equal(module[1], 0x10200e);
	assert_string_equal(guest_string(module[2]), "initrd.img x=y");
	assert_int_equal(module[3], 0);
	assert_memory_equal(fake_at(&mem, 0x102000, 14), "module's bytes", 14);
	assert_int_equal(entry.high, 0x10200e);
}

static void a_module_that_fits_nowhere_is_refused(void **state)
{
	static char large[4 << 20];

	(void)state;
	config.initrd = large;
	config.initrd_bytes = sizeof(large);
	assert_fails(load(), EFAULT,
		"Multiboot: module: no free memory for its 0x400000 bytes "
		"below 4 GiB");
	assert_int_equal(mem.written, 0);
	/* One page less than what is above the kernel. */
	config.initrd_bytes = 0x400000 - 0x2000;
	assert_ok(load());
	config.initrd_bytes += 1;
	assert_fails(load(), EFAULT, "no free memory");
}

static void modules_and_information_stay_below_4_gib(void **state)
{
	(void)state;
	fake_free(&mem);
	fake_add(&mem, 0x100000, 0x2000, FAKE_RAM);
	fake_add(&mem, UINT64_C(1) << 32, 0x100000, FAKE_RAM);
	assert_fails(load(), EFAULT, "boot information: no free memory");
}

static void without_low_memory_the_information_follows_the_kernel(void **state)
{
	(void)state;
	fake_free(&mem);
	fake_add(&mem, 0x100000, 0x2100, FAKE_RAM);
	fake_add(&mem, 0x200000, 0x1000, FAKE_NOTHING);
	fake_add(&mem, 0x300000, 0x1000, FAKE_ROM);
	fake_add(&mem, 0x301000, 0x1000, FAKE_RAM);
	assert_ok(load());
	assert_int_equal(entry.args[1], 0x102000);
	assert_int_equal(info(4), 0);
	assert_int_equal(info(8), 8);
	config.command_line = "longer than what is left of the first region: "
			      "..............................................................";
	assert_ok(load());
	assert_int_equal(entry.args[1], 0x301000);
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

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_kernel_is_loaded_by_its_address_fields),
		TEST(without_ends_all_of_the_file_is_loaded_and_no_bss),
		TEST(the_information_says_what_the_machine_has),
		TEST(the_information_lies_below_640k_on_16_bytes),
		TEST(the_information_avoids_a_kernel_in_low_memory),
		TEST(the_initrd_is_a_module_on_a_page_after_the_kernel),
		TEST(a_module_that_fits_nowhere_is_refused),
		TEST(modules_and_information_stay_below_4_gib),
		TEST(without_low_memory_the_information_follows_the_kernel),
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
