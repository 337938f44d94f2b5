/* SPDX-License-Identifier: MIT */
/* ELF files: what is loaded where, and every field that can be wrong. */
#include "testing.h"

#include <elf.h>
#include <errno.h>

#include "fake.h"

enum { SEGMENTS = 3, IMAGE = 4096 };

/* A program of two segments at 1 MiB and 1 MiB + 8 KiB, and a note. */
struct program {
	Elf64_Ehdr header;
	Elf64_Phdr segments[SEGMENTS];
	unsigned char rest[IMAGE - sizeof(Elf64_Ehdr) - SEGMENTS * sizeof(Elf64_Phdr)];
};
_Static_assert(sizeof(struct program) == IMAGE, "no padding");

static struct keg_mem mem;
static struct program program;
static struct keg_boot_entry entry;

static int load_bytes(const void *image, size_t bytes, enum keg_image_kind kind)
{
	struct keg_boot_config config = {
		.size = sizeof(config),
		.kind = kind,
		.image = image,
		.image_bytes = bytes,
	};

	memset(&entry, 0xee, sizeof(entry));
	mem.written = 0;
	return keg_boot_load(&mem, &config, &entry);
}

static int load(void)
{
	return load_bytes(&program, sizeof(program), KEG_IMAGE_AUTO);
}

static void make_program(void)
{
	program = (struct program){
		.header =
			{
				.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
					ELFDATA2LSB, EV_CURRENT},
				.e_type = ET_EXEC,
				.e_machine = EM_X86_64,
				.e_version = EV_CURRENT,
				.e_entry = 0x100010,
				.e_phoff = sizeof(Elf64_Ehdr),
				.e_ehsize = sizeof(Elf64_Ehdr),
				.e_phentsize = sizeof(Elf64_Phdr),
				.e_phnum = SEGMENTS,
			},
		.segments =
			{
				{.p_type = PT_LOAD,
					.p_offset = 1024,
					.p_vaddr = 0x100000,
					.p_paddr = 0x100000,
					.p_filesz = 512,
					.p_memsz = 512,
					.p_align = 1},
				{.p_type = PT_LOAD,
					.p_offset = 2048,
					.p_vaddr = 0x102000,
					.p_paddr = 0x102000,
					.p_filesz = 256,
					.p_memsz = 8192,
					.p_align = 4096},
				{.p_type = PT_NOTE, .p_offset = UINT64_MAX, .p_filesz = UINT64_MAX},
			},
	};
	memset(program.rest, 0x11, sizeof(program.rest));
}

static int setup(void **state)
{
	(void)state;
	fake_pc(&mem);
	make_program();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_free(&mem);
	return 0;
}

static void segments_are_loaded_and_the_rest_of_them_is_zero(void **state)
{
	(void)state;
	program.rest[1024 - offsetof(struct program, rest)] = 0x90;
	assert_ok(load());
	assert_int_equal(*fake_at(&mem, 0x100000, 1), 0x90);
	assert_int_equal(*fake_at(&mem, 0x1001ff, 1), 0x11);
	assert_int_equal(*fake_at(&mem, 0x100200, 1), 0xaa);
	assert_int_equal(*fake_at(&mem, 0x1020ff, 1), 0x11);
	assert_int_equal(*fake_at(&mem, 0x102100, 1), 0);
	assert_int_equal(*fake_at(&mem, 0x103fff, 1), 0);
	assert_int_equal(*fake_at(&mem, 0x104000, 1), 0xaa);
}

static void the_entry_is_64_bit_with_a_stack_below_640k(void **state)
{
	(void)state;
	assert_ok(load());
	assert_int_equal(entry.kind, KEG_IMAGE_ELF64);
	assert_int_equal(entry.mode, KEG_ENTRY_LONG);
	assert_int_equal(entry.pc, 0x100010);
	assert_int_equal(entry.stack, 0xa0000);
	assert_int_equal(entry.args[0], 0);
	assert_int_equal(entry.args[1], 0);
	assert_int_equal(entry.low, 0xa0000 - 16384);
	assert_int_equal(entry.high, 0x104000);
	assert_int_equal(entry.page_table, 0x104000);
}

static void a_virtual_entry_becomes_physical(void **state)
{
	(void)state;
	program.segments[0].p_vaddr = 0xffffffff80000000;
	program.header.e_entry = 0xffffffff80000042;
	assert_ok(load());
	assert_int_equal(entry.pc, 0x100042);
	program.header.e_entry = 0x100043; /* physical already */
	assert_ok(load());
	assert_int_equal(entry.pc, 0x100043);
}

static void a_segment_may_fill_memory_to_its_end_and_no_further(void **state)
{
	(void)state;
	program.segments[1].p_paddr = 0x500000 - 8192;
	assert_ok(load());
	program.segments[1].p_paddr += 1;
	assert_fails(load(), EFAULT,
		"ELF: program header 1: 0x2000 bytes at 0x4fe001: the machine "
		"has no memory at 0x500000");
	assert_int_equal(mem.written, 0);
}

static void a_segment_must_not_span_a_hole_or_touch_a_rom(void **state)
{
	(void)state;
	program.segments[1].p_paddr = 0x9f000;
	assert_fails(load(), EFAULT, "no memory at 0xa0000");
	program.segments[1].p_paddr = 0xff000;
	assert_fails(load(), EFAULT, "no writable memory at 0xff000");
	program.segments[1].p_paddr = 0xb0000;
	assert_fails(load(), EFAULT, "no memory at 0xb0000");
	assert_int_equal(mem.written, 0);
}

static void a_segment_may_go_from_one_region_into_the_next(void **state)
{
	(void)state;
	fake_add(&mem, 0x500000, 4096, FAKE_RAM);
	program.segments[1].p_paddr = 0x4ff000;
	assert_ok(load());
	assert_int_equal(*fake_at(&mem, 0x500fff, 1), 0);
}

static void an_empty_segment_is_nowhere(void **state)
{
	(void)state;
	program.segments[1].p_filesz = 0;
	program.segments[1].p_memsz = 0;
	program.segments[1].p_paddr = UINT64_MAX;
	assert_ok(load());
}

/* A field of the good program, what it is changed to, and what is said of it. */
struct fault {
	size_t offset;
	size_t bytes;
	uint64_t value;
	int error;
	const char *words;
};

#define FIELD(path) offsetof(struct program, path), sizeof(((struct program *)0)->path)

static const struct fault faults[] = {
	{FIELD(header.e_ident[EI_CLASS]), 3, ENOEXEC, "EI_CLASS is 3"},
	{FIELD(header.e_ident[EI_DATA]), ELFDATA2MSB, ENOTSUP, "EI_DATA is 2: a big-endian"},
	{FIELD(header.e_ident[EI_DATA]), 0, ENOEXEC, "EI_DATA is 0, not 1"},
	{FIELD(header.e_ident[EI_VERSION]), 2, ENOEXEC, "EI_VERSION is 2, not 1"},
	{FIELD(header.e_version), 0, ENOEXEC, "e_version is 0, not 1"},
	{FIELD(header.e_type), ET_REL, ENOTSUP, "e_type is 1 (ET_REL, an object file: link it)"},
	{FIELD(header.e_type), ET_DYN, ENOTSUP, "e_type is 3 (ET_DYN, position-independent"},
	{FIELD(header.e_type), ET_CORE, ENOTSUP, "e_type is 4 (ET_CORE"},
	{FIELD(header.e_type), 0xfe00, ENOTSUP, "e_type is 65024 (of no known type)"},
	{FIELD(header.e_machine), EM_AARCH64, ENOTSUP, "e_machine is 183: a program for arm64"},
	{FIELD(header.e_machine), EM_386, ENOTSUP, "e_machine is 3: a program for 32-bit x86"},
	{FIELD(header.e_machine), EM_S390, ENOTSUP, "e_machine is 22: a program for another"},
	{FIELD(header.e_phnum), 0, ENOEXEC, "e_phnum is 0"},
	{FIELD(header.e_phnum), 257, ENOEXEC, "e_phnum is 257: more than 256"},
	{FIELD(header.e_phnum), PN_XNUM, ENOEXEC, "e_phnum is 65535"},
	{FIELD(header.e_phnum), 100, ENOEXEC, "e_phoff 0x40 + 100 program headers is beyond"},
	{FIELD(header.e_phentsize), 32, ENOEXEC, "e_phentsize is 32, not 56"},
	{FIELD(header.e_phoff), 4096, ENOEXEC, "e_phoff 0x1000 + 3 program headers is beyond"},
	{FIELD(header.e_phoff), 4097, ENOEXEC, "beyond the end of the file (4096 bytes)"},
	{FIELD(header.e_phoff), UINT64_MAX, ENOEXEC, "e_phoff 0xffffffffffffffff"},
	{FIELD(header.e_phoff), 4096 - 3 * 56 + 1, ENOEXEC, "is beyond the end of the file"},
	{FIELD(header.e_entry), 0xfffff, ENOEXEC, "e_entry 0xfffff lies in no segment"},
	{FIELD(header.e_entry), 0x100200, ENOEXEC, "e_entry 0x100200 lies in no segment"},
	{FIELD(segments[0].p_type), PT_INTERP, ENOTSUP, "program header 0: PT_INTERP"},
	{FIELD(segments[0].p_filesz), 513, ENOEXEC,
		"program header 0: p_filesz 0x201 is more than p_memsz 0x200"},
	{FIELD(segments[0].p_offset), 3585, ENOEXEC,
		"program header 0: p_offset 0xe01 + p_filesz 0x200 is beyond the end of the file "
		"(4096 bytes)"},
	{FIELD(segments[1].p_offset), UINT64_MAX, ENOEXEC,
		"program header 1: p_offset 0xffffffffffffffff"},
	{FIELD(segments[1].p_align), 24, ENOEXEC, "program header 1: p_align 0x18"},
	{FIELD(segments[1].p_paddr), UINT64_MAX - 8191, ENOEXEC,
		"program header 1: p_paddr 0xffffffffffffe000 + p_memsz 0x2000 wraps"},
	{FIELD(segments[1].p_paddr), UINT64_MAX - 8192, EFAULT, "no memory at 0xffffffffffffdfff"},
	{FIELD(segments[1].p_memsz), UINT64_MAX, ENOEXEC, "program header 1: p_paddr"},
	{FIELD(segments[1].p_memsz), 0x400000, EFAULT, "no memory at 0x500000"},
	{FIELD(segments[1].p_paddr), 0x1001ff, ENOEXEC,
		"program header 1: 0x2000 bytes at 0x1001ff overlap ELF: program header 0 at "
		"0x100000"},
	{FIELD(segments[0].p_paddr), 0x103fff, ENOEXEC, "overlap ELF: program header 0"},
	{FIELD(segments[1].p_paddr), 0x100000, ENOEXEC, "overlap ELF: program header 0"},
};

static void every_broken_field_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		make_program();
		memcpy((char *)&program + faults[i].offset, &faults[i].value, faults[i].bytes);
		assert_fails(load(), faults[i].error, faults[i].words);
		assert_int_equal(mem.written, 0);
	}
	make_program();
	program.segments[0].p_type = PT_NULL;
	program.segments[1].p_type = PT_NOTE;
	assert_fails(load(), ENOEXEC, "no program header is a PT_LOAD");
}

/* Each length of the image is a block of its own, so that reading beyond it is seen. */
static void a_truncated_file_is_refused_at_every_length(void **state)
{
	(void)state;
	for (size_t bytes = 0; bytes < 2048 + 256; bytes++) {
		unsigned char *cut = malloc(bytes + !bytes);
		int rc;

		assert_non_null(cut);
		memcpy(cut, &program, bytes);
		rc = load_bytes(cut, bytes, KEG_IMAGE_ELF64);
		free(cut);
		assert_int_equal(rc, bytes ? -ENOEXEC : -EINVAL);
		assert_int_equal(mem.written, 0);
	}
	assert_ok(load_bytes(&program, 2048 + 256, KEG_IMAGE_ELF64));
}

static void more_segments_than_memory_can_hold_are_refused_in_time(void **state)
{
	enum { MANY = 256 };
	static struct {
		Elf64_Ehdr header;
		Elf64_Phdr segments[MANY];
	} many;

	(void)state;
	many.header = program.header;
	many.header.e_phnum = MANY;
	for (int i = 0; i < MANY; i++)
		many.segments[i] = (Elf64_Phdr){
			.p_type = PT_LOAD,
			.p_paddr = 0x100000 + (uint64_t)(MANY - i) * 0x100,
			.p_memsz = 0x100,
		};
	many.header.e_entry = 0x100100;
	assert_ok(load_bytes(&many, sizeof(many), KEG_IMAGE_AUTO));
	many.segments[200].p_memsz = 0x101;
	assert_fails(load_bytes(&many, sizeof(many), KEG_IMAGE_AUTO), ENOEXEC,
		"program header 200: 0x101 bytes at 0x103800 overlap ELF: program header 199");
}

/* The same program with 32-bit headers. */
static void make_program32(unsigned char *image)
{
	Elf32_Ehdr header = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB,
			EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_386,
		.e_version = EV_CURRENT,
		.e_entry = 0xc0100010,
		.e_phoff = sizeof(Elf32_Ehdr),
		.e_phentsize = sizeof(Elf32_Phdr),
		.e_phnum = 1,
	};
	Elf32_Phdr segment = {
		.p_type = PT_LOAD,
		.p_offset = 1024,
		.p_vaddr = 0xc0100000,
		.p_paddr = 0x100000,
		.p_filesz = 512,
		.p_memsz = 1024,
	};

	memset(image, 0x22, IMAGE);
	memcpy(image, &header, sizeof(header));
	memcpy(image + sizeof(header), &segment, sizeof(segment));
}

static void a_32_bit_program_begins_in_protected_mode(void **state)
{
	static unsigned char image[IMAGE];

	(void)state;
	make_program32(image);
	assert_ok(load_bytes(image, IMAGE, KEG_IMAGE_AUTO));
	assert_int_equal(entry.kind, KEG_IMAGE_ELF32);
	assert_int_equal(entry.mode, KEG_ENTRY_PROTECTED);
	assert_int_equal(entry.pc, 0x100010);
	assert_int_equal(*fake_at(&mem, 0x1001ff, 1), 0x22);
	assert_int_equal(*fake_at(&mem, 0x100200, 1), 0);
	for (size_t bytes = 1; bytes < 1024 + 512; bytes++)
		assert_int_equal(load_bytes(image, bytes, KEG_IMAGE_ELF32), -ENOEXEC);
}

static void the_class_must_be_the_one_that_was_asked_for(void **state)
{
	static unsigned char image[IMAGE];

	(void)state;
	make_program32(image);
	assert_fails(load_bytes(image, IMAGE, KEG_IMAGE_ELF64), ENOEXEC, "it is not ELF64");
	assert_fails(load_bytes(&program, IMAGE, KEG_IMAGE_ELF32), ENOEXEC, "it is not ELF32");
	memset(image, 0, IMAGE);
	assert_fails(load_bytes(image, IMAGE, KEG_IMAGE_ELF64), ENOEXEC, "does not begin with 7f");
}

static void arm64_runs_64_bit_arm64_programs_only(void **state)
{
	static unsigned char image[IMAGE];

	(void)state;
	fake_machine = EM_AARCH64;
	assert_fails(load(), ENOTSUP, "e_machine is 62: a program for x86-64");
	make_program32(image);
	assert_fails(load_bytes(image, IMAGE, KEG_IMAGE_AUTO), ENOTSUP, "a 32-bit program");
	program.header.e_machine = EM_AARCH64;
	assert_ok(load());
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(segments_are_loaded_and_the_rest_of_them_is_zero),
		TEST(the_entry_is_64_bit_with_a_stack_below_640k),
		TEST(a_virtual_entry_becomes_physical),
		TEST(a_segment_may_fill_memory_to_its_end_and_no_further),
		TEST(a_segment_must_not_span_a_hole_or_touch_a_rom),
		TEST(a_segment_may_go_from_one_region_into_the_next),
		TEST(an_empty_segment_is_nowhere),
		TEST(every_broken_field_is_named),
		TEST(a_truncated_file_is_refused_at_every_length),
		TEST(more_segments_than_memory_can_hold_are_refused_in_time),
		TEST(a_32_bit_program_begins_in_protected_mode),
		TEST(the_class_must_be_the_one_that_was_asked_for),
		TEST(arm64_runs_64_bit_arm64_programs_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
